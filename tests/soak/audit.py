"""What came of it: whether each rung that was due fired once, whether what was acknowledged is there, and whole."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.documents import FileStore
from services.engine import clocks as clk
from services.engine import journal
from services.engine.models import Attachment, Clock, Entry, FiredRung, Link, Matter, Message
from services.runtime import Runtime
from tests.soak.clients import Acknowledged
from tests.support.cast import County
from tests.support.invariants import failing, rows_of

OPENS = "open supervised_handling"


@dataclass
class Findings:
    """`lost` and `twice` name what is missing and what was done more than once; all empty and `journal_ok` is well."""

    due: int = 0
    fired: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    half_moved: list[str] = field(default_factory=list)
    journal_ok: bool = False
    entries: int = 0
    acknowledged: int = 0

    @property
    def well(self) -> bool:
        return self.journal_ok and not (self.lost or self.twice or self.half_moved)


def audit(county: County, works: Runtime, acknowledged: Iterable[Acknowledged]) -> Findings:
    """Look at everything in the database, at the county's present, after the last sweep and delivery."""
    found = Findings()
    with county.database.read() as session:
        _rungs(county, session, found)
        _acknowledged(session, works, list(acknowledged), found)
        unsent = session.scalar(select(func.count(Message.id)).where(Message.sent_at.is_(None))) or 0
        found.lost += [f"{unsent} copies of messages never left"] if unsent else []
        found.half_moved = failing(county, session)
        verified = journal.verify(session)
    found.journal_ok, found.entries = verified["ok"], verified["entries"]
    return found


def _rungs(county: County, session: Session, found: Findings) -> None:
    fired = rows_of(session, FiredRung)
    of_clock: dict[int, list[str]] = {}
    for row in fired:
        of_clock.setdefault(row["clock_id"], []).append(row["rung"])
    matters = {m["id"]: m for m in rows_of(session, Matter)}
    clocks = rows_of(session, Clock)
    for clock in clocks:
        matter = matters[clock["matter_id"]]
        policy = county.engine.registry.pinned(session, matter["procedure_hash"], matter["policy_hash"]).policy
        rungs = of_clock.get(clock["id"], [])
        come: list[str] = []
        if clock["state"] == clk.RUNNING:
            rule = policy.clocks[clock["name"]]
            unfired = {**clock, "rungs_fired": 0}
            come = [rung.at for rung, _ in clk.due_rungs(unfired, rule, county.engine.calendar, county.now)]
        missing = [rung for rung in come if rung not in rungs]
        found.due += len(rungs) + len(missing)
        found.lost += [f"matter {matter['id']}: rung {rung} of {clock['name']} never fired" for rung in missing]
    found.fired = len(fired)
    _journalled(session, fired, {c["id"]: c["name"] for c in clocks}, found)


def _journalled(session: Session, fired: list[dict[str, Any]], names: dict[int, str], found: Findings) -> None:
    """Each fired rung stands in its matter's journal once, and opened one matter where it had to."""
    claimed = Counter((f["matter_id"], names[f["clock_id"]], f["rung"]) for f in fired)
    entries = [e for e in rows_of(session, Entry) if e["action"] in ("rung", "rung_failed")]
    noted = Counter(
        (e["matter_id"], e["content"]["clock"], e["content"]["rung"]) for e in entries if e["action"] == "rung"
    )
    found.lost += [f"rung {rung} is not in the journal" for rung in (claimed - noted).elements()]
    found.twice += [f"rung {rung} is in the journal once more" for rung in (noted - claimed).elements()]
    failed = Counter(e["matter_id"] for e in entries if e["content"].get("failed") == OPENS)
    opens = Counter(f["matter_id"] for f in fired for deed in f["did"] if deed == OPENS)
    opened = Counter(row["to_id"] for row in rows_of(session, Link) if row["kind"] == "supervises")
    for matter_id in opens.keys() | opened.keys():
        wanted = opens[matter_id] - failed[matter_id]
        if opened[matter_id] != wanted:
            (found.twice if opened[matter_id] > wanted else found.lost).append(
                f"matter {matter_id}: its rungs opened {opened[matter_id]} matters instead of {wanted}"
            )


def _acknowledged(session: Session, works: Runtime, answered: list[Acknowledged], found: Findings) -> None:
    """What was answered with 2xx is there, and once."""
    found.acknowledged = len(answered)
    matters = {m["id"]: m for m in rows_of(session, Matter)}
    titles = Counter(m["title"] for m in matters.values())
    keys = {(e["matter_id"], e["request_key"]) for e in rows_of(session, Entry) if e["request_key"]}
    notes = Counter(str(e["content"].get("answers", {}).get("content")) for e in rows_of(session, Entry))
    files, store = {a["id"]: a for a in rows_of(session, Attachment)}, FileStore.of(works)
    for one in answered:
        if one.kind == "open" and (one.id not in matters or not any(one.says in title for title in titles)):
            found.lost.append(f"matter {one.id} was acknowledged and is not there")
        if one.kind == "act" and (one.id, one.key) not in keys:
            found.lost.append(f"matter {one.id}: an acknowledged action is not in its journal")
        if one.kind == "upload" and (one.id not in files or not store.is_whole(one.says)):
            found.lost.append(f"attachment {one.id} was acknowledged and is not there, or not whole")
        if notes[one.says] > 1:
            found.twice.append(f"matter {one.id}: the note {one.says} was taken {notes[one.says]} times")
    found.twice += [
        f"{title} was registered {n} times" for title, n in titles.items() if n > 1 and title.startswith("反映")
    ]
