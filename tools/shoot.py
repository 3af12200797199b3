"""Takes pictures of the main pages of a running demo county: light, dark, and as wide as a phone.

python tools/shoot.py OUT [--base http://127.0.0.1:8000] [--login fangwen] [--only worklist,login]
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PASSWORD = "qinghe-demo-2026"
PAGES = {
    "login": "/login", "receipt": "/receipt", "worklist": "/worklist", "worklist-red": "/worklist?light=red",
    "worklist-none": "/worklist?q=没有这样的事项", "watching": "/watching", "done": "/done", "messages": "/messages",
    "profile": "/profile", "missing": "/nothing-here", "matter": "/worklist#first", "new": "/matters/new/petition",
    "board": "/board", "ledger": "/ledger", "flows": "/flows", "procedures": "/procedures",
    "petition": "/procedures/petition", "calendar": "/procedures/calendar",
}  # fmt: skip
LOOKS = {"light": (1440, 900), "dark": (1440, 900), "phone": (360, 780)}


def main() -> None:
    asked = _arguments()
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted = asked.only.split(",") if asked.only else list(PAGES)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for look in LOOKS:
            for name, page in _pages(browser, look, asked.base, asked.login, wanted):
                page.screenshot(path=asked.out / f"{name}-{look}.png", full_page=asked.whole)
        browser.close()


def _pages(browser: Browser, look: str, base: str, login: str, wanted: list[str]) -> Iterator[tuple[str, Page]]:
    width, height = LOOKS[look]
    scheme = "dark" if look == "dark" else "light"
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, locale="zh-CN")
    page = context.new_page()
    page.on("console", lambda said: said.type == "error" and sys.stderr.write(f"{page.url}: {said.text}\n"))
    public = [name for name in wanted if name in ("login", "receipt")]
    for name in public:
        yield name, _at(page, base, PAGES[name])
    _at(page, base, "/login")
    page.get_by_label("用户名").fill(login)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(re.compile("/worklist"))
    for name in [name for name in wanted if name not in public]:
        yield name, _at(page, base, PAGES[name])
    context.close()


def _at(page: Page, base: str, path: str) -> Page:
    page.goto(urljoin(base, path))
    page.wait_for_load_state("networkidle")
    if path.endswith("#first"):
        first = page.locator("[data-rows] a[href^='/matters/']").first.get_attribute("href")
        page.goto(urljoin(base, first or path))
        page.wait_for_url(re.compile("/matters/"))
        page.wait_for_load_state("networkidle")
    return page


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--base", default="http://127.0.0.1:8000")
    parser.add_argument("--login", default="fangwen")
    parser.add_argument("--only", default="")
    parser.add_argument("--whole", action="store_true", help="the whole page, not only what fits the window")
    return parser.parse_args()


if __name__ == "__main__":
    main()
