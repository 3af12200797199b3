"""No work item waits for somebody who is gone."""

from datetime import date

from sqlalchemy import select

from services.engine import journal
from services.engine.models import Entry, Exclusion, WorkItem
from services.engine.rerouting import reroute_stranded
from services.engine.work import claim
from services.identity.models import Grant
from services.identity.people import deactivate, delegate, grant, revoke
from tests.support.cast import County


def turn(county: County, matter_id: int) -> tuple[str, int, int | None]:
    with county.database.read() as session:
        open_items = WorkItem.matter_id == matter_id, WorkItem.closed_at.is_(None)
        item = session.scalars(select(WorkItem).where(*open_items)).one()
        return item.role, item.unit_id, item.person_id


def take_role(county: County, who: str, role: str) -> None:
    with county.database.write() as session:
        held = select(Grant.id).where(Grant.person_id == county.people[who], Grant.role == role)
        revoke(session, session.scalars(held).one(), county.today)


def test_a_role_that_nobody_holds_any_more_goes_up(county: County) -> None:
    matter_id = county.walk("accept", "propose", "approve")
    assert turn(county, matter_id)[:2] == ("handler", county.units["liuhe"])
    for who in ("handler", "handler2"):
        take_role(county, who, "handler")
    assert reroute_stranded(county.database, county.now) == 1
    assert turn(county, matter_id) == ("county_office", county.units["county"], None)
    assert reroute_stranded(county.database, county.now) == 0
    with county.database.read() as session:
        assert session.scalars(select(Entry).where(Entry.action == "rerouted")).one().content["lost"] is True
        assert journal.verify(session)["ok"]


def test_it_goes_to_the_next_unit_up_where_somebody_holds_the_role(county: County) -> None:
    matter_id = county.walk("accept", "propose", "approve")
    with county.database.write() as session:
        since = date(2010, 1, 1)
        grant(session, county.people["office"], "handler", county.units["county"], since, None, "兼任")
    for who in ("handler", "handler2"):
        take_role(county, who, "handler")
    reroute_stranded(county.database, county.now)
    assert turn(county, matter_id) == ("handler", county.units["county"], None)


def test_an_item_of_a_person_who_left_is_free_again(county: County) -> None:
    matter_id = county.walk("accept", "propose", "approve")
    with county.database.write() as session:
        open_items = WorkItem.matter_id == matter_id, WorkItem.closed_at.is_(None)
        session.scalars(select(WorkItem).where(*open_items)).one().person_id = county.people["handler"]
    assert reroute_stranded(county.database, county.now) == 0
    with county.database.write() as session:
        deactivate(session, county.people["handler"], county.now)
    assert reroute_stranded(county.database, county.now) == 1
    assert turn(county, matter_id) == ("handler", county.units["liuhe"], None)


def test_a_claim_is_free_again_once_the_role_is_gone(county: County) -> None:
    matter_id = county.walk("accept", "propose", "approve")
    with county.database.write() as session:
        item = session.scalars(select(WorkItem.id).where(WorkItem.matter_id == matter_id, WorkItem.closed_at.is_(None)))
        claim(session, county.engine, item.one(), county.actor("handler", session), county.now)
    assert reroute_stranded(county.database, county.now) == 0
    take_role(county, "handler", "handler")
    assert reroute_stranded(county.database, county.now) == 1
    assert turn(county, matter_id) == ("handler", county.units["liuhe"], None)
    with county.database.read() as session:
        noted = session.scalars(select(Entry).where(Entry.action == "rerouted")).one()
        assert noted.content["why"] == "whoever had it may no longer act" and not noted.content["lost"]
    assert reroute_stranded(county.database, county.now) == 0


def test_a_claim_under_a_delegation_lasts_as_long_as_that(county: County) -> None:
    matter_id = county.walk("accept", "propose", "approve")
    with county.database.write() as session:
        people = county.people
        delegate(session, people["handler"], people["nobody"], county.today, county.today, "出差", None)
    with county.database.write() as session:
        item = session.scalars(select(WorkItem.id).where(WorkItem.matter_id == matter_id, WorkItem.closed_at.is_(None)))
        claim(session, county.engine, item.one(), county.actor("nobody", session), county.now)
    assert reroute_stranded(county.database, county.now) == 0
    county.later(days=1)
    assert reroute_stranded(county.database, county.now) == 1
    assert turn(county, matter_id)[2] is None


def test_whom_one_matter_keeps_away_still_counts_in_another(county: County) -> None:
    waiting = county.walk("accept", "propose", "approve")
    elsewhere = county.walk("accept", "propose", "approve")
    with county.database.write() as session:
        for who in ("handler", "handler2"):
            session.add(Exclusion(matter_id=elsewhere, person_id=county.people[who], why="named"))
    assert reroute_stranded(county.database, county.now) == 1
    assert turn(county, waiting)[:2] == ("handler", county.units["liuhe"])
    assert turn(county, elsewhere)[0] == "county_office"


def test_a_delegation_to_somebody_else_keeps_nobodys_claim(county: County) -> None:
    first, second = (county.walk("accept", "propose", "approve") for _ in range(2))
    with county.database.write() as session:
        people, today = county.people, county.today
        delegate(session, people["handler2"], people["nobody"], today, today, "外出学习", None)
        for matter_id, person in ((first, "handler"), (second, "nobody")):
            open_items = WorkItem.matter_id == matter_id, WorkItem.closed_at.is_(None)
            item = session.scalars(select(WorkItem).where(*open_items)).one()
            claim(session, county.engine, item.id, county.actor(person, session), county.now)
    take_role(county, "handler", "handler")
    assert reroute_stranded(county.database, county.now) == 1
    assert turn(county, first) == ("handler", county.units["liuhe"], None)
    assert turn(county, second)[2] == people["nobody"]
