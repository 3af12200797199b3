"""Whether the journal holds: nothing changed, nothing missing."""

from fastapi import APIRouter

from services.administration import record
from services.administration.rights import refuse_unless_admin_of_all
from services.api.shapes import Id, Shown
from services.engine.journal import verify
from services.engine.visibility import find_visible
from services.http.administering import log_deed
from services.http.calls import Administering, Reading

router = APIRouter(tags=["journal"])


class Broken(Shown):
    """The first entry of a matter that does not hold."""

    matter_id: int
    seq: int
    why: str


class Verification(Shown):
    """How many entries of how many matters were checked, and where a chain is broken."""

    ok: bool
    matters: int
    entries: int
    broken: list[Broken]


class BrokenDeed(Shown):
    """The first deed of the record of administration that does not hold."""

    seq: int
    why: str


class RecordVerification(Shown):
    """How many deeds were checked, and where the chain is broken."""

    ok: bool
    entries: int
    broken: list[BrokenDeed]


class WholeVerification(Verification):
    """The journals of all matters, and the record of administration; `ok` where both hold."""

    administration: RecordVerification


@router.get("/matters/{matter_id}/journal/verification")
def verify_matter_journal(matter_id: Id, call: Reading) -> Verification:
    """Check the hash chain of one matter."""
    with call.read() as session:
        find_visible(session, call.engine, call.actor, matter_id)
        return Verification.model_validate(verify(session, [matter_id]))


@router.get("/journal/verification")
def verify_whole_journal(call: Administering) -> WholeVerification:
    """Check every chain of the installation (administrators of the whole county); may take a minute."""
    refuse_unless_admin_of_all(call.actor)
    with call.read() as session:
        matters, deeds = verify(session), record.verify(session)
    result = WholeVerification.model_validate(
        {**matters, "administration": deeds, "ok": matters["ok"] and deeds["ok"]}
    )  # fmt: skip
    log_deed(call, "journal verified", entries=result.entries, ok=result.ok)
    return result
