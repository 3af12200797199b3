"""The table: every row can be read by APScheduler and by Prefect, and points at something that exists."""

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from config.calendar import SHANGHAI
from flows.schedule import SCHEDULE, Scheduled

ROOT = Path(__file__).parents[2]
HOURLY = Scheduled("hourly", "每小时", "json:dumps", "0 * * * *", timedelta(hours=2))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def of_name(name: str) -> Scheduled:
    return next(item for item in SCHEDULE if item.name == name)


def test_every_flow_the_product_needs_is_in_it_once() -> None:
    assert sorted(item.name for item in SCHEDULE) == [
        "anchor_journal",
        "back_up",
        "clear_uploads",
        "close_periods",
        "deliver_notifications",
        "draw_samples",
        "escalate_overdue",
        "open_obligations",
        "propose_candidates",
        "refresh_calendar",
        "verify_journal",
    ]


@pytest.mark.parametrize("item", SCHEDULE, ids=lambda item: item.name)
def test_days_of_the_week_are_named_and_the_time_is_local(item: Scheduled) -> None:
    weekdays = item.cron.split()[4]
    assert not any(letter.isdigit() for letter in weekdays), "APScheduler and cron number weekdays differently"
    following = item.trigger().get_next_fire_time(None, at("2026-03-01T12:00"))
    assert following is not None
    assert following.utcoffset() == timedelta(hours=8)
    assert item.grace > timedelta(0)


@pytest.mark.parametrize("item", SCHEDULE, ids=lambda item: item.name)
def test_the_plain_function_and_the_flow_exist(item: Scheduled) -> None:
    assert callable(item.load_work())
    assert item.load_flow().name == item.name.replace("_", "-")


def test_clock_and_plain_functions_do_without_prefect() -> None:
    code = (
        "import sys, flows.clock\n"
        "for item in flows.clock.SCHEDULE: item.load_work()\n"
        "sys.exit(any(name.split('.')[0] == 'prefect' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60).returncode == 0


def test_the_sweep_comes_round_within_ten_minutes_day_and_night() -> None:
    trigger, moment = of_name("escalate_overdue").trigger(), at("2026-02-28T00:00")
    while moment < at("2026-03-02T00:00"):
        following = trigger.get_next_fire_time(None, moment)
        assert following is not None and following - moment <= timedelta(minutes=10)
        moment = following + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2026-03-01T12:00:00", "2026-03-01T12:00"),
        ("2026-03-01T12:59:59", "2026-03-01T12:00"),
        ("2026-03-01T13:00:00", "2026-03-01T13:00"),
    ],
)
def test_a_run_belongs_to_the_latest_slot_before_it(now: str, slot: str) -> None:
    assert HOURLY.last_slot(at(now)) == at(slot)


def test_there_is_no_slot_further_back_than_the_grace() -> None:
    monthly = Scheduled("monthly", "每月", "json:dumps", "5 6 1 * *", timedelta(days=7))
    assert monthly.last_slot(at("2026-03-08T06:04")) == at("2026-03-01T06:05")
    assert monthly.last_slot(at("2026-03-08T06:06")) is None


def test_a_slot_is_missed_when_it_passed_unrun() -> None:
    assert HOURLY.missed_since(None, at("2026-03-01T12:30"))
    assert HOURLY.missed_since(at("2026-03-01T11:00"), at("2026-03-01T12:00"))
    assert not HOURLY.missed_since(at("2026-03-01T12:00"), at("2026-03-01T12:59"))
    assert not HOURLY.missed_since(at("2026-03-01T12:07"), at("2026-03-01T12:59")), "run by hand in between"
