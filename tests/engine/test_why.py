"""The explanation of rights never disagrees with `perform`, and tells nothing to whoever may not know of the matter."""

import pytest
from sqlalchemy import select

from services.db.errors import DubanError
from services.engine.errors import MatterNotFound
from services.engine.models import WorkItem
from services.engine.perform import perform
from services.engine.queries.why import Why, explain_rights
from services.engine.work import claim
from services.identity.people import deactivate, delegate
from tests.support.cast import County

OF_RIGHT = {"matter_not_found", "not_permitted", "claimed_by_another"}
PEOPLE = ("clerk", "leader", "office", "checker", "supervisor", "handler", "handler2", "elsewhere", "nobody")
LATER = {"not_in_this_state", "unknown_action"}


def told(county: County, who: str, matter: int, viewer: str = "supervisor") -> Why:
    with county.database.read() as session:
        actor = county.actor(viewer, session)
        return explain_rights(session, county.engine, actor, county.people[who], matter, county.now)


def performed(county: County, who: str, matter: int, action: str) -> tuple[str, str]:
    """The code with which `perform` refuses, and the reason it names; nothing is kept."""

    class _Back(Exception):
        pass

    try:
        with county.database.write() as session:
            perform(county.engine, session, matter, action, county.actor(who, session), {}, county.now)
            raise _Back
    except _Back:
        return "", ""
    except DubanError as error:
        return error.code, str(error.extra.get("reason", ""))


def matters(county: County) -> list[int]:
    """Matters in several states: fresh, waiting, sent down, with a recused and a named colleague, claimed."""
    fresh = county.walk()
    waiting = county.walk("accept", "propose")
    handled = county.walk("accept", "propose", "approve")
    county.act(handled, "recuse", *county.usual("recuse"))
    named = county.walk("accept", reported=[{"name": "孙领导", "post": "副书记"}])
    recheck = county.walk("accept", "propose", "approve", "complete")
    claimed = county.walk("accept", "propose", "approve")
    with county.database.write() as session:
        item = session.scalars(
            select(WorkItem.id).where(WorkItem.matter_id == claimed, WorkItem.closed_at.is_(None))
        ).first()
        claim(session, county.engine, item, county.actor("handler", session), county.now)
    with county.database.write() as session:
        delegate(session, county.people["leader"], county.people["nobody"], county.today, county.today, "出差", None)
    return [fresh, waiting, handled, named, recheck, claimed]


def test_the_explanation_is_what_perform_does(sqlite_county: County) -> None:
    county, compared, refusals = sqlite_county, 0, set()
    for matter in matters(county):
        for who in PEOPLE:
            for verdict in told(county, who, matter).verdicts:
                code, reason = performed(county, who, matter, verdict.action)
                right = code if code in OF_RIGHT else ""
                assert verdict.refusal == right, (matter, who, verdict, code)
                if not right:
                    in_state = next(s for s in verdict.steps if s.question == "当前环节可以办理")
                    assert in_state.holds == (reason not in LATER), (matter, who, verdict, reason)
                    if code == "":
                        assert verdict.possible, (matter, who, verdict)
                compared += 1
                refusals.add(right)
    assert compared > 1000 and refusals == {"", *OF_RIGHT}


def test_a_guard_that_fails_without_answers_is_told_with_its_reason(sqlite_county: County) -> None:
    matter = sqlite_county.walk("accept", "propose", "approve")
    granting = next(v for v in told(sqlite_county, "office", matter).verdicts if v.action == "grant_extension")
    assert (granting.permitted, granting.possible, granting.reason) == (True, False, "没有待批的延期申请")
    sqlite_county.act(matter, "ask_extension", *sqlite_county.usual("ask_extension"))
    granting = next(v for v in told(sqlite_county, "office", matter).verdicts if v.action == "grant_extension")
    assert granting.possible and granting.reason == ""


def test_whoever_may_not_know_of_the_matter_is_told_nothing(sqlite_county: County) -> None:
    matter = sqlite_county.walk("accept", reported=[{"name": "郑督查", "post": "干部"}])
    with pytest.raises(MatterNotFound):
        told(sqlite_county, "clerk", matter)
    with pytest.raises(MatterNotFound):
        told(sqlite_county, "clerk", matter, viewer="elsewhere")
    assert told(sqlite_county, "supervisor", matter, viewer="office").verdicts[0].refusal == "matter_not_found"


def test_somebody_shut_out_can_do_nothing(sqlite_county: County) -> None:
    matter = sqlite_county.walk()
    with sqlite_county.database.write() as session:
        deactivate(session, sqlite_county.people["clerk"], sqlite_county.now)
    for verdict in told(sqlite_county, "clerk", matter).verdicts:
        assert not verdict.permitted and "停用" in verdict.reason


def test_a_lent_role_is_told_with_its_lender(sqlite_county: County) -> None:
    matter = matters(sqlite_county)[1]
    approve = next(v for v in told(sqlite_county, "nobody", matter).verdicts if v.action == "approve")
    assert approve.permitted and "受孙领导委托" in approve.steps[1].reason + approve.steps[2].reason
