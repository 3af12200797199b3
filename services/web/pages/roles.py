"""角色与权限: who may do what by the rules, who holds which role where, what was lent, what was changed, and why."""

from dataclasses import asdict, dataclass
from datetime import date
from tempfile import TemporaryFile
from typing import IO, Annotated, Any
from urllib.parse import quote, urlencode

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from config.calendar import local_date
from services.administration import record
from services.administration.exporting import export_deeds
from services.administration.reading import When, delegations, holders
from services.administration.rights import administered_units, is_admin, refuse_unless_admin, scope
from services.engine.queries.why import explain_rights
from services.identity.access import Actor
from services.identity.errors import NotPermitted
from services.web.calls import Call
from services.web.choices import Choice
from services.web.deeds import DEEDS, tell
from services.web.forgery import Visitor
from services.web.forms.pickers import names_of
from services.web.matrix import matrix_of
from services.web.pinyin import initials, matches
from services.web.rendering import render, wants_fragment

log = structlog.get_logger("administration")
router = APIRouter(prefix="/roles")
Asked = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")]
_READING = frozenset({"supervisor", "county_office", "county_leader"})
_LIMIT = 50
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def refuse_unless_reading(actor: Actor) -> None:
    """Raise NotPermitted unless the actor administers something or supervises."""
    if not is_admin(actor) and not any(grant.role in _READING for grant in actor.grants):
        raise NotPermitted("this needs the role admin or a supervising role", "角色与权限由系统管理员和督查人员查看")


@router.get("")
def show_matrix(request: Request, call: Visitor, procedure: Asked = "", version: Asked = "") -> Response:
    """Actions against roles, from the policy in force today or from another version."""
    refuse_unless_reading(call.actor)
    registry = call.engine.registry
    keys = sorted(registry.procedures)
    key = procedure if procedure in keys else "petition" if "petition" in keys else keys[0]
    current = registry.current(key, local_date(call.now))
    versions = registry.versions(key)
    chosen = next((made for made in versions if made.effective.isoformat() == version), current)
    return render(
        request, call, "roles/page.html", key=key, procedures=[(k, registry.procedures[k].title) for k in keys],
        matrix=matrix_of(call.engine, chosen), versions=[made.effective for made in versions],
        chosen=chosen.effective, current=current.effective, tab="matrix", admin=is_admin(call.actor),
    )  # fmt: skip


@router.get("/holders")
def show_holders(
    request: Request, call: Visitor, role: Asked = "", unit: Asked = "", q: Asked = "", on: Asked = "",
    cursor: Asked = "",
) -> Response:  # fmt: skip
    """Who holds which role where on a day, within what the caller administers."""
    roles, day = call.engine.registry.pack.roles, _day(on) or local_date(call.now)
    role = role if role in roles else ""
    with call.read() as session:
        found = holders(
            session, call.actor, day, role=role or None, unit_id=_whole(unit), before=_whole(cursor),
            fits=(lambda name: matches(q.strip(), name)) if q.strip() else None, limit=_LIMIT + 1,
        )  # fmt: skip
        units, inside = _units(session, call)
    address = {"role": role, "unit": unit if _whole(unit) else "", "q": q.strip(),
               "on": day.isoformat() if _day(on) else ""}  # fmt: skip
    return render(
        request, call, "roles/holders_page.html", fragment="roles/holders.html", rows=found[:_LIMIT],
        following=str(found[_LIMIT - 1].id) if len(found) > _LIMIT else None, cursor=cursor, roles=roles, day=day,
        role_choices=[Choice(key, title) for key, title in roles.items()], units=units, inside=inside,
        address={name: text for name, text in address.items() if text}, tab="holders", admin=True,
    )  # fmt: skip


@router.get("/delegations")
def show_delegations(request: Request, call: Visitor) -> Response:
    """What is lent today or will be, and what was."""
    with call.read() as session:
        lent = delegations(session, call.actor, local_date(call.now))
    running, over = (
        [row for row in lent if (row.when is When.PAST) is past] for past in (False, True)
    )  # fmt: skip
    return render(
        request, call, "roles/delegations_page.html", fragment="roles/delegations.html", running=running, over=over,
        tab="delegations", admin=True,
    )  # fmt: skip


@dataclass(frozen=True)
class LogAsked:
    """What an address asks of the record; `address` is the same again without what was empty."""

    action: str | None
    unit_id: int | None
    person_id: int | None
    first: date | None
    last: date | None

    @property
    def address(self) -> dict[str, str]:
        named = {"action": self.action, "unit": self.unit_id, "person": self.person_id, "first": self.first,
                 "last": self.last}  # fmt: skip
        return {name: str(value) for name, value in named.items() if value}

    def link(self, path: str) -> str:
        return f"{path}?{urlencode(self.address)}" if self.address else path


def read_log_asked(
    action: Asked = "", unit: Asked = "", person: Asked = "", first: Asked = "", last: Asked = ""
) -> LogAsked:
    """Read an address; what cannot be is as good as not asked for."""
    return LogAsked(action if action in DEEDS else None, _whole(unit), _whole(person), _day(first), _day(last))


LogAsks = Annotated[LogAsked, Depends(read_log_asked)]


@router.get("/log")
def show_log(request: Request, call: Visitor, asked: LogAsks, cursor: Asked = "") -> Response:
    """The record of administration, the latest first, within what the caller administers."""
    refuse_unless_admin(call.actor)
    with call.read() as session:
        wanted = record.Wanted(**asdict(asked), within=scope(session, call.actor))
        found = record.find(session, wanted, _LIMIT + 1, _whole(cursor))
        deeds = tell(session, found[:_LIMIT], call.engine.registry.pack.roles)
        units, _ = _units(session, call)
        about = names_of(session, call, {"person": {asked.person_id} if asked.person_id else ()})
    return render(
        request, call, "roles/log_page.html", fragment="roles/log.html", deeds=deeds, asked=asked, cursor=cursor,
        following=str(deeds[-1].seq) if len(found) > _LIMIT else None, titles=DEEDS, units=units, about=about,
        tab="log", admin=True,
    )  # fmt: skip


@router.get("/log/export")
def export_log(call: Visitor, asked: LogAsks) -> Response:
    """Exactly what the address asks for, as a workbook."""
    refuse_unless_admin(call.actor)
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115  (closed once it is sent)
    roles = call.engine.registry.pack.roles
    with call.read() as session:
        wanted = record.Wanted(**asdict(asked), within=scope(session, call.actor))
        rows = export_deeds(file, (tell(session, [deed], roles)[0] for deed in record.every(session, wanted)))
    log.info("record exported", by=call.actor.id, name=call.actor.name, rows=rows, **asked.address)
    return send(file, f"变更记录-{local_date(call.now).isoformat()}.xlsx", "record.xlsx")


@router.get("/why")
def show_why(request: Request, call: Visitor, person: Asked = "", matter: Asked = "") -> Response:
    """Why somebody may take each action of a matter, or not; only about matters that the caller himself may know of."""
    refuse_unless_reading(call.actor)
    person_id, matter_id = _whole(person), _whole(matter)
    with call.read() as session:
        told = None
        if person_id and matter_id:
            told = explain_rights(session, call.engine, call.actor, person_id, matter_id, call.now)
        picked = {"person": {person_id} if person_id else (), "matter": {matter_id} if matter_id else ()}
        names: Any = names_of(session, call, picked)
    return render(
        request, call, "roles/why_page.html", fragment="roles/why.html", told=told, names=names,
        person=person_id, matter=matter_id, tab="why", admin=is_admin(call.actor),
        sees=_sees_matters(call), hx_only=wants_fragment(request),
    )  # fmt: skip


def send(file: IO[bytes], name: str, plain: str) -> Response:
    """Send a finished file by its Chinese name."""
    size = file.tell()
    file.seek(0)
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}",
        "Content-Length": str(size),
    }
    return StreamingResponse(_chunks(file), media_type=_WORKBOOK, headers=headers)


def _chunks(file: IO[bytes]) -> Any:
    with file:
        while chunk := file.read(2**16):
            yield chunk


def _sees_matters(call: Call) -> bool:
    """Whether any of the caller's roles lets him see matters at all."""
    registry, today = call.engine.registry, local_date(call.now)
    viewers = {role for key in registry.procedures for role in registry.current(key, today).policy.viewers}
    return any(grant.role in viewers for grant in call.actor.grants)


def _units(session: Any, call: Call) -> tuple[list[Choice], set[int]]:
    units = administered_units(session, call.actor)
    top = min((unit.path.count("/") for unit in units), default=0)
    order = sorted(units, key=lambda unit: [int(part) for part in unit.path.split("/") if part])
    choices = [Choice(str(u.id), u.name, initials(u.name), u.path.count("/") - top) for u in order]
    return choices, {unit.id for unit in units}


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) < 19 else None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1950 <= day.year <= 2099 else None
