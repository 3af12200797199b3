"""Roles lent to somebody else for some days."""

from datetime import date, datetime

from fastapi import APIRouter
from sqlalchemy import or_, select

from services.administration import people
from services.api.shapes import Day, Id, Reason, Sent, Shown
from services.http.administering import office
from services.http.calls import Acting, Call, Reading
from services.http.errors import InsufficientScope
from services.identity.models import Delegation

router = APIRouter(prefix="/delegations", tags=["people"])


class Lent(Shown):
    """All own roles of one person lent to another, both days included."""

    id: int
    from_id: int
    to_id: int
    starts_on: date
    ends_on: date
    reason: str
    created_by: int | None
    revoked_at: datetime | None


class NewDelegation(Sent):
    """`from_id` is oneself where it is left out; for somebody else only administrators of all he holds ask."""

    from_id: Id | None = None
    to_id: Id
    starts_on: Day
    ends_on: Day
    reason: Reason


@router.get("")
def list_my_delegations(call: Reading) -> list[Lent]:
    """List what one lent and what was lent to one, latest first."""
    mine = or_(Delegation.from_id == call.person_id, Delegation.to_id == call.person_id)
    with call.read() as session:
        rows = session.scalars(select(Delegation).where(mine).order_by(Delegation.id.desc()))
        return [Lent.model_validate(row) for row in rows]


@router.post("", status_code=201)
def lend_roles(body: NewDelegation, call: Acting) -> Lent:
    """Lend one's own roles to somebody for some days. It never gets anybody past an exclusion."""
    from_id = body.from_id or call.person_id
    if from_id != call.person_id:
        _refuse_without_scope(call)
    with office(call) as at:
        return Lent.model_validate(people.lend(at, from_id, body.to_id, body.starts_on, body.ends_on, body.reason))


@router.delete("/{delegation_id}")
def end_delegation(delegation_id: Id, call: Acting) -> Lent:
    """End a delegation at once (whoever lent it, and administrators of all he holds)."""
    with office(call) as at:
        lent = at.session.get(Delegation, delegation_id)
        if lent is not None and lent.from_id != call.person_id:
            _refuse_without_scope(call)
        return Lent.model_validate(people.end_delegation(at, delegation_id))


def _refuse_without_scope(call: Call) -> None:
    if not call.actor.allows("admin"):
        raise InsufficientScope("admin")
