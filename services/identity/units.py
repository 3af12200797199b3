"""The organisation tree: county, townships and departments, grassroots units."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from services.db.together import Row, read_rows
from services.identity.editions import known
from services.identity.errors import NotFound, UnitRefused
from services.identity.models import Unit, UnitKind

_OFFICES = (
    *("纪律检查委员会", "纪检监察工委", "纪检监察组", "纪检监察室", "纪检组", "纪工委", "纪委", "监察室"),
    *("党委政府", "党工委", "党总支", "党支部", "党委", "党组", "人民政府", "政府", "办事处"),
    *("村民委员会", "居民委员会", "村委会", "居委会"),
)
"""Offices that letters and ledgers name in place of the unit they sit in."""

_OFFICE = re.compile(f"(?:{'|'.join(sorted(_OFFICES, key=len, reverse=True))})$")
_RESIDENT = re.compile(r"^.*?(?:纪委|监委|监察局)+(?:派驻|派出|驻)")


_U = Unit.__table__.c
_UNIT = select(_U.id, _U.path, _U.kind, _U.name).where(_U.id == bindparam("unit"))


@dataclass(frozen=True, slots=True)
class Branch:
    """A unit and what is below it, by code."""

    unit: Unit
    below: tuple["Branch", ...]


def ancestors(path: str) -> tuple[int, ...]:
    """The ids on a path, from the root down to the unit itself."""
    return tuple(int(part) for part in path.split("/") if part)


def is_root(path: str) -> bool:
    """Whether the path is that of the root, which covers everything."""
    return len(ancestors(path)) == 1


def tidy(name: str) -> str:
    """A name as it is compared and kept: full-width characters made half-width, no white space."""
    return "".join(unicodedata.normalize("NFKC", name).split())


def get_unit(session: Session, unit_id: int) -> Unit:
    """The unit with this id; `NotFound` if there is none."""
    if (unit := session.get(Unit, unit_id)) is None:
        raise NotFound(f"there is no unit {unit_id}", "没有这个单位。")
    return unit


def unit_at(session: Session, edition: str | None, unit_id: int) -> Row:
    """Return the unit's id, path, kind and name under this edition of the directory."""

    def ask() -> Row:
        (found,) = read_rows(session, _UNIT, {"unit": unit_id})
        return found

    return known(edition, (unit_at, unit_id), ask)


def create_unit(
    session: Session,
    code: str,
    name: str,
    kind: UnitKind,
    parent_id: int | None = None,
    founded_on: date | None = None,
) -> Unit:
    """Add a unit below `parent_id`; the first of all, and only it, is the county and has no parent."""
    _lock_tree(session)
    parent = None if parent_id is None else get_unit(session, parent_id)
    code, name = tidy(code), tidy(name)
    _check_new(session, code, name, kind, parent)
    unit = Unit(code=code, name=name, kind=kind, parent_id=parent_id, path="", founded_on=founded_on)
    session.add(unit)
    session.flush()
    unit.path = f"{parent.path if parent else '/'}{unit.id}/"
    session.flush()
    return unit


def _check_new(session: Session, code: str, name: str, kind: UnitKind, parent: Unit | None) -> None:
    if not code or not name:
        raise UnitRefused("a unit needs a code and a name", "单位编码和名称不能为空。", field="name")
    if session.scalar(select(Unit.id).where(Unit.code == code)) is not None:
        raise UnitRefused(f"unit code {code} is taken; choose another", f"单位编码 {code} 已被使用。", field="code")
    if (kind == UnitKind.COUNTY) != (parent is None):
        raise UnitRefused("the county, and only it, stands at the root", "只有县级单位位于机构树顶端。")
    if parent is None and session.scalar(select(Unit.id).where(Unit.parent_id.is_(None))) is not None:
        raise UnitRefused("there is a county already", "已存在县级单位，不能再建。")
    if parent is not None and parent.abolished_on is not None:
        raise UnitRefused(f"{parent.name} is abolished; choose a living parent", "上级单位已撤销。")


def rename_unit(session: Session, unit_id: int, name: str) -> Unit:
    """Give the unit another name; its code, path and history stay."""
    unit = get_unit(session, unit_id)
    if not tidy(name):
        raise UnitRefused("a unit needs a name", "单位名称不能为空。", field="name")
    unit.name = tidy(name)
    session.flush()
    return unit


def move_unit(session: Session, unit_id: int, parent_id: int) -> Unit:
    """Put the unit, with all below it, under another parent; roles granted above it change with the place."""
    _lock_tree(session)
    unit, parent = get_unit(session, unit_id), get_unit(session, parent_id)
    if is_root(unit.path):
        raise UnitRefused("the county cannot be moved", "县级单位不能移动。")
    if parent.path.startswith(unit.path):
        raise UnitRefused(
            f"{parent.name} is part of {unit.name}", "不能移动到本单位或其下级单位之下。", field="parent_id"
        )
    if parent.abolished_on is not None:
        raise UnitRefused(f"{parent.name} is abolished; choose a living parent", "上级单位已撤销。", field="parent_id")
    old, new = unit.path, f"{parent.path}{unit.id}/"
    unit.parent_id = parent.id
    session.flush()
    session.execute(
        update(Unit)
        .where(Unit.path.startswith(old, autoescape=True))
        .values(path=new + func.substr(Unit.path, len(old) + 1))
        .execution_options(synchronize_session="fetch")
    )
    return unit


def abolish_unit(session: Session, unit_id: int, on: date) -> Unit:
    """Close the unit as of that day; nothing is deleted. Units below it must be abolished or moved first."""
    _lock_tree(session)
    unit = get_unit(session, unit_id)
    if is_root(unit.path):
        raise UnitRefused("the county cannot be abolished", "县级单位不能撤销。")
    living = select(Unit.name).where(Unit.parent_id == unit.id, Unit.abolished_on.is_(None))
    if names := session.scalars(living).all():
        raise UnitRefused(
            f"units below are still in being: {', '.join(names)}; abolish or move them first",
            f"下级单位尚未撤销或划转：{'、'.join(names)}。",
        )
    if unit.founded_on is not None and on < unit.founded_on:
        raise UnitRefused("a unit cannot end before it was founded", "撤销日期不能早于成立日期。", field="on")
    unit.abolished_on = on
    session.flush()
    return unit


def restore_unit(session: Session, unit_id: int) -> Unit:
    """Take back that a unit was abolished, as long as the one above it is in being."""
    _lock_tree(session)
    unit = get_unit(session, unit_id)
    if unit.parent_id is not None and get_unit(session, unit.parent_id).abolished_on is not None:
        raise UnitRefused("the unit above is abolished; restore or move first", "上级单位已撤销，请先恢复上级单位。")
    unit.abolished_on = None
    session.flush()
    return unit


def _lock_tree(session: Session) -> None:
    """Changes of the tree queue up at its root: two moves at once could make a cycle that neither sees."""
    session.execute(select(Unit.id).where(Unit.parent_id.is_(None)).with_for_update())


def tree(session: Session, on: date) -> Branch | None:
    """The whole tree as it stands on that day, or None if there is no unit."""
    living = select(Unit).where(
        or_(Unit.founded_on.is_(None), Unit.founded_on <= on),
        or_(Unit.abolished_on.is_(None), Unit.abolished_on > on),
    )
    children: dict[int | None, list[Unit]] = {}
    for unit in session.scalars(living.order_by(Unit.code)):
        children.setdefault(unit.parent_id, []).append(unit)

    def branch(unit: Unit) -> Branch:
        return Branch(unit, tuple(branch(child) for child in children.get(unit.id, ())))

    return next((branch(root) for root in children.get(None, ())), None)


def find_unit(session: Session, name: str) -> Unit | None:
    """The one unit that this text of a letter or ledger means, or None if none or several could be meant.

    Tried in order: its code or exact name, then without the office (柳河乡纪委, 县纪委驻县教育局纪检组).
    Abolished units count only where no living one fits.
    """
    candidates = list(_readings(tidy(name)))
    named = select(Unit).where(or_(Unit.name.in_(candidates), Unit.code == candidates[0]))
    units = session.scalars(named).all()
    for reading in candidates:
        fitting = [unit for unit in units if reading in (unit.name, unit.code)]
        fitting = [unit for unit in fitting if unit.abolished_on is None] or fitting
        if fitting:
            return fitting[0] if len(fitting) == 1 else None
    return None


def _readings(name: str) -> Iterator[str]:
    """The text itself, then without the office that sends its people there, then without its own offices."""
    yield name
    name = _RESIDENT.sub("", name)
    while name:
        yield name
        shorter = _OFFICE.sub("", name)
        name = shorter if shorter != name else ""
