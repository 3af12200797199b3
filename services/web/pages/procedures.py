"""流程与时限: what can be opened here, under which rules, what changed between versions, and the working calendar."""

import re
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from markupsafe import Markup

from config.calendar import FIRST_DAY, LAST_DAY, local_date
from services.engine.diagram import CannotDraw, to_svg
from services.engine.registry import Definition
from services.identity.errors import NotFound
from services.web.calendars import months_of, spans_of
from services.web.calls import Call
from services.web.differences import compare
from services.web.forgery import Visitor
from services.web.rendering import render
from services.web.rules import tell

router = APIRouter()
Key = Annotated[str, Path(max_length=100)]
Effective = Annotated[str, Query(max_length=10)]
_DRAWN: dict[str, Markup] = {}


@router.get("/procedures")
def show(request: Request, call: Visitor) -> Response:
    """Every procedure with its periods in short."""
    registry, today = call.engine.registry, local_date(call.now)
    told = [
        (key, tell(call.engine, registry.current(key, today)), len(registry.versions(key)))
        for key in sorted(registry.procedures)
    ]
    return render(request, call, "procedures/page.html", told=told, horizon=call.engine.calendar.horizon)


@router.get("/procedures/calendar")
def show_calendar(request: Request, call: Visitor, year: Annotated[int | None, Query()] = None) -> Response:
    """A year of the working calendar."""
    shown = min(max(year or local_date(call.now).year, FIRST_DAY.year), LAST_DAY.year)
    calendar, overrides = call.engine.calendar, call.engine.registry.pack.calendar
    months = months_of(calendar, overrides, shown)
    return render(
        request, call, "procedures/calendar.html", year=shown, months=months, spans=spans_of(months),
        calendar=calendar, today=local_date(call.now), first=FIRST_DAY.year, last=LAST_DAY.year,
    )  # fmt: skip


@router.get("/procedures/{key}")
def show_one(request: Request, call: Visitor, key: Key, version: Effective = "") -> Response:
    """A procedure under the policy in force today, or under another version."""
    versions = _versions(call, key)
    current = call.engine.registry.current(key, local_date(call.now)).effective
    chosen = _chosen(versions, version) or _chosen(versions, current.isoformat()) or versions[-1]
    return render(
        request, call, "procedures/one.html", key=key, rules=tell(call.engine, chosen), chosen=chosen.effective,
        current=current, versions=[made.effective for made in versions], drawing=_drawing(chosen),
    )  # fmt: skip


@router.get("/procedures/{key}/compare")
def show_difference(request: Request, call: Visitor, key: Key, a: Effective = "", b: Effective = "") -> Response:
    """What is otherwise in version `b` than in `a`; without them, what the latest version changed."""
    versions = _versions(call, key)
    before = _chosen(versions, a) or versions[max(0, len(versions) - 2)]
    after = _chosen(versions, b) or versions[-1]
    old, new = tell(call.engine, before), tell(call.engine, after)
    return render(
        request, call, "procedures/compare.html", key=key, title=new.title, changes=compare(old, new),
        versions=[(made.effective, made.policy.source.title) for made in versions], a=before.effective,
        b=after.effective,
    )  # fmt: skip


def _versions(call: Call, key: str) -> list[Definition]:
    if key not in call.engine.registry.procedures:
        raise NotFound(f"there is no procedure {key}", "没有这个流程。")
    return call.engine.registry.versions(key)


def _chosen(versions: list[Definition], text: str) -> Definition | None:
    return next((made for made in versions if made.effective.isoformat() == text), None)


def _drawing(definition: Definition) -> Markup | None:
    """The picture, laid out once per version of a procedure; None where the layout program is missing."""
    if definition.procedure_hash not in _DRAWN:
        try:
            _DRAWN[definition.procedure_hash] = Markup(_sized(to_svg(definition.procedure)))  # escaped by its maker
        except CannotDraw:
            return None
    return _DRAWN[definition.procedure_hash]


def _sized(svg: str) -> str:
    """A small procedure is not blown up to the width of the page."""
    return re.sub(r'viewBox="\S+ \S+ (\S+) \S+"', r'\g<0> width="\1"', svg, count=1)
