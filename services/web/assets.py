"""Scripts, styles and icons: read once at start, named by their content, sent compressed and kept for a year.

What is ours lies in `static/`; what npm brings lies in `static/vendor/`, is built by `tools/build_assets.py`, and is
not in the repository.
"""

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

STATIC = Path(__file__).parent / "static"
ICONS = "vendor/icons.svg"
PREFIX = "/static/"
KEPT = "public, max-age=31536000, immutable"


class AssetsMissing(Exception):
    """The built files are not there; the message says how to build them."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `packed` is the gzip of `content`, or None where that would not be smaller."""

    content: bytes
    packed: bytes | None
    tag: str
    media_type: str


class Assets:
    """All files by their path below `static/`; an ASGI application that serves them."""

    def __init__(self, folder: Path = STATIC) -> None:
        if not (folder / ICONS).exists():
            raise AssetsMissing(
                "the scripts and styles of the web are not built: run `make setup` "
                "(or: python tools/build_assets.py) in the project's folder"
            )
        self._files = {str(path.relative_to(folder)): _read(path) for path in _sources(folder)}
        self.icons = frozenset(re.findall(rb'<symbol id="([^"]+)"', self._files[ICONS].content))

    def url(self, path: str) -> str:
        """Return the address of a file, which changes with its content. KeyError: there is no such file."""
        return f"{PREFIX}{path}?v={self._files[path].tag}"

    def icon_url(self, name: str) -> str:
        """Return the address of an icon; raise LookupError, saying how to add it."""
        if name.encode() not in self.icons:
            raise LookupError(f"icon {name!r} is not in the sprite: run tools/build_assets.py again")
        return f"{self.url(ICONS)}#{name}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        asset = self._files.get(scope["path"].removeprefix(PREFIX))
        if asset is None:
            return PlainTextResponse("not found", 404)
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("method not allowed", 405, {"Allow": "GET, HEAD"})
        asked = Headers(scope=scope)
        current = scope["query_string"] == f"v={asset.tag}".encode()
        headers = {
            "ETag": f'"{asset.tag}"', "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff",
            "Cache-Control": KEPT if current else "no-cache",
        }  # fmt: skip
        if asked.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        packed = asset.packed if "gzip" in asked.get("accept-encoding", "") else None
        if packed is not None:
            headers["Content-Encoding"] = "gzip"
        return Response(asset.content if packed is None else packed, 200, headers, asset.media_type)


def _sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".gz")


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    built = path.with_name(path.name + ".gz")
    packed = built.read_bytes() if built.exists() else gzip.compress(content, 9, mtime=0)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    media_type = f"{kind}; charset=utf-8" if kind.startswith("text/") or path.suffix == ".svg" else kind
    tag = hashlib.sha256(content).hexdigest()[:8]
    return Asset(content, packed if len(packed) < len(content) else None, tag, media_type)
