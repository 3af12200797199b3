"""Panels as cards beside the form: what members said in words, figures with the names of their fields."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.engine.queries import PanelView, form_schema
from services.engine.queries.panels import GroupView, SeatView
from services.engine.registry import Definition
from services.web.calls import Call
from services.web.forms.fields import Field, read_fields
from services.web.forms.pickers import Names, names_of
from services.web.forms.words import Fact, facts, ids_in

_STATES = {"waiting": "待表态", "answered": "已表态", "absent": "缺席"}


@dataclass(frozen=True, slots=True)
class SeatCard:
    """A member and, where it may be known, what he said."""

    seat: SeatView
    state: str
    facts: list[Fact]


@dataclass(frozen=True, slots=True)
class PanelCard:
    """One panel; `counts` are lines such as 意见：同意 2、不同意 1, `groups` each with its means in words."""

    panel: PanelView
    seats: list[SeatCard]
    counts: list[str]
    groups: list[tuple[GroupView, str]]


def cards(session: Session, call: Call, definition: Definition, panels: Iterable[PanelView]) -> list[PanelCard]:
    """Tell every panel of a matter in words."""
    return [_card(session, call, definition, panel) for panel in panels]


def _card(session: Session, call: Call, definition: Definition, panel: PanelView) -> PanelCard:
    form = definition.procedure.actions[panel.action].form
    fields = read_fields(form_schema(form, definition.policy))
    names = _names(session, call, fields, panel)
    seats = [SeatCard(s, _STATES.get(s.state, s.state), facts(fields, s.answers or {}, names)) for s in panel.seats]
    groups = [(g, "，".join(f"{_label(fields, name)} {mean}" for name, mean in g.means.items())) for g in panel.groups]
    return PanelCard(panel, seats, list(_counted(fields, panel)), groups)


def _counted(fields: tuple[Field, ...], panel: PanelView) -> Iterator[str]:
    for field in fields:
        if said := panel.counts.get(field.name):
            options = {option.value: option.label for option in field.options}
            yield f"{field.label}：" + "、".join(
                f"{label} {said[code]}" for code, label in options.items() if code in said
            )


def _label(fields: tuple[Field, ...], name: str) -> str:
    return next((field.label for field in fields if field.name == name), name)


def _names(session: Session, call: Call, fields: tuple[Field, ...], panel: PanelView) -> Names:
    ids: dict[str, set[int]] = {}
    for seat in panel.seats:
        for kind, found in ids_in(fields, seat.answers or {}).items():
            ids.setdefault(kind, set()).update(found)
    return names_of(session, call, ids)
