"""The few pages that this service renders itself: no script, no picture, nothing from elsewhere."""

import base64
import hashlib
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from fastapi.responses import HTMLResponse

_FOLDER = Path(__file__).parent


def page(name: str, status: int = 200, **texts: str) -> HTMLResponse:
    """Fill the template `<name>.html`; every value must be HTML already (`escape` what is text)."""
    style = _read("style.css")
    body = Template(_read(f"{name}.html")).substitute(texts, style=style)
    return HTMLResponse(body, status, {"Content-Security-Policy": _policy(style)})


@cache
def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def element(name: str, text: Any, **attributes: str) -> str:
    """One HTML element around a text that is escaped."""
    listed = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{listed}>{escape(str(text))}</{name}>"
