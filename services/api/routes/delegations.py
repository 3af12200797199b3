"""Roles lent to somebody else for some days."""

from datetime import date, datetime

from fastapi import APIRouter
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from services.api.administering import log_deed, refuse_unless_admin_of
from services.api.shapes import Day, Id, Reason, Sent, Shown
from services.http.calls import Acting, Call, Reading
from services.http.errors import InsufficientScope
from services.identity.errors import NotFound
from services.identity.models import Delegation
from services.identity.people import delegate, revoke_delegation

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
    with call.write() as session:
        _refuse_unless_own(session, call, from_id)
        lent = delegate(session, from_id, body.to_id, body.starts_on, body.ends_on, body.reason, call.actor.id)
        shown = Lent.model_validate(lent)
    log_deed(call, "roles lent", delegation=shown.id, lender=from_id, to=body.to_id)
    return shown


@router.delete("/{delegation_id}")
def end_delegation(delegation_id: Id, call: Acting) -> Lent:
    """End a delegation at once (whoever lent it, and administrators of all he holds)."""
    with call.write() as session:
        if (lent := session.get(Delegation, delegation_id)) is None:
            raise NotFound(f"there is no delegation {delegation_id}", "没有这条委托。")
        _refuse_unless_own(session, call, lent.from_id)
        shown = Lent.model_validate(revoke_delegation(session, delegation_id, call.now))
    log_deed(call, "delegation ended", delegation=delegation_id)
    return shown


def _refuse_unless_own(session: Session, call: Call, lender: int) -> None:
    if lender == call.person_id:
        return
    if not call.actor.allows("admin"):
        raise InsufficientScope("admin")
    refuse_unless_admin_of(session, call.actor, lender)
