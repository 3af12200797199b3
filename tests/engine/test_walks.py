"""Petitions that wander: anybody tries anything at any time, and after each step every invariant holds."""

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from services.db.base import Base
from services.db.errors import DubanError
from services.engine.models import Exclusion, Matter
from services.engine.perform import Performed
from services.engine.sweep import sweep_all
from statemachines.petition import PETITION
from tests.support.cast import CAST, START, County
from tests.support.invariants import check, clocks, entries, matter, rows_of

NOBODY_YET = {"reported": [{"name": "某村干部"}]}
DISPOSITIONS = ["closed", "held_pending", "letter_inquiry", "letter_inquiry", *["preliminary_verification"] * 4]
HANDLING = ("note_progress", "complete", "complete.team", "record_reply")


class Walk:
    """One petition on its way, with what must never be undone remembered."""

    def __init__(self, county: County, draw: Any) -> None:
        self.county, self.draw, self.since = county, draw, newest(county)
        county.now = START
        anonymous = draw(st.booleans())
        self.disposition = draw(st.sampled_from(DISPOSITIONS))
        who = {"anonymous": True, "complainant": None} if anonymous else {}
        named = draw(st.sampled_from([{}, NOBODY_YET, {"reported": [{"name": "冯承办"}]}]))
        begun = ("accept", "propose", "approve")[: draw(st.integers(0, 3))]
        self.id = county.walk(*begun, disposition=self.disposition, **who, **named)
        self.late: set[int] = set()

    def step(self) -> None:
        self.county.later(hours=self.draw(st.sampled_from([1, 20, 100, 300])))
        if self.draw(st.integers(0, 5)) == 0:
            sweep_all(self.county.database, self.county.engine, self.county.now)
        else:
            self.act(*self.choose())
        check(self.county, self.since)
        self.check_lateness()

    def choose(self) -> tuple[str, str, dict[str, Any]]:
        row = matter(self.county, self.id)
        allowed = PETITION.open_actions(row["state"])
        onward, here = [a.name for a in allowed if a.targets()], [a.name for a in allowed if not a.targets()]
        manner = self.draw(st.sampled_from(["onward", "onward", "here", "here", "wild"]))
        action = self.draw(st.sampled_from({"onward": onward, "here": here}.get(manner) or sorted(PETITION.actions)))
        who, answers = self.county.usual(action, self.disposition)
        if who == "handler" and row["unit_id"] == self.county.units["baishi"]:
            who = "elsewhere"
        if action == "withdraw" and row["undo"]:
            who = next(name for name, person in self.county.people.items() if person == row["undo"]["by"])
        if manner == "wild":
            who = self.draw(st.sampled_from(sorted(CAST)))
        return action, who, self.vary(action, answers)

    def vary(self, action: str, answers: dict[str, Any]) -> dict[str, Any]:
        draw, people, units = self.draw, self.county.people, self.county.units
        if action in ("propose", "reclassify"):
            chosen = draw(st.sampled_from(["general", "complex", "major", "date_given"]))
            given = self.county.today + timedelta(days=draw(st.integers(-3, 60)))
            answers |= {"petition_class": chosen, "given_due": given.isoformat() if chosen == "date_given" else None}
        if action in ("propose", "reassign"):
            answers["handler_unit"] = units[
                draw(st.sampled_from(["liuhe", "liuhe", "liuhe", "baishi", "baishi", "water"]))
            ]
        if action == "send_back":
            answers["to"] = draw(st.sampled_from([None, None, "registered", "triage", "approval", "inquiry"]))
        if action == "recuse":
            answers["person"] = people[draw(st.sampled_from(["nobody", "township_clerk"] * 8 + sorted(CAST)))]
        if action == "complete":
            team = [answers["team"], draw(st.lists(st.sampled_from(sorted(people.values())), max_size=3))]
            answers["team"] = draw(st.sampled_from(team))
        return answers

    def act(self, action: str, who: str, answers: dict[str, Any]) -> None:
        before, away = counted(self.county), self.excluded()
        old = matter(self.county, self.id)
        try:
            done = self.county.act(self.id, action, who, answers)
        except DubanError as refusal:
            assert refusal.zh
            assert counted(self.county) == before
            assert matter(self.county, self.id) == old
            return
        self.check_done(done, old, action, who, away)

    def check_done(self, done: Performed, old: dict[str, Any], action: str, who: str, away: set[int]) -> None:
        new, last = matter(self.county, self.id), entries(self.county, self.id)[-1]
        assert self.county.people[who] not in away
        assert done.version == new["version"] == old["version"] + 1
        assert done.state == new["state"]
        assert (last["seq"], last["action"], last["source"]) == (done.entry_seq, action, old["state"])
        if action in ("pass_recheck", "fail_recheck"):
            doers = new["record"]["actors"]
            handled = {
                p for a in ("note_progress", "complete", "complete.team", "record_reply") for p in doers.get(a, [])
            }
            assert not handled & {last["actor_id"], *last["content"]["answers"]["members"]}

    def excluded(self) -> set[int]:
        with self.county.database.read() as session:
            rows = rows_of(session, Exclusion, matter_id=self.id)
        return {row["person_id"] for row in rows if row["person_id"] is not None}

    def check_lateness(self) -> None:
        """Whatever was late once shows it: still running over its end, on its ledger, or in its outcome."""
        for clock in clocks(self.county, self.id).values():
            late = clock["ledger"]["late"] or clock["outcome"] == "late"
            over = clock["state"] == "running" and clock["due_at"] is not None and clock["due_at"] < self.county.now
            if clock["id"] in self.late and clock["outcome"] not in ("waived", "withdrawn"):
                assert late or over
            if late or over:
                self.late.add(clock["id"])


def newest(county: County) -> int:
    with county.database.read() as session:
        return session.scalar(select(func.max(Matter.id))) or 0


def counted(county: County) -> dict[str, int]:
    """How many rows each table has: with the matter's own row unchanged, nothing was written anywhere."""
    with county.database.read() as session:
        return {t.name: session.scalar(select(func.count()).select_from(t)) or 0 for t in Base.metadata.sorted_tables}


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_walk_breaks_an_invariant(sqlite_county: County, data: st.DataObject) -> None:
    walk = Walk(sqlite_county, data.draw)
    for _ in range(data.draw(st.integers(10, 30))):
        walk.step()
        if matter(sqlite_county, walk.id)["state"] == "archived":
            break
