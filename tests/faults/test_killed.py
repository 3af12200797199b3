"""Everything is killed at random moments under load, PostgreSQL restarted and crashed: whatever was due fires once,
whatever was acknowledged is there. `make soak` is the same for as long as one likes."""

from pathlib import Path

import pytest

from tests.soak.soak import Plan, run
from tests.support.figures import repeats, tell


@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise's
@pytest.mark.parametrize(("kind", "clocks"), [("postgres", 2), ("sqlite", 1)])
def test_killed_at_any_moment_nothing_is_lost_or_done_twice(tmp_path: Path, kind: str, clocks: int) -> None:
    plan = Plan(seconds=repeats(8), every=1.0, kind=kind, webs=1, clocks=clocks, clients=4, matters=8)
    made = run(plan, tmp_path)
    found = made.findings
    assert found is not None
    tell("killed under load", **made.figures())
    assert (found.lost, found.twice, found.half_moved, found.journal_ok) == ([], [], [], True)
    assert found.due == found.fired > 0 and found.acknowledged > 0
    assert sum(made.faults.values()) >= 2
    assert made.fleet.ended_by_themselves == [] and made.desk.statuses["500"] == 0
