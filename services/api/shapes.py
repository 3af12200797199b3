"""What requests and answers are made of, common to all routers."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar

from annotated_types import Ge, Le
from fastapi import Header
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

LARGEST = 2**63 - 1
"""The largest whole number that both databases keep."""

NO_NUL = r"^[^\x00]*$"
"""PostgreSQL keeps no NUL in text."""

T = TypeVar("T")

Id = Annotated[int, Ge(1), Le(LARGEST)]
Day = Annotated[date, Ge(date(1900, 1, 1)), Le(date(2999, 12, 31))]
"""A day that is no slip, and whose beginning and end are instants everywhere."""

Limit = Annotated[int, Ge(1), Le(200)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=NO_NUL)]
Words = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=NO_NUL)]
Secret = Annotated[str, StringConstraints(max_length=200)]


class Sent(BaseModel):
    """A request's body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Shown(BaseModel):
    """An answer, read from the attributes of what a service returned."""

    model_config = ConfigDict(from_attributes=True)


class Listed(Shown, Generic[T]):
    """Some of a list. `next` is the cursor of what follows, null at the end."""

    items: list[T]
    next: str | None = None


class Problem(BaseModel):
    """A refusal (RFC 9457). `code` is stable; `detail` is English, `zh` Chinese; other members depend on the code."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:duban:problem:stale_version"])
    title: str
    status: int
    detail: str
    code: str
    zh: str
    instance: str = Field(description="urn:duban:request:<id>, the id of the header X-Request-ID")


class Done(Shown):
    """When a request without anything else to answer was carried out."""

    at: datetime


def _storable(answers: dict[str, Any]) -> dict[str, Any]:
    """Refuse what no database keeps; everything else is judged by the action's own form."""
    for leaf in _leaves(answers):
        if isinstance(leaf, str) and ("\x00" in leaf or not _is_unicode(leaf)):
            raise ValueError("text with a NUL or half a character cannot be stored")
        if isinstance(leaf, int | float) and not -LARGEST <= leaf <= LARGEST:
            raise ValueError(f"numbers lie between -{LARGEST} and {LARGEST}")
    return answers


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


Cursor = Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9_-]*$")]
"""Given out with a page; it means nothing to the client."""

Answers = Annotated[
    dict[str, Any],
    AfterValidator(_storable),
    Field(description="the form's fields; GET /matters/{id}/actions and /procedures tell its JSON Schema"),
]

IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,100}$")] | None,
    Header(description="the client's own key of this very request: a repeat changes nothing and gets 409"),
]


def etag_of(version: int) -> str:
    """Return the ETag of a matter: its version."""
    return f'"{version}"'
