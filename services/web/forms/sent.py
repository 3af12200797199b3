"""What a form sent, read only after the caller is known; and what goes along with its answers."""

import re
from typing import Annotated

from fastapi import Depends, Request

from services.web.forgery import Visitor

MOST_FIELDS = 5000
Pairs = list[tuple[str, str]]


async def read_sent(request: Request, _: Visitor) -> Pairs:
    form = await request.form(max_files=0, max_fields=MOST_FIELDS)
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]


Sent = Annotated[Pairs, Depends(read_sent)]


def request_key(sent: Pairs) -> str | None:
    """The key of this very request, made with the form: sent twice it is carried out once."""
    given = _last(sent, "request_key")
    return given if re.fullmatch(r"[\w-]{16,64}", given, re.ASCII) else None


def whole(sent: Pairs, name: str) -> int | None:
    """A whole number from 1, or None."""
    given = _last(sent, name)
    return int(given) if re.fullmatch(r"[1-9][0-9]{0,17}", given, re.ASCII) else None


def _last(sent: Pairs, name: str) -> str:
    return next((value for key, value in reversed(sent) if key == name), "")
