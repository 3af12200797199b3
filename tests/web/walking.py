"""A matter walked by clicking: each person in a browser of his own, all before one server."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.web.browsing import Live, go


class Walk:
    """One matter at a time, and the pages of everybody who has to do with it."""

    def __init__(self, live: Live, *people: str) -> None:
        self.live = live
        self.pages = {who: live.enter(who) for who in people}
        self.address = ""

    def at(self, who: str, path: str = "") -> Page:
        """The matter's page, or another, as somebody sees it now."""
        go(self.pages[who], path or self.address, who)
        return self.pages[who]

    def act(self, who: str, action: str) -> Page:
        """The matter's page with the form of an action, reached by its tab."""
        page = self.at(who)
        tab = page.get_by_role("navigation", name="可办理的操作").get_by_role("link", name=action, exact=True)
        if tab.get_attribute("aria-current") is None:
            tab.click()
            expect(tab).to_have_attribute("aria-current", "true")
        return page

    def cannot(self, who: str, action: str, why: str = "") -> None:
        """The page offers him no such tab, and says why not."""
        page = self.at(who)
        tabs = page.get_by_role("navigation", name="可办理的操作")
        expect(tabs.get_by_role("link", name=action, exact=True)).to_have_count(0)
        reasons = page.locator(".why dl")
        expect(reasons.locator("dt", has_text=re.compile(f"^{action}$"))).to_have_count(1)
        expect(reasons).to_contain_text(why)

    def stands(self, who: str, state: str) -> None:
        """The head of the page says where the matter is."""
        expect(self.at(who).locator("#matter-head .under-title")).to_contain_text(state)

    def from_worklist(self, who: str, title: str) -> None:
        """Go on with the matter that somebody opens from his worklist."""
        page = self.at(who, "/worklist")
        page.locator("#list").get_by_role("link", name=title).first.press("Enter")
        self.take_address(page)

    def take_address(self, page: Page) -> None:
        """Go on with the matter that this page is about to show."""
        page.wait_for_url(re.compile(r"/matters/\d+$"))
        self.address = re.sub(r"https?://[^/]+", "", page.url)

    def deadline(self, who: str, title: str) -> str:
        """The day that stands on the card of a deadline."""
        card = self.at(who).locator(".clocks li", has_text=title)
        found = re.search(r"截止 ([\d-]+)", card.inner_text())
        assert found
        return found[1]

    def panel(self, who: str, title: str) -> Locator:
        """The card of a panel."""
        return self.at(who).get_by_role("region", name=title)

    def latest(self, who: str) -> Locator:
        """The newest entry of the timeline."""
        return self.at(who).locator(".timeline li").first
