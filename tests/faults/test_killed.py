"""Everything is killed at random moments under load, PostgreSQL restarted and crashed: whatever was due fires once,
whatever was acknowledged is there. `make soak` is the same for as long as one likes."""

from pathlib import Path

import pytest

from tests.soak.soak import Plan, run
from tests.support.figures import repeats, tell


@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise's
@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_killed_at_any_moment_nothing_is_lost_or_done_twice(tmp_path: Path, kind: str) -> None:
    plan = Plan(seconds=repeats(10), every=1.2, kind=kind, webs=1, clients=4, matters=12)
    made = run(plan, tmp_path)
    found = made.findings
    assert found is not None
    tell("killed under load", **made.figures())
    assert (found.lost, found.twice, found.half_moved, found.journal_ok) == ([], [], [], True)
    assert found.due == found.fired > 0 and found.acknowledged > 0
    assert sum(made.faults.values()) >= 4
    assert made.fleet.ended_by_themselves == [] and made.desk.statuses["500"] == 0
