"""机构与人员: the organisation tree, a unit with its people and roles, a person. Dialogs: `units_deeds`."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.administration import record
from services.administration.reading import (
    Node,
    delegations,
    find_people,
    grants,
    posts,
    split,
    tree,
    unplaced,
)
from services.administration.rights import (
    administered_unit,
    administered_units,
    refuse_unless_admin,
    refuse_unless_admin_of,
    scope,
)
from services.administration.units import open_matters
from services.identity.errors import NotFound, NotPermitted
from services.identity.models import Grant, Post, Unit
from services.identity.people import get_person
from services.identity.units import ancestors
from services.web.administration_forms import KINDS
from services.web.calls import Call
from services.web.deeds import tell
from services.web.forgery import Visitor
from services.web.pinyin import matches
from services.web.rendering import render, wants_fragment

router = APIRouter(prefix="/units")
Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
Asked = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")]
_LATEST = 8
_MOST_PEOPLE = 30
_OPEN_DEPTH = 1
"""Down to this depth the tree is unfolded at first."""


@router.get("")
def show(request: Request, call: Visitor) -> Response:
    """The tree, and the topmost unit that the caller administers."""
    with call.read() as session:
        top = administered_units(session, call.actor)
    return show_unit(request, call, top[0].id)


@router.get("/tree")
def show_tree(request: Request, call: Visitor, q: Asked = "", chosen: int = 0, abolished: bool = False) -> Response:
    """The tree; with `q` the units and people whose name, code, log-in or pinyin initials fit."""
    template = "units/tree.html"
    with call.read() as session:
        given = _tree(session, call, chosen, q.strip(), abolished)
    return render(request, call, template, fragment=template, **given)


@router.get("/{unit_id:int}")
def show_unit(request: Request, call: Visitor, unit_id: Id) -> Response:
    """A unit: its facts, people, roles and what was; for htmx without the tree."""
    with call.read() as session:
        given = _unit(session, call, administered_unit(session, call.actor, unit_id))
        if not wants_fragment(request):
            given |= _tree(session, call, unit_id, "", given["unit"].abolished_on is not None)
    return render(request, call, "units/page.html", fragment="units/unit.html", **given)


@router.get("/people/{person_id:int}")
def show_person(request: Request, call: Visitor, person_id: Id) -> Response:
    """A person: posts and roles as far as the caller administers them, and what was changed."""
    refuse_unless_admin(call.actor)
    today = local_date(call.now)
    with call.read() as session:
        person, inside = get_person(session, person_id), {u.id for u in administered_units(session, call.actor)}
        held = posts(session, today, Post.person_id == person_id)
        given = grants(session, today, Grant.person_id == person_id)
        seen = [row for row in given if row.unit_id in inside]
        if (held or given) and not seen and not any(row.unit_id in inside for row in held):
            raise NotFound(f"there is no person {person_id} here", "没有这个人员，或不在您的管理范围内。")
        deeds = record.find(session, record.Wanted(person_id=person_id, within=scope(session, call.actor)), _LATEST)
        values: dict[str, Any] = {
            "person": person, "posts": split(held), "grants": split(seen), "hidden": len(given) - len(seen),
            "inside": inside, "lent": delegations(session, call.actor, today, person_id=person_id),
            "mine": _is_in_charge(session, call, person_id), "deeds": tell(session, deeds, _roles(call)),
        }  # fmt: skip
        return render(
            request, call, "units/person_page.html", fragment="units/person.html", roles=_roles(call), **values
        )


def _unit(session: Session, call: Call, unit: Unit) -> dict[str, Any]:
    """Everything a unit's panel shows."""
    today, inside = local_date(call.now), {u.id for u in administered_units(session, call.actor)}
    wanted = record.Wanted(unit_id=unit.id, within=scope(session, call.actor))
    above = [key for key in ancestors(unit.path) if key != unit.id]
    held = posts(session, today, Post.unit_id == unit.id)
    nodes = [node for node in tree(session, call.actor, today) if node.path.startswith(unit.path)]
    return {
        "unit": unit, "kind": KINDS[unit.kind], "roles": _roles(call), "inside": inside,
        "parent": session.get(Unit, unit.parent_id) if unit.parent_id else None,
        "posts": split(held), "grants": split(grants(session, today, Grant.unit_id == unit.id)),
        "reaching": split(grants(session, today, Grant.unit_id.in_(above)))[0],
        "matters": open_matters(session, unit.id), "units": max(len(nodes) - 1, 0),
        "people": nodes[0].below if nodes else 0, "chosen": unit.id, "today": today,
        "deeds": tell(session, record.find(session, wanted, _LATEST), _roles(call)),
        "unplaced": unplaced(session, call.actor) if unit.parent_id is None else [],
    }  # fmt: skip


def _tree(session: Session, call: Call, chosen: int, q: str, abolished: bool) -> dict[str, Any]:
    nodes = tree(session, call.actor, local_date(call.now), abolished=abolished)
    found = [node for node in nodes if matches(q, node.name, node.code)] if q else []
    people = find_people(session, call.actor, lambda p: matches(q, p.name, p.login or ""), _MOST_PEOPLE) if q else []
    return {
        "nodes": nodes, "unfolded": _unfolded(nodes, chosen), "q": q, "found": found, "found_people": people,
        "names": {node.id: node.name for node in nodes}, "chosen": chosen, "abolished": abolished,
        "today": local_date(call.now),
    }  # fmt: skip


def _unfolded(nodes: list[Node], chosen: int) -> set[int]:
    """The ids of units whose children are shown at first: the top, and what leads to the chosen one."""
    path = next((node.path for node in nodes if node.id == chosen), "")
    return {node.id for node in nodes if node.depth < _OPEN_DEPTH or (path.startswith(node.path))}


def _is_in_charge(session: Session, call: Call, person_id: int) -> bool:
    try:
        refuse_unless_admin_of(session, call.actor, person_id)
    except NotPermitted:
        return False
    return True


def _roles(call: Call) -> dict[str, str]:
    return dict(call.engine.registry.pack.roles)
