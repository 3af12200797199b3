"""Candidates on both databases: proposed once, added to while open, never of a withdrawn step; raced and killed."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from services.engine.candidates import propose_all
from services.engine.models import Candidate, Exclusion, Link, Matter
from services.engine.queries.candidates import CandidateView, list_candidates
from services.identity.access import CLOCK
from services.identity.people import add_post, end_post
from services.identity.sealing import Vault
from tests.engine.test_concurrency import together
from tests.engine.test_obligations import Killed, kill_before
from tests.support.cast import County
from tests.support.declared import declared
from tests.support.dump import dump
from tests.support.invariants import check, entries
from tests.support.proposing import CASE, inquiry, on_candidate, policy, rule

Proposing = Callable[..., County]


@pytest.fixture
def proposing(county: County, vault: Vault) -> Proposing:
    """Declare cases and the inquiry that two removals per unit propose, changed so."""

    def make(opening: dict[str, Any] | None = None, **changes: Any) -> County:
        declarations = (CASE, policy()), (inquiry(**opening or {}), policy({"removals": rule(**changes)}))
        county.engine = declared(vault, *declarations)
        return county

    return make


def decided(county: County, kind: str = "removal", subject: str = "liuhe", **filing: Any) -> int:
    """A case filed at Liuhe about a unit, and decided."""
    filed = {"summary": "案件", "subject_unit": county.units[subject], **filing}
    matter_id = county.open("handler", "case", "liuhe", **filed).matter_id
    county.act(matter_id, "decide", "handler", {"sanction": {"kind": kind}})
    return matter_id


def run(county: County) -> tuple[int, int, int, int]:
    done = propose_all(county.database, county.engine, county.now)
    return done["proposed"], done["added"], done["skipped"], done["failed"]


def listed(county: County, who: str | None = None, **filters: Any) -> list[CandidateView]:
    with county.database.read() as session:
        actor = county.actor(who, session) if who else CLOCK
        return list_candidates(session, county.engine, actor, **filters)


def grounds(county: County, matter_id: int) -> set[int]:
    with county.database.read() as session:
        return set(session.scalars(select(Link.to_id).where(Link.from_id == matter_id, Link.kind == "grounds")))


def close(county: County, matter_id: int) -> None:
    county.act(matter_id, "decide", "office")
    county.act(matter_id, "close", "office")


def test_enough_facts_propose_one_matter_that_rests_on_them(proposing: Proposing) -> None:
    county = proposing(tags={"responsibility": "primary"})
    first = decided(county)
    assert run(county) == (0, 0, 0, 0)
    second = decided(county, "expulsion")
    decided(county, "warning")
    assert run(county) == (1, 0, 0, 0)
    (view,) = listed(county)
    assert (view.procedure, view.rule, view.unit_name, view.person_id, view.grounds, view.state) == (
        "inquiry", "removals", "柳河乡", None, 2, "running",
    )  # fmt: skip
    assert grounds(county, view.matter_id) == {first, second}
    with county.database.read() as session:
        made = session.get_one(Matter, view.matter_id)
    assert (made.unit_id, made.opened_by) == (county.units["county"], None)
    assert made.record["steps"]["open"]["answers"]["responsibility"] == "primary"
    check(county)


def test_again_nothing_is_proposed_and_nothing_is_done(proposing: Proposing) -> None:
    county = proposing()
    decided(county)
    decided(county)
    run(county)
    before = dump(county.database)
    assert run(county) == (0, 0, 1, 0)
    assert dump(county.database) == before


def test_a_further_fact_is_added_while_it_is_open(proposing: Proposing) -> None:
    county = proposing()
    decided(county)
    decided(county)
    run(county)
    third = decided(county)
    assert run(county) == (0, 1, 0, 0)
    (view,) = listed(county)
    assert third in grounds(county, view.matter_id) and view.grounds == 3
    noted = [e for e in entries(county, view.matter_id) if e["action"] == "grounds"]
    assert [e["content"]["matter_id"] for e in noted] == [third]
    check(county)


def test_once_judged_only_a_new_fact_proposes_again(proposing: Proposing) -> None:
    county = proposing()
    for _ in range(2):
        decided(county)
    run(county)
    decided(county)
    run(county)  # the third was before those who judged
    close(county, listed(county)[0].matter_id)
    assert run(county) == (0, 0, 1, 0)
    fourth = decided(county)
    assert run(county) == (1, 0, 0, 0)
    assert len(listed(county)) == 2
    (view,) = listed(county, still_open=True)
    assert fourth in grounds(county, view.matter_id)
    check(county)


def test_a_step_that_was_withdrawn_is_no_fact(proposing: Proposing) -> None:
    county = proposing()
    decided(county)
    county.act(decided(county), "withdraw", "handler", {"reason": "填错"})
    assert run(county) == (0, 0, 0, 0)


class TestTenure:
    def headed(self, county: County, who: str, since: date, until: date | None = None) -> None:
        with county.database.write() as session:
            post = add_post(session, county.people[who], county.units["liuhe"], "书记", since, head=True)
            if until is not None:
                end_post(session, post.id, until)

    def test_the_head_is_named_and_kept_away(self, proposing: Proposing) -> None:
        county = proposing(within="tenure")
        self.headed(county, "township_leader", date(2014, 1, 1))
        decided(county)
        decided(county)
        assert run(county) == (1, 0, 0, 0)
        (view,) = listed(county)
        assert (view.person_name, view.unit_name) == ("陈书记", "柳河乡")
        with county.database.read() as session:
            kept = session.scalars(select(Exclusion.person_id).where(Exclusion.matter_id == view.matter_id)).all()
        assert kept == [county.people["township_leader"]]

    def test_one_who_came_after_the_facts_is_not_proposed(self, proposing: Proposing) -> None:
        county = proposing(within="tenure")
        self.headed(county, "township_leader", date(2014, 1, 1), county.today)
        decided(county)
        decided(county)
        county.later(days=1)
        self.headed(county, "handler2", county.today)
        assert run(county) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("per", "unit"), [("unit", "柳河乡"), ("parent_unit", "清河县"), ("open.subject_unit", "上河村")]
)
def test_the_unit_it_counts_for(proposing: Proposing, per: str, unit: str) -> None:
    county = proposing(per=per)
    decided(county, subject="upper")
    decided(county, subject="upper")
    assert run(county) == (1, 0, 0, 0)
    assert [view.unit_name for view in listed(county)] == [unit]


def test_whom_its_grounds_keep_away_it_keeps_away(proposing: Proposing) -> None:
    county = proposing()
    decided(county, named=county.people["office"])
    decided(county)
    run(county)
    decided(county, named=county.people["leader"])
    run(county)
    (view,) = listed(county)
    with county.database.read() as session:
        kept = set(session.scalars(select(Exclusion.person_id).where(Exclusion.matter_id == view.matter_id)))
    assert {county.people["office"], county.people["leader"]} <= kept
    assert listed(county, "office") == []
    check(county)


def test_one_failure_stops_nobody_else_and_is_tried_again(proposing: Proposing) -> None:
    bad: list[int] = []

    def sometimes(proposal: Any) -> dict[str, Any]:
        if proposal.unit_id in bad:
            raise KeyError("no such answer")
        return on_candidate(proposal)

    county = proposing({"on_candidate": sometimes})
    bad.append(county.units["liuhe"])
    for subject in ("liuhe", "liuhe", "upper", "upper"):
        decided(county, subject=subject)
    assert run(county) == (1, 0, 0, 1)
    bad.clear()
    assert run(county) == (1, 0, 1, 0)
    check(county)


def test_two_at_once_propose_nothing_twice(proposing: Proposing) -> None:
    county = proposing()
    for subject in ("liuhe", "liuhe", "upper", "upper"):
        decided(county, subject=subject)
    results = together(*[lambda: run(county)] * 3)
    assert [sum(column) for column in zip(*results, strict=True)] == [2, 0, 4, 0]
    assert len(listed(county)) == 2
    check(county)


@pytest.mark.parametrize("statement", ["INSERT INTO matter", "INSERT INTO link", "UPDATE candidate"])
def test_killed_between_claim_and_opening_it_leaves_nothing_half_done(proposing: Proposing, statement: str) -> None:
    county = proposing()
    decided(county)
    decided(county)
    before = dump(county.database)
    with pytest.raises(Killed), kill_before(county.database, statement):
        run(county)
    assert dump(county.database) == before
    assert run(county) == (1, 0, 0, 0)
    with county.database.read() as session:
        assert None not in session.scalars(select(Candidate.matter_id)).all()
