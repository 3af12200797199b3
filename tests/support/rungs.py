"""Matters whose ladders have come due, and the proof that each rung fired once."""

from collections import Counter

from services.engine.models import Clock, FiredRung, Matter
from tests.support.cast import County
from tests.support.invariants import check, entries, rows_of


def overdue(county: County, many: int) -> list[int]:
    """Petitions with both townships, every rung of whose ladders has come."""
    ids = []
    for n in range(many):
        matter_id = county.walk("accept")
        proposal = {**county.usual("propose")[1], "handler_unit": county.units["liuhe" if n % 2 else "baishi"]}
        county.act(matter_id, "propose", "clerk", proposal)
        county.act(matter_id, "approve", *county.usual("approve"))
        ids.append(matter_id)
    county.later(days=60)
    return ids


def assert_each_rung_once(county: County) -> None:
    """The rungs fired are those of each clock's ladder that have come, each once, and the clocks know it."""
    with county.database.read() as session:
        fired = rows_of(session, FiredRung)
        rows, matters = rows_of(session, Clock), {m["id"]: m for m in rows_of(session, Matter)}
        assert len({(f["clock_id"], f["rung"]) for f in fired}) == len(fired)
        for clock in rows:
            row = matters[clock["matter_id"]]
            policy = county.engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"]).policy
            ladder = [rung.at for rung in policy.clocks[clock["name"]].ladder]
            mine = [f["rung"] for f in fired if f["clock_id"] == clock["id"]]
            assert mine == ladder[: clock["rungs_fired"]]
            if clock["state"] == "running":
                assert clock["next_rung_at"] is None or clock["next_rung_at"] > county.now
        noted = Counter((e["content"]["clock"], e["content"]["rung"], e["matter_id"]) for i in matters
                        for e in entries(county, i) if e["action"] == "rung")  # fmt: skip
    assert set(noted.values()) <= {1}
    assert sum(noted.values()) == len(fired)
    check(county)
