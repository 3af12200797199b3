"""The journal anchored outside the database: chains alone do not show one that was rewritten or cut back as a whole.

An anchor is a file of text, written once and never changed, that says where the chains ended that have grown since the
anchor before, whose hash it holds; it is signed with a key that is not in the database. Best kept where this machine
can add but not replace.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from services.administration.models import Deed, DeedHead
from services.administration.record import verify_all
from services.db.errors import DubanError
from services.engine.journal import GENESIS
from services.engine.models import Entry, Matter
from services.identity.sealing import Vault
from services.keeping.progress import Progress, silent
from services.runs.models import FlowRun, RunState
from services.runtime import Runtime

FLOW = "anchor_journal"
_FIRST_LINE = "duban anchor 1"
_NAMED = "anchor-[0-9]*.txt"
_AT_ONCE = 400
_TOLD = 5


class JournalBroken(DubanError):
    """The journal is not what it was; the text names the first entries that do not hold."""

    code: ClassVar[str] = "journal_broken"
    status: ClassVar[int] = 500


@dataclass(frozen=True, slots=True)
class Anchor:
    """One file. `heads` are (matter, seq, hash); `deeds` is (seq, hash) of the record of administration."""

    file: Path
    sha256: str
    number: int
    at: str
    previous: str
    deeds: tuple[int, str]
    heads: list[tuple[int, int, str]]
    signed: bool


def anchor_journal(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Write the next anchor; return {"number", "sha256", "heads", "file"}. `heads`: chains grown since the one before.

    Of two at once one writes and the other says {"heads": 0} of the same number.
    """
    folder = runtime.settings.anchor_folder
    folder.mkdir(parents=True, exist_ok=True)
    files = sorted(folder.glob(_NAMED))
    number = int(files[-1].stem.removeprefix("anchor-")) if files else 0
    previous, known = _sha256(files[-1]) if files else GENESIS, _known(files, runtime.vault)
    file = folder / _name(number + 1)
    with runtime.database.read() as session:
        lines = _lines(session, number + 1, previous, known, now)
        written, heads = _write(file, lines, runtime.vault)
    return {"number": number + 1, "sha256": _sha256(file), "heads": heads if written else 0, "file": str(file)}


def verify_anchors(runtime: Runtime, session: Session, progress: Progress = silent) -> dict[str, Any]:
    """Compare every anchor with the journal: each anchored entry must still be there with its hash.

    Returns {"anchors", "heads", "last": {"number", "at", "sha256"} | None, "broken": [{"anchor", "matter_id", "seq",
    "why"}], "ok"}; per matter the first bad one only. One anchor is in memory at a time.
    """
    check = _Check(session)
    files = sorted(runtime.settings.anchor_folder.glob(_NAMED))
    with progress("anchors", len(files)) as done:
        for file in files:
            try:
                check.take(_read(file, runtime.vault))
            except JournalBroken as problem:
                check.note(None, None, str(problem))
            done(1)
    check.compare_with_runs()
    last = check.last and {"number": check.last.number, "at": check.last.at, "sha256": check.last.sha256}
    return {
        "anchors": len(files), "heads": check.heads, "last": last, "broken": check.broken, "ok": not check.broken,
    }  # fmt: skip


def verify_everything(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Check journal, record of administration and anchors, for the nightly flow; raise JournalBroken."""
    checked = verify_all(runtime, now)
    with runtime.database.read() as session:
        anchored = verify_anchors(runtime, session)
    if not checked["ok"] or not anchored["ok"]:
        raise JournalBroken(_in_words(checked, anchored))
    return {**checked, "anchors": anchored["anchors"], "anchored": anchored["heads"]}


@dataclass
class _Check:
    session: Session
    heads: int = 0
    last: Anchor | None = None
    broken: list[dict[str, Any]] = field(default_factory=list)
    _bad: set[int | None] = field(default_factory=set)
    _sha256: dict[int, str] = field(default_factory=dict)

    def take(self, anchor: Anchor) -> None:
        before = self.last
        expected = (before.number + 1, before.sha256) if before else (1, GENESIS)
        self.last = anchor
        if anchor.number != expected[0]:
            self.note(None, None, f"anchor {expected[0]} is missing")
        elif anchor.previous != expected[1]:
            self.note(None, None, "does not follow the anchor before")
        if not anchor.signed:
            self.note(None, None, "was not signed with the key of this installation")
        self._sha256[anchor.number] = anchor.sha256
        self.heads += len(anchor.heads)
        for start in range(0, len(anchor.heads), _AT_ONCE):
            self._compare(anchor.heads[start : start + _AT_ONCE])
        seq, hash_ = anchor.deeds
        if seq and self.session.scalar(select(Deed.hash).where(Deed.seq == seq)) != hash_:
            self.note(None, seq, "the record of administration was changed or cut back")

    def compare_with_runs(self) -> None:
        """The record of runs knows the anchors of the last months: taken away ones show."""
        made = select(FlowRun.result).where(FlowRun.flow == FLOW, FlowRun.state == RunState.COMPLETED)
        result = self.session.scalar(made.order_by(FlowRun.id.desc()).limit(1))
        if result and self._sha256.get(result["number"]) != result["sha256"]:
            self.note(None, None, f"anchor {result['number']}, made by the flow, is missing or another")

    def note(self, matter: int | None, seq: int | None, why: str) -> None:
        number = self.last.number if self.last else 0
        self.broken.append({"anchor": number, "matter_id": matter, "seq": seq, "why": why})

    def _compare(self, heads: list[tuple[int, int, str]]) -> None:
        asked = tuple_(Entry.matter_id, Entry.seq).in_([(matter, seq) for matter, seq, _ in heads])
        found = {
            (m, s): h for m, s, h in self.session.execute(select(Entry.matter_id, Entry.seq, Entry.hash).where(asked))
        }
        for matter, seq, hash_ in heads:
            now = found.get((matter, seq))
            if now != hash_ and matter not in self._bad:
                self._bad.add(matter)
                self.note(matter, seq, "the journal was cut back" if now is None else "the journal was rewritten")


def _known(files: list[Path], vault: Vault) -> dict[int, int]:
    """Up to where each chain is anchored. A damaged file is passed over: what it said is said again."""
    known: dict[int, int] = {}
    for file in files:
        with suppress(JournalBroken):
            known.update((matter, seq) for matter, seq, _ in _read(file, vault).heads)
    return known


def _lines(session: Session, number: int, previous: str, known: dict[int, int], now: datetime) -> Iterator[str]:
    deeds = session.get(DeedHead, 1)
    yield _FIRST_LINE
    yield f"number {number}"
    yield f"at {now.astimezone(UTC).isoformat(timespec='microseconds')}"
    yield f"previous {previous}"
    yield f"administration {deeds.seq} {deeds.hash}" if deeds else f"administration 0 {GENESIS}"
    heads = select(Matter.id, Matter.journal_seq, Matter.journal_head).order_by(Matter.id)
    for matter, seq, hash_ in session.execute(heads, execution_options={"yield_per": 5000}):
        if seq > known.get(matter, 0):
            yield f"head {matter} {seq} {hash_}"


def _write(file: Path, lines: Iterator[str], vault: Vault) -> tuple[bool, int]:
    """Write aside, then give it its name unless somebody else has; return whether, and the number of heads."""
    digest, heads = hashlib.sha256(), 0
    handle, aside = tempfile.mkstemp(dir=file.parent, prefix=".anchor-")
    try:
        with os.fdopen(handle, "w", newline="\n") as out:
            for line in lines:
                heads += line.startswith("head ")
                digest.update(f"{line}\n".encode())
                out.write(f"{line}\n")
            out.write(f"signature {vault.sign(_signed(digest.hexdigest()))}\n")
            out.flush()
            os.fsync(out.fileno())
        os.chmod(aside, 0o440)
        with suppress(FileExistsError):
            os.link(aside, file)
            return True, heads
        return False, heads
    finally:
        os.unlink(aside)


def _read(file: Path, vault: Vault) -> Anchor:
    content = file.read_bytes()
    try:
        *lines, last = content.decode("ascii").splitlines()
        said = dict(line.split(" ", 1) for line in lines[1:5])
        heads = [(int(m), int(s), h) for _, m, s, h in (line.split(" ") for line in lines[5:])]
        seq, hash_ = said["administration"].split(" ")
        body = hashlib.sha256(content[: content.rindex(b"signature ")]).hexdigest()
        signed = vault.verify(_signed(body), last.removeprefix("signature "))
        return Anchor(
            file, hashlib.sha256(content).hexdigest(), int(said["number"]), said["at"], said["previous"],
            (int(seq), hash_), heads, signed and lines[0] == _FIRST_LINE and file.name == _name(int(said["number"])),
        )  # fmt: skip
    except (ValueError, KeyError, IndexError):
        raise JournalBroken(f"{file.name} is no anchor, or was damaged") from None


def _in_words(checked: dict[str, Any], anchored: dict[str, Any]) -> str:
    said = [f"matter {b['matter_id']} entry {b['seq']}: {b['why']}" for b in checked["broken"]]
    said += [f"administration deed {b['seq']}: {b['why']}" for b in checked["administration"]["broken"]]
    said += [f"anchor {b['anchor']}, matter {b['matter_id']} entry {b['seq']}: {b['why']}" for b in anchored["broken"]]
    more = f"; and {len(said) - _TOLD} more" if len(said) > _TOLD else ""
    return f"{'; '.join(said[:_TOLD])}{more}; see: duban journal verify --anchors"


def _name(number: int) -> str:
    return f"anchor-{number:06d}.txt"


def _signed(digest: str) -> str:
    return f"anchor\n{digest}"


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
