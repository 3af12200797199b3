"""What a reader learns of a panel: nothing of others before it is over, of a secret ballot nothing but figures."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from services.db.session import Database
from services.engine.looking import look
from services.engine.queries import PanelView, get_matter, timeline
from services.engine.queries.panels import rule_in_words
from services.identity.sealing import Vault
from statemachines.kit.panels import PanelRule
from tests.support.cast import County, build_county
from tests.support.declared import declared
from tests.support.panels import ERRAND, ERRAND_POLICY, meeting, meeting_policy

MEMBERS = ("checker", "checker2", "leader")


def meet(database: Database, vault: Vault, **how: Any) -> County:
    made = (meeting(**how), meeting_policy()), (ERRAND, ERRAND_POLICY)
    return build_county(database, declared(vault, *made))


def called(county: County) -> int:
    matter_id = county.open("office", "meeting", subject="分工").matter_id
    county.act(matter_id, "convene", "office", {"members": [county.people[m] for m in MEMBERS]})
    return matter_id


def vote(county: County, matter_id: int, *who: str, points: int = 10) -> None:
    for member in who:
        county.act(matter_id, "vote", member, {"answer": "agree", "points": points})


def panel(county: County, matter_id: int, who: str) -> PanelView:
    def read(session: Session) -> PanelView:
        actor = county.actor(who, session)
        loaded = look(session, county.engine, actor, matter_id)
        (only,) = get_matter(session, county.engine, loaded, actor, county.now).panels
        return only

    with county.database.read() as session:
        return read(session)


def said(county: County, matter_id: int, who: str) -> dict[str, Any]:
    names = {number: name for name, number in county.people.items()}
    return {names[s.person_id]: s.answers for s in panel(county, matter_id, who).seats}


def told(county: County, matter_id: int, who: str) -> list[str]:
    """Whose votes the journal shows to somebody."""
    names = {number: name for name, number in county.people.items()}
    with county.database.read() as session:
        actor = county.actor(who, session)
        page = timeline(session, look(session, county.engine, actor, matter_id), actor)
    return sorted(names[e.actor_id] for e in page.rows if e.action == "vote" and "answers" in e.content and e.actor_id)


def test_members_answer_without_knowing_the_others(database: Database, vault: Vault) -> None:
    county = meet(database, vault)
    matter_id = called(county)
    vote(county, matter_id, "checker", "checker2")
    own = {"answer": "agree", "points": 10}
    assert said(county, matter_id, "checker") == {"checker": own, "checker2": None, "leader": None}
    assert told(county, matter_id, "checker") == ["checker"]
    assert told(county, matter_id, "leader") == told(county, matter_id, "office") == []
    assert set(said(county, matter_id, "office").values()) == {None}
    seen = panel(county, matter_id, "leader")
    assert (seen.answered, seen.members, seen.enough, seen.open, seen.shown) == (2, 3, False, True, False)


def test_the_convener_knows_when_it_is_enough_and_everyone_when_it_is_over(database: Database, vault: Vault) -> None:
    county = meet(database, vault)
    matter_id = called(county)
    vote(county, matter_id, *MEMBERS)
    assert None not in said(county, matter_id, "office").values()
    assert told(county, matter_id, "office") == sorted(MEMBERS)
    assert said(county, matter_id, "leader")["checker"] is None and told(county, matter_id, "leader") == ["leader"]
    county.act(matter_id, "conclude", "office")
    assert None not in said(county, matter_id, "leader").values()
    assert told(county, matter_id, "leader") == sorted(MEMBERS)
    assert not panel(county, matter_id, "leader").open


def test_a_second_round_hides_its_own_and_shows_the_first(sqlite: Database, vault: Vault) -> None:
    county = meet(sqlite, vault)
    matter_id = called(county)
    vote(county, matter_id, *MEMBERS)
    county.act(matter_id, "conclude", "office")
    county.act(matter_id, "send_back", "office", {"reason": "再议"})
    vote(county, matter_id, "checker")
    seen = panel(county, matter_id, "leader")
    assert (seen.round, seen.answered) == (2, 1)
    assert told(county, matter_id, "leader") == sorted(MEMBERS)


@pytest.mark.parametrize("ended", [False, True])
def test_a_secret_ballot_gives_figures_and_no_person(sqlite: Database, vault: Vault, ended: bool) -> None:
    county = meet(sqlite, vault, anonymous=True)
    matter_id = called(county)
    for member, points in zip(MEMBERS, (10, 20, 25), strict=True):
        vote(county, matter_id, member, points=points)
    if ended:
        county.act(matter_id, "conclude", "office")
    for who in ("office", "leader"):
        seen = panel(county, matter_id, who)
        assert seen.seats == [] and (seen.answered, seen.members) == (3, 3)
        assert [g.means for g in seen.groups] == [{"points": "18.33"} if ended else {}]
        assert told(county, matter_id, who) == []


def test_two_ballots_give_no_mean(sqlite: Database, vault: Vault) -> None:
    county = meet(sqlite, vault, anonymous=True)
    matter_id = called(county)
    vote(county, matter_id, "checker", "checker2")
    county.act(matter_id, "mark_absent", "office", {"person": county.people["leader"], "reason": "出差"})
    county.act(matter_id, "conclude", "office")
    seen = panel(county, matter_id, "office")
    assert (seen.answered, seen.absent) == (2, 1)
    assert seen.groups[0].means == {} and seen.counts == {}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"rule": "all"}, "全体成员表态，缺席的登记"),
        ({"rule": "any"}, "任一成员表态即可"),
        ({"rule": "quorum", "quorum": "2/3", "at_least": 3}, "全体成员的2/3以上表态，至少3人"),
    ],
)
def test_the_rule_in_words(rule: dict[str, Any], words: str) -> None:
    assert rule_in_words(PanelRule(title="表决", source="测试", **rule)) == words
