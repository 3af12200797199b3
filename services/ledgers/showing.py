"""The columns of the ledger: those every matter has, and those of one procedure, from its forms and its lists.

Nothing sealed is among them: what is sealed is not in a matter's record either.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, get_args

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from config.calendar import SHANGHAI, local_date
from services.engine.core import Engine
from services.engine.models import Matter
from services.engine.queries import MatterRow
from services.engine.registry import Definition
from services.identity.models import Person, Unit
from statemachines.kit.forms import Coded, Form, Ref, Sealed, marks

DAY, MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
OPENING = "open"
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Column:
    """A column every matter has: its title, its width in characters, and what a row has in it."""

    title: str
    width: int
    value: Callable[[MatterRow], Any]
    number_format: str = "General"


@dataclass(frozen=True, slots=True)
class AnswerColumn:
    """A column of one procedure: an answer on record. `ref` is "person" or "unit" where it holds an id."""

    title: str
    width: int
    action: str
    field: str
    list: str | None = None
    ref: str | None = None
    number_format: str = "General"


AnyColumn = Column | AnswerColumn


def _last_day(row: MatterRow) -> date | None:
    """A deadline is an instant, the first after its last day."""
    return local_date(row.due_at - _INSTANT) if row.due_at else None


def _moment(at: datetime | None) -> datetime | None:
    """A workbook knows no time zones: local time."""
    return at.astimezone(SHANGHAI).replace(tzinfo=None, microsecond=0) if at else None


COLUMNS = {
    "light": Column("时限状态", 14, lambda row: row.light.text if row.light else "已办结"),
    "number": Column("编号", 26, lambda row: row.number),
    "title": Column("标题", 48, lambda row: row.title),
    "procedure": Column("事项类型", 14, lambda row: row.procedure_title),
    "state": Column("当前环节", 14, lambda row: row.state_label),
    "unit": Column("所在单位", 20, lambda row: row.unit_name),
    "due": Column("截止日期", 12, _last_day, DAY),
    "event": Column("事件日期", 12, lambda row: row.event_on, DAY),
    "opened": Column("登记时间", 17, lambda row: _moment(row.opened_at), MOMENT),
    "moved": Column("最近流转", 17, lambda row: _moment(row.moved_at), MOMENT),
    "closed": Column("办结时间", 17, lambda row: _moment(row.closed_at), MOMENT),
    "level": Column("升级次数", 10, lambda row: row.level),
}


def columns_for(engine: Engine, procedure: str | None) -> dict[str, AnyColumn]:
    """Return what can be shown, in order; with a procedure, also the answers of its forms, by "action.field"."""
    common: dict[str, AnyColumn] = dict(COLUMNS)
    if procedure not in engine.registry.procedures:
        return common
    declared = engine.registry.procedures[procedure]
    found = {f"{OPENING}.{c.field}": c for c in _columns_of(OPENING, declared.opening.form, lists_only=False)}
    for name, action in declared.actions.items():
        found |= {f"{name}.{c.field}": c for c in _columns_of(name, action.form, lists_only=True)}
    return common | _told_apart(found, {name: action.title for name, action in declared.actions.items()})


def values_of(
    session: Session, engine: Engine, rows: Sequence[MatterRow], columns: Collection[AnyColumn]
) -> list[list[Any]]:
    """Return what each row has in each column; codes as their labels, ids as names."""
    answers = [column for column in columns if isinstance(column, AnswerColumn)]
    given = _answers(session, engine, [row.id for row in rows], answers) if answers else {}
    return [
        [given.get((row.id, c.action, c.field)) if isinstance(c, AnswerColumn) else c.value(row) for c in columns]
        for row in rows
    ]


def _columns_of(action: str, form: type[Form], *, lists_only: bool) -> Iterator[AnswerColumn]:
    for name, info in form.model_fields.items():
        found = marks(form)[name]
        code = next((mark.list for mark in found if isinstance(mark, Coded)), None)
        if (
            any(isinstance(mark, Sealed) for mark in found)
            or (lists_only and code is None)
            or _is_group(info.annotation)
        ):
            continue
        ref = next((mark.to for mark in found if isinstance(mark, Ref)), None)
        if ref not in (None, "person", "unit"):
            continue
        dated = date in _types(info.annotation) and datetime not in _types(info.annotation)
        width = 12 if dated or code else 30
        yield AnswerColumn(info.title or name, width, action, name, code, ref, DAY if dated else "General")


def _told_apart(found: dict[str, AnswerColumn], actions: Mapping[str, str]) -> dict[str, AnyColumn]:
    """Two columns of one title also say where they are from."""
    titles = [column.title for column in found.values()]
    return {
        name: column
        if titles.count(column.title) == 1 and column.title not in {c.title for c in COLUMNS.values()}
        else AnswerColumn(f"{column.title}（{actions.get(column.action, '登记')}）", *_rest(column))
        for name, column in found.items()
    }


def _rest(column: AnswerColumn) -> tuple[Any, ...]:
    return column.width, column.action, column.field, column.list, column.ref, column.number_format


def _answers(
    session: Session, engine: Engine, ids: Sequence[int], columns: Sequence[AnswerColumn]
) -> dict[tuple[int, str, str], Any]:
    wanted = select(Matter.id, Matter.record, Matter.procedure_hash, Matter.policy_hash).where(Matter.id.in_(ids))
    rows = session.execute(wanted).all()
    raw = [
        (row, column, given)
        for row in rows
        for column in columns
        if (given := row.record["steps"].get(column.action, {}).get("answers", {}).get(column.field)) is not None
    ]
    names = _names(session, ((column.ref, one) for _, column, given in raw if column.ref for one in _listed(given)))
    told = {}
    for row, column, given in raw:
        definition = engine.registry.pinned(session, row.procedure_hash, row.policy_hash)
        told[row.id, column.action, column.field] = _told(column, given, definition, names)
    return told


def _told(column: AnswerColumn, given: Any, definition: Definition, names: Mapping[tuple[str, int], str]) -> Any:
    if column.number_format == DAY and isinstance(given, str):
        return date.fromisoformat(given[:10])
    if column.ref is not None:
        return "、".join(names.get((column.ref, one), str(one)) for one in _listed(given))
    labels = definition.policy.codes(column.list) if column.list else {}
    if isinstance(given, list) or column.list:
        return "、".join(str(labels.get(one, one)) for one in _listed(given))
    return {True: "是", False: "否"}[given] if isinstance(given, bool) else given


def _names(session: Session, wanted: Iterator[tuple[str, int]]) -> dict[tuple[str, int], str]:
    ids = set(wanted)
    found: dict[tuple[str, int], str] = {}
    for kind, table in (("person", Person), ("unit", Unit)):
        these = {one for ref, one in ids if ref == kind}
        if these:
            rows = session.execute(select(table.id, table.name).where(table.id.in_(these)))
            found |= {(kind, one): name for one, name in rows.tuples()}
    return found


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _is_group(annotation: Any) -> bool:
    return any(issubclass(kind, BaseModel) for kind in _types(annotation))


def _types(hint: Any) -> set[type]:
    """Return every class inside a hint: of `list[Reported] | None`, Reported and NoneType."""
    inner = {kind for part in get_args(hint) for kind in _types(part)}
    return inner | {hint} if isinstance(hint, type) else inner
