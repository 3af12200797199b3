"""Small event logs made by hand, and places to replay them to."""

import csv
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from config.calendar import SHANGHAI
from services.db.session import Database
from services.replay.run import Order, replay

COLUMNS = {
    "time": "time:timestamp", "activity": "concept:name", "resource": "org:resource", "case": "case:concept:name",
    "start": "case:startdate", "end": "case:enddate", "deadline": "case:deadline",
    "responsible": "case:responsible", "unit": "case:department", "channel": "case:channel",
}  # fmt: skip


@dataclass
class LogFile:
    """Grows case by case; times are local, of a log kept in Shanghai: "2016-03-01 10:00"."""

    rows: list[dict[str, str]] = field(default_factory=list)

    def case(
        self,
        name: str,
        start: str,
        deadline: str,
        end: str = "",
        events: tuple[tuple[str, str], ...] = (),
        **other: str,
    ) -> "LogFile":
        """Add a case; `events` are (time, resource)."""
        facts = {
            "case": name, "start": _zoned(start), "end": _zoned(end), "deadline": _zoned(deadline),
            "responsible": "Zhou", "unit": "General", "channel": "Desk", **other,
        }  # fmt: skip
        for number, (time, resource) in enumerate(events, 1):
            self.rows.append({**facts, "time": _zoned(time), "activity": f"step {number}", "resource": resource})
        return self

    def write(self, file: Path) -> Path:
        with file.open("w", newline="", encoding="utf-8") as out:
            table = csv.DictWriter(out, list(COLUMNS.values()))
            table.writeheader()
            table.writerows({COLUMNS[what]: text for what, text in row.items()} for row in self.rows)
        return file


def _zoned(text: str) -> str:
    return f"{text}+08:00" if text else ""


def defective() -> LogFile:
    """Cases on time, late, open and overdue, and one of every defect; days of March 2016, the 1st a Tuesday."""
    return (
        LogFile()
        .case("on-time", "2016-03-01 09:00", "2016-03-08 12:00", "2016-03-04 10:00",
              (("2016-03-01 10:00", "Wang"), ("2016-03-02 10:00", "Li")))
        .case("late", "2016-03-01 09:30", "2016-03-03 12:00", "2016-03-09 10:00",
              (("2016-03-02 11:00", "Wang"), ("2016-03-05 11:00", "Li")), unit="Experts")
        .case("late-by-an-hour", "2016-03-01 09:45", "2016-03-08 12:00", "2016-03-08 13:00",
              (("2016-03-02 11:30", "Wang"),))
        .case("overdue", "2016-03-02 08:00", "2016-03-04 00:00", "", (("2016-03-02 09:00", "Li"),))
        .case("open", "2016-03-02 08:30", "2016-04-29 00:00", "", (("2016-03-02 09:30", "Li"),), channel="Post")
        .case("ends-before-start", "2016-03-03 12:00", "2016-03-31 12:00", "2016-03-03 11:00",
              (("2016-03-03 12:30", "Wang"),))
        .case("event-before-start", "2016-03-07 12:00", "2016-03-31 12:00", "2016-03-10 11:00",
              (("2016-03-06 12:30", "Wang"), ("2016-03-08 12:30", "Wang")))
        .case("event-after-end", "2016-03-07 13:00", "2016-03-31 12:00", "2016-03-09 11:00",
              (("2016-03-08 12:30", "Wang"), ("2016-03-10 12:30", "Li"), ("2016-03-14 12:30", "Chen")))
    )  # fmt: skip


@dataclass(frozen=True)
class Place:
    """An empty database and where its keys go."""

    url: str
    key_file: Path

    def replay(self, log: Path, **more: Any) -> dict[str, Any]:
        asked = {"profile": "coselog", "pack": "tongcheng", **more}
        return replay(Order(log, database_url=self.url, key_file=self.key_file, **asked))

    def tables(self, *names: str) -> dict[str, list[tuple[Any, ...]]]:
        """Return the rows of these tables, in order of their keys."""
        database = Database(self.url)
        with database.read() as session:
            found = {n: [tuple(r) for r in session.connection().exec_driver_sql(_ALL.format(n))] for n in names}
        database.close()
        return found


_ALL = "SELECT * FROM {} ORDER BY 1, 2"

LASTING = ("journal", "fired_rung", "clock", "work_item", "message")
"""The tables in which two replays of one log agree to the last bit."""

OTHER = """
title = "another log"
delimiter = ";"
time_format = "%d/%m/%Y %H:%M"
timezone = "Asia/Shanghai"
county = "另县"
[columns]
time = "when"
activity = "what"
resource = "who"
case = "file"
start = "opened"
end = "closed"
deadline = "due"
responsible = "owner"
unit = "office"
channel = "via"
[units]
"A" = "甲科"
[channels]
"phone" = "call"
[staff]
registrar = { name = "登记岗", roles = ["petition_clerk"] }
approver = { name = "审批岗", roles = ["county_leader"] }
handler_roles = ["handler"]
[answers.open]
problem_fields = ["conduct"]
[answers.propose]
disposition = "case_filing"
class_reason = "给定期限"
opinion = "拟办理"
[answers.complete]
result = "unfounded"
summary = "已查"
[answers.archive]
retention = "permanent"
pages = 3
"""
OTHER_LOG = """who;what;when;file;opened;closed;due;owner;office;via
Ann;phoned;02/03/2016 10:00;7;01/03/2016 09:00;04/03/2016 16:00;03/03/2016 18:00;Bob;A;phone
Bob;wrote;03/03/2016 10:00;7;01/03/2016 09:00;04/03/2016 16:00;03/03/2016 18:00;Bob;A;phone
"""

FIGURES = (
    "started", "ended", "ended_late", "open", "open_overdue", "escalated_overdue", "archived", "events", "notes",
    "sweeps",
)  # fmt: skip


def figures(answer: dict[str, Any]) -> tuple[int, ...]:
    return tuple(answer[name] for name in FIGURES)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
