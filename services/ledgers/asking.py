"""What an address of the ledger asks for: the same filters for the page, the figures that lead to it and the export."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from services.engine.core import Engine
from services.engine.models import Matter
from services.engine.queries import MatterFilters
from services.engine.queries.attribution import Window
from services.engine.queries.board import closed_between, ended_late, held_by, opened_between
from services.engine.queries.responsibility import handled_by, late_through
from services.engine.queries.worklist import contains
from services.identity.access import Actor
from services.identity.models import Unit
from services.ledgers.pinyin import pattern_of
from services.ledgers.showing import columns_for

STATUSES = {
    "open": "在办", "overdue": "已超期", "soon": "即将到期", "normal": "时限正常", "suspended": "已中止",
    "closed": "已办结",
}  # fmt: skip
KEPT = {"on_time": "按期办结", "late": "曾有超期"}
LEVELS = {"1": "已升级", "2": "升级 2 次以上", "3": "升级 3 次以上"}
USUAL = ("light", "title", "state", "unit", "due", "event")
DAYS = (
    "due_from", "due_to", "event_from", "event_to", "opened_from", "opened_to", "closed_from", "closed_to",
    "late_from", "late_to",
)  # fmt: skip
FIELDS = ("procedure", "state", "unit", "own", "status", "kept", "level", "held", "late_by", *DAYS, "q", "cols")
"""Everything an address may hold."""
_LIGHTS = {"soon": "yellow", "normal": "green", "suspended": "grey"}


@dataclass(frozen=True)
class Asking:
    """`address` is what was asked, without what was empty or unknown; `columns` are names of `showing`."""

    filters: MatterFilters
    columns: tuple[str, ...]
    address: dict[str, str]

    def link(self, path: str, **more: str) -> str:
        given = self.address | more
        return f"{path}?{urlencode(given)}" if given else path

    @property
    def narrowed(self) -> bool:
        """Whether anything is left out, besides columns."""
        return bool(self.address.keys() - {"cols"})

    def conditions(self, session: Session, engine: Engine, actor: Actor, now: datetime) -> list[ColumnElement[bool]]:
        """Return what the filters of the engine do not know, as conditions on `Matter`."""
        return list(self._conditions(session, engine, actor, now))

    def _conditions(
        self, session: Session, engine: Engine, actor: Actor, now: datetime
    ) -> Iterator[ColumnElement[bool]]:
        asked = self.address
        if "own" in asked:
            yield held_by(int(asked["unit"]))
        if "kept" in asked:
            yield ended_late(late=asked["kept"] == "late")
        for name, condition in _RANGES.items():
            if f"{name}_from" in asked or f"{name}_to" in asked:
                yield condition(_day(asked.get(f"{name}_from")), _day(asked.get(f"{name}_to")))
        if "held" in asked:
            yield handled_by(int(asked["held"]))
        if "late_by" in asked:
            days = Window(_day(asked.get("late_from")), _day(asked.get("late_to")))
            yield late_through(session, engine, actor, now, int(asked["late_by"]), days)
        if "q" in asked:
            yield says(asked["q"])


_RANGES: Mapping[str, Callable[[date | None, date | None], ColumnElement[bool]]] = {
    "opened": opened_between, "closed": closed_between,
}  # fmt: skip


def read_asking(engine: Engine, given: Mapping[str, str]) -> Asking:
    """Read an address; what cannot be is as good as not asked for."""
    asked = {name: text.strip() for name in FIELDS if (text := given.get(name, ""))}
    known = {name: text for name, text in asked.items() if _TESTS.get(name, _is_day if name in DAYS else bool)(text)}
    if "unit" not in known:
        known.pop("own", None)
    if "late_by" not in known:
        known = {name: text for name, text in known.items() if name not in ("late_from", "late_to")}
    offered = columns_for(engine, known.get("procedure"))
    chosen = set(known.pop("cols", "").split(","))
    columns = tuple(name for name in offered if name in chosen) or USUAL
    status = known.get("status")
    day = {name: _day(known.get(name)) for name in DAYS}
    filters = MatterFilters(
        known.get("procedure"), known.get("state"),
        int(known["unit"]) if "unit" in known and "own" not in known else None,
        None if status in _LIGHTS else status, _LIGHTS.get(status or ""), int(known.get("level", 0)) or None,
        day["due_from"], day["due_to"], day["event_from"], day["event_to"],
    )  # fmt: skip
    return Asking(filters, columns, known if columns == USUAL else known | {"cols": ",".join(columns)})


def says(q: str) -> ColumnElement[bool]:
    """Return the condition on `Matter` that its title, number or unit holds this text, or its pinyin initials."""
    units = [Unit.name.icontains(q, autoescape=True)]
    ways = [contains(q)]
    if (pattern := pattern_of(q)) is not None:
        units.append(Unit.name.regexp_match(pattern))
        ways.append(Matter.title.regexp_match(pattern))
    return or_(*ways, Matter.unit_id.in_(select(Unit.id).where(or_(*units))))


def _day(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if 1950 <= day.year <= 2099 else None


def _is_day(text: str) -> bool:
    return _day(text) is not None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


_TESTS: Mapping[str, Callable[[str], Any]] = {
    "unit": _is_id, "held": _is_id, "late_by": _is_id, "own": lambda text: text == "1", "status": STATUSES.__contains__,
    "kept": KEPT.__contains__, "level": LEVELS.__contains__,
}  # fmt: skip
