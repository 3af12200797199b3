"""Units and people from a workbook: every row is tried by the very deeds of administrators, in one transaction.

A dry run does the same and takes it all back, so that it cannot promise what the import would then refuse.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from services.administration import people, units
from services.administration.office import Office
from services.administration.sheets import PEOPLE, UNITS, Row
from services.db.errors import DubanError
from services.identity.errors import PersonRefused, UnitRefused
from services.identity.models import Grant, Person, Post, Unit, UnitKind
from services.identity.passwords import normal_login
from services.identity.units import find_unit
from services.ledgers.dates import BadDate, parse_date
from services.ledgers.text import fold, tidy

REASON = "批量导入"
KINDS = {
    "乡镇(街道)": UnitKind.TOWNSHIP, "乡镇": UnitKind.TOWNSHIP, "街道": UnitKind.TOWNSHIP,
    "县直部门": UnitKind.DEPARTMENT, "部门": UnitKind.DEPARTMENT, "村(社区)、基层单位": UnitKind.GRASSROOTS,
    "村": UnitKind.GRASSROOTS, "社区": UnitKind.GRASSROOTS, "基层单位": UnitKind.GRASSROOTS,
    "township": UnitKind.TOWNSHIP, "department": UnitKind.DEPARTMENT, "grassroots": UnitKind.GRASSROOTS,
}  # fmt: skip
KIND_TITLES = ("乡镇（街道）", "县直部门", "村（社区）、基层单位")
_YES, _NO = {"是", "y", "yes", "true", "1", "负责人"}, {"", "否", "n", "no", "false", "0"}


class Outcome(StrEnum):
    """What came, or would come, of a row."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Result:
    """A row and its outcome; `texts` say in Chinese what is done, or why it is refused."""

    row: Row
    outcome: Outcome
    texts: tuple[str, ...] = ()
    en: str = ""

    @property
    def text(self) -> str:
        return "；".join(self.texts)


class _TakeBack(Exception):
    """Ends a dry run."""


@dataclass
class _Said:
    """What a row does, collected on the way."""

    texts: list[str] = field(default_factory=list)
    created: bool = False


def import_rows(
    open_office: Callable[[], AbstractContextManager[Office]], rows: Sequence[Row], dry_run: bool
) -> list[Result]:
    """Apply every valid row, all in one transaction, or with `dry_run` only say what would be done."""
    results: list[Result] = []
    try:
        with open_office() as office:
            results = _all(office, rows)
            if dry_run:
                raise _TakeBack
    except _TakeBack:
        pass
    return results


def counts(results: Sequence[Result]) -> dict[str, int]:
    """Return how many rows have each outcome, and how many there are."""
    found = {str(outcome): sum(r.outcome is outcome for r in results) for outcome in Outcome}
    return {"rows": len(results), **found}


def refused(results: Sequence[Result]) -> list[tuple[Row, str]]:
    return [(result.row, result.text) for result in results if result.outcome is Outcome.REFUSED]


def _all(office: Office, rows: Sequence[Row]) -> list[Result]:
    """Units first, until no more of them find the unit above; then people. In the order of the file."""
    done: dict[tuple[str, int], Result] = {}
    todo = [row for row in rows if row.sheet == UNITS]
    while todo:
        for row in todo:
            done[row.sheet, row.line] = _try(office, row, _unit)
        waiting = [row for row in todo if done[row.sheet, row.line].outcome is Outcome.REFUSED]
        todo = waiting if len(waiting) < len(todo) else []
    for row in rows:
        if row.sheet == PEOPLE:
            done[row.sheet, row.line] = _try(office, row, _person)
    return [done[row.sheet, row.line] for row in rows]


def _try(office: Office, row: Row, apply: Callable[[Office, Mapping[str, str], _Said], None]) -> Result:
    """Apply one row, or nothing of it."""
    said = _Said()
    try:
        with office.session.begin_nested():
            apply(office, row.cells, said)
    except DubanError as refusal:
        return Result(row, Outcome.REFUSED, (refusal.zh,), str(refusal))
    if said.created:
        return Result(row, Outcome.CREATED, tuple(said.texts))
    return Result(row, Outcome.CHANGED if said.texts else Outcome.UNCHANGED, tuple(said.texts))


def _unit(office: Office, cells: Mapping[str, str], said: _Said) -> None:
    code, name = tidy(cells.get("code", "")), tidy(cells.get("name", ""))
    if not code or not name:
        raise UnitRefused("a unit needs a code and a name", "请填写单位编码和单位名称")
    known = office.session.scalar(select(Unit).where(Unit.code == code))
    if known is None:
        parent = _find_unit(office.session, cells.get("parent", ""), "上级单位")
        made = units.add(office, code, name, _kind(cells), parent.id, _day(cells, "founded_on"))
        said.created = True
        said.texts.append(f"新增单位，上级为{parent.name}：{made.name}")
        return
    if known.parent_id is not None and cells.get("kind") and _kind(cells) != known.kind:
        raise UnitRefused("the kind of a unit does not change", "该编码的单位已存在而类别不同，请核对编码")
    if known.name != name:
        said.texts.append(f"更名：{known.name} → {name}")
        units.rename(office, known.id, name)
    if known.parent_id is not None and cells.get("parent"):
        parent = _find_unit(office.session, cells["parent"], "上级单位")
        if parent.id != known.parent_id:
            said.texts.append(f"划转至{parent.name}")
            units.move(office, known.id, parent.id)


def _person(office: Office, cells: Mapping[str, str], said: _Said) -> None:
    name, title = cells.get("name", "").strip(), cells.get("title", "").strip()
    if not name or not title:
        raise PersonRefused("a person needs a name and a post", "请填写姓名和职务")
    unit = _find_unit(office.session, cells.get("unit", ""), "单位")
    roles = [_role(office, text) for text in _listed(cells.get("roles", ""))]
    first, last, head = _day(cells, "held_from"), _day(cells, "held_to"), _is_head(cells)
    person = _known(office.session, name, normal_login(cells.get("login", "")), unit)
    if person is None:
        person = _add(office, cells, name, said)
    elif not person.active:
        raise PersonRefused(f"{name} is deactivated", f"{name}已停用，请先在页面中重新启用")
    _post(office, person, unit, title, first, last, head, said)
    for role in roles:
        _grant(office, person, unit, role, first or office.today, last, said)


def _add(office: Office, cells: Mapping[str, str], name: str, said: _Said) -> Person:
    login, password = cells.get("login", "").strip() or None, cells.get("password", "").strip()
    made = people.add(office, name, login)
    said.created = True
    said.texts.append(f"新增人员{name}" + (f"（{made.login}）" if login else "（不登录）"))
    if password:
        people.give_password(office, made.id, password)
    elif login:
        said.texts.append("未填初始密码，导入后须重置密码才能登录")
    return made


def _post(
    office: Office, person: Person, unit: Unit, title: str, first: date | None, last: date | None, head: bool,
    said: _Said,
) -> None:  # fmt: skip
    held = office.session.scalars(
        select(Post)
        .where(Post.person_id == person.id, Post.unit_id == unit.id, Post.title == title)
        .order_by(Post.id.desc())
    ).first()
    if held is None or (held.held_to is not None and first is not None and first > held.held_to):
        people.appoint(office, person.id, unit.id, title, first or office.today, last, head)
        said.texts.append(f"任职：{unit.name}{title}")
    elif last is not None and held.held_to != last:
        people.end_post(office, held.id, last)
        said.texts.append(f"任职至 {last} 结束：{unit.name}{title}")


def _grant(office: Office, person: Person, unit: Unit, role: str, first: date, last: date | None, said: _Said) -> None:
    if last is not None and last < office.today:
        return  # what is over gives no role any more
    held = select(Grant.id).where(
        Grant.person_id == person.id, Grant.unit_id == unit.id, Grant.role == role,
        or_(Grant.valid_to.is_(None), Grant.valid_to >= office.today),
        or_(Grant.valid_to.is_(None), Grant.valid_to >= Grant.valid_from),
    )  # fmt: skip
    if office.session.scalar(held.limit(1)) is None:
        people.grant(office, person.id, role, unit.id, max(first, office.today), REASON, last)
        said.texts.append(f"授予角色：{office.roles[role]}")


def _known(session: Session, name: str, login: str, unit: Unit) -> Person | None:
    """Whom a row means: by log-in, or without one by name and unit; nobody where there is no such person yet."""
    if login:
        found = session.scalar(select(Person).where(Person.login == login))
        if found is not None and found.name != name:
            raise PersonRefused(f"login {login} belongs to {found.name}", f"用户名 {login} 已属于{found.name}，请核对")
        return found
    namesakes = session.scalars(select(Person).where(Person.name == name)).all()
    posted = set(session.scalars(select(Post.person_id).where(Post.unit_id == unit.id)))
    here = [person for person in namesakes if person.id in posted]
    if len(here) == 1:
        return here[0]
    if namesakes:
        raise PersonRefused(
            f"there are others called {name}", f"已有名为{name}的人员，请填写其用户名；若为另一人，请为其设用户名"
        )
    return None


def _find_unit(session: Session, text: str, what: str) -> Unit:
    if not text.strip():
        raise UnitRefused("a unit is missing", f"请填写{what}")
    if (found := find_unit(session, text)) is None:
        raise UnitRefused(
            f"no unit, or several, are called {text}", f"{what}“{text}”没有找到或不止一个，请填写单位编码"
        )
    return found


def _kind(cells: Mapping[str, str]) -> UnitKind:
    text = fold(cells.get("kind", ""))
    if text not in KINDS:
        raise UnitRefused("unknown kind of unit", "单位类别应为：乡镇（街道）、县直部门、村（社区）、基层单位")
    return KINDS[text]


def _role(office: Office, text: str) -> str:
    wanted = fold(text)
    found = [key for key, title in office.roles.items() if wanted in (fold(key), fold(title))]
    if not found:
        raise PersonRefused(f"there is no role {text}", f"没有名为“{text}”的角色，请按填写说明中的角色名称填写")
    return found[0]


def _listed(text: str) -> list[str]:
    for mark in "，,；;/\n":
        text = text.replace(mark, "、")
    return [part.strip() for part in text.split("、") if part.strip()]


def _is_head(cells: Mapping[str, str]) -> bool:
    text = fold(cells.get("head", ""))
    if text not in _YES | _NO:
        raise PersonRefused("head is yes or no", "“是否负责人”填“是”或“否”")
    return text in _YES


def _day(cells: Mapping[str, str], name: str) -> date | None:
    if not (text := cells.get(name, "").strip()):
        return None
    try:
        return parse_date(text)
    except BadDate as error:
        raise PersonRefused(f"{text} is no date", f"“{text}”不是有效日期，请写作 2026-03-01") from error
