"""Bringing the table to Prefect: what is said where that cannot be done. What it does: tests/machines."""

import subprocess
import sys
from pathlib import Path

from flows.deploying import TIMEZONE
from flows.schedule import SCHEDULE

ROOT = Path(__file__).parents[2]


def test_a_server_that_does_not_answer_is_a_sentence_and_an_exit_code() -> None:
    environ = {
        "DUBAN_DATABASE_URL": "postgresql://nowhere/duban",
        "DUBAN_PREFECT_API_URL": "http://127.0.0.1:1/api",
        "DUBAN_PREFECT_AUTH": "duban:hunter2",
    }
    made = subprocess.run(
        [sys.executable, "-m", "flows.deploying"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert (made.returncode, made.stdout) == (2, "")
    assert made.stderr.startswith("duban: prefect_unreachable: ") and "check DUBAN_PREFECT_API_URL" in made.stderr
    assert "hunter2" not in made.stderr


def test_prefect_reads_every_line_of_the_table_as_the_clock_does() -> None:
    code = (
        "import sys\n"
        "from datetime import datetime, UTC\n"
        "import anyio\n"
        "from prefect.server.schemas.schedules import CronSchedule\n"
        "from flows.schedule import SCHEDULE\n"
        "now = datetime(2026, 3, 1, tzinfo=UTC)\n"
        "for item in SCHEDULE:\n"
        f"    theirs = CronSchedule(cron=item.cron, timezone={TIMEZONE!r})\n"
        "    (first,) = anyio.run(theirs.get_dates, 1, now)\n"
        "    assert first == item.next_slot(now), (item.name, first)\n"
        "print(len(SCHEDULE))\n"
    )
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.stdout.strip() == str(len(SCHEDULE)), made.stderr
