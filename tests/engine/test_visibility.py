"""Who may know of a matter: the same answer for lists, search and single look-ups."""

from datetime import date

import pytest
from sqlalchemy import select

from services.engine.errors import MatterNotFound
from services.engine.models import Matter
from services.engine.queries import MatterFilters, list_matters
from services.engine.visibility import find_visible, visible
from services.identity.people import create_person, delegate, grant, rename_person
from tests.support.cast import County


def seen_by(county: County, who: str) -> set[int]:
    with county.database.read() as session:
        condition = visible(county.actor(who, session), county.engine.registry)
        return set(session.scalars(select(Matter.id).where(condition)))


def lend(county: County, lender: str, to: str) -> None:
    with county.database.write() as session:
        days = county.today, county.today
        delegate(session, county.people[lender], county.people[to], *days, "出差", county.people["office"])


def test_nobody_without_a_role_sees_anything(county: County) -> None:
    county.walk()
    assert seen_by(county, "nobody") == set()


def test_a_role_counts_on_its_own_subtree_only(county: County) -> None:
    at_county, at_liuhe = county.walk(), county.walk("accept", "propose", "approve")
    assert seen_by(county, "clerk") == {at_county, at_liuhe}
    assert seen_by(county, "handler") == {at_liuhe}
    assert seen_by(county, "elsewhere") == set()


def test_where_it_came_from_keeps_sight_of_it(county: County) -> None:
    matter = county.open("township_clerk", unit="liuhe").matter_id
    county.act(matter, "accept", "township_clerk")
    county.act(
        matter, "propose", "township_clerk", {**county.usual("propose")[1], "handler_unit": county.units["water"]}
    )
    county.act(matter, "approve", "township_leader")
    assert seen_by(county, "township_clerk") == {matter}


def test_a_role_without_a_view_of_the_procedure_shows_nothing(county: County) -> None:
    matter = county.walk()
    with county.database.write() as session:
        person = create_person(session, "许审计", county.now, login="auditor")
        county.people["auditor"] = person.id
        grant(session, person.id, "admin", county.units["county"], date(2010, 1, 1), None, "测试")
    assert seen_by(county, "auditor") == set()
    with county.database.read() as session, pytest.raises(MatterNotFound):
        find_visible(session, county.engine, county.actor("auditor", session), matter)


def test_someone_named_in_it_does_not_find_it(county: County) -> None:
    county.walk(reported=[{"name": "吴复核", "person": county.people["checker2"]}])
    assert seen_by(county, "checker2") == set()
    assert len(seen_by(county, "checker")) == 1


def test_someone_recused_loses_sight_at_once_even_of_his_own_item(county: County) -> None:
    matter = county.walk("accept", "propose", "approve")
    assert seen_by(county, "handler2") == {matter}
    county.act(matter, "recuse", *county.usual("recuse"))
    assert seen_by(county, "handler2") == set()


def test_a_delegate_sees_with_the_eyes_of_whom_he_acts_for(county: County) -> None:
    matter = county.walk("accept", "propose", "approve")
    lend(county, "handler", "elsewhere")
    assert seen_by(county, "elsewhere") == {matter}


def test_delegation_launders_no_exclusion(county: County) -> None:
    matter = county.walk("accept", "propose", "approve")
    county.act(matter, "recuse", *county.usual("recuse"))
    lend(county, "handler2", "elsewhere")  # the lender is excluded
    lend(county, "handler", "handler2")  # the borrower is
    assert seen_by(county, "elsewhere") == set()
    assert seen_by(county, "handler2") == set()


def test_a_matter_that_was_once_in_ones_hands_stays_in_sight(county: County) -> None:
    order = {
        "summary": "督办", "demand": "尽快", "source": "leader", "handler_unit": county.units["baishi"],
    }  # fmt: skip
    matter = county.open("office", "supervised_handling", **order).matter_id
    county.act(matter, "sign_for", "elsewhere", {"handler": county.people["nobody"], "measures": "立即办"})
    assert seen_by(county, "nobody") == {matter}
    county.act(matter, "ask_strike_off", "elsewhere", {"done": "已办"})
    assert seen_by(county, "nobody") == {matter}


@pytest.mark.parametrize("filters", [MatterFilters(), MatterFilters(q="低保"), MatterFilters(status="open")])
def test_lists_and_search_obey_the_same_rule(county: County, filters: MatterFilters) -> None:
    hidden = county.walk(reported=[{"name": "吴复核", "person": county.people["checker2"]}])
    shown = county.walk()
    with county.database.read() as session:
        page = list_matters(session, county.engine, county.actor("checker2", session), county.now, filters=filters)
    assert [row.id for row in page.rows] == [shown] and hidden != shown


def test_statements_serve_on_while_somebody_else_s_roles_change(county: County) -> None:
    """They are kept by actor: whatever else changes in the directory must not have them all compiled anew."""
    with county.database.write() as session:
        before = county.actor("clerk", session)
        rename_person(session, county.people["nobody"], "蒋某某")
        after = county.actor("clerk", session)
        rename_person(session, county.people["clerk"], "方闻")
        renamed = county.actor("clerk", session)
    assert before.edition != after.edition
    assert visible(before, county.engine.registry) is visible(after, county.engine.registry)
    assert visible(renamed, county.engine.registry) is not visible(after, county.engine.registry)


def test_an_unknown_matter_and_a_hidden_one_answer_alike(county: County) -> None:
    matter = county.walk()
    with county.database.read() as session:
        actor, answers = county.actor("elsewhere", session), []
        for wanted in (matter, matter + 1000):
            with pytest.raises(MatterNotFound) as refusal:
                find_visible(session, county.engine, actor, wanted)
            answers.append((str(refusal.value), refusal.value.zh, refusal.value.extra))
    assert answers[0] == answers[1]
