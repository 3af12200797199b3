"""Clocks: rows that hold a budget and its ledger, and the one place their dates are derived."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Any

from config.calendar import WorkingCalendar, end_of_day, local_date, start_of_day
from services.engine.errors import ExtensionRefused, Unmeasured
from statemachines.kit.periods import Budget, Due, Extension, Suspension, Unit, compute_due, rung_date
from statemachines.kit.policy import GIVEN, ClockRule, Rung

RUNNING, SUSPENDED, STOPPED = "running", "suspended", "stopped"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Term:
    """How long: a budget, the key it was chosen by, and the date or instant that the action names, if it does."""

    budget: str
    key: str | None = None
    given: date | datetime | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """More time asked for: a budget ("1 month"), why, and by whom."""

    amount: str
    reason: str
    by: int | None


def start(
    name: str, anchor: date, term: Term, rule: ClockRule, calendar: WorkingCalendar, now: datetime, *, duty: bool
) -> dict[str, Any]:
    """Return the row of a clock that starts now; raise Unmeasured where no due date can be computed."""
    row = {
        "name": name, "duty": duty, "state": RUNNING, "anchor": anchor, "started_at": now, "stopped_at": None,
        "outcome": None, "rungs_fired": 0, "ledger": _empty_ledger(), **_term_columns(term, anchor),
    }  # fmt: skip
    return row | derive(row, rule, calendar)


def derive(row: Row, rule: ClockRule, calendar: WorkingCalendar) -> dict[str, Any]:
    """Return the projections of a clock: dates, the next rung, whether provisional. Nothing runs while suspended."""
    due = explain(row, rule, calendar)
    runs = row["state"] == RUNNING and due.effective is not None
    return {
        "nominal_due": due.nominal,
        "effective_due": due.effective,
        "due_at": _due_at(row, due) if runs else None,
        "next_rung_at": next_rung_at(row, due.effective, rule, calendar) if runs else None,
        "provisional": due.provisional,
        "calendar_version": calendar.version,
    }


def explain(row: Row, rule: ClockRule, calendar: WorkingCalendar) -> Due:
    """Compute a clock's dates from its budget and ledger, with the explanation to show and print."""
    ledger = row["ledger"]
    try:
        return _compute_due(
            row["anchor"],
            _budget_of(row),
            calendar,
            roll=rule.roll,
            extensions=tuple(_extension(e) for e in ledger["extensions"]),
            suspensions=tuple(_suspension(s) for s in ledger["suspensions"]),
            rule=f"{rule.title}（{rule.source}）",
        )
    except ValueError as error:
        raise Unmeasured(f"clock {row['name']}: {error}") from error


_compute_due, _rung_date = lru_cache(maxsize=1024)(compute_due), lru_cache(maxsize=1024)(rung_date)
"""Most periods of a county begin on the same few days under the same few rules."""
parse_budget = lru_cache(maxsize=256)(Budget.parse)


def next_rung_at(row: Row, effective: date | None, rule: ClockRule, calendar: WorkingCalendar) -> datetime | None:
    """Return when the first rung not yet fired falls due: the start of its working day."""
    days = [] if effective is None else _rung_days(row, effective, rule, calendar)
    return start_of_day(days[0][1]) if days else None


def due_rungs(row: Row, rule: ClockRule, calendar: WorkingCalendar, now: datetime) -> list[tuple[Rung, date]]:
    """Return every unfired rung whose day has come, in the order of the ladder."""
    today = local_date(now)
    return [(rung, day) for rung, day in _rung_days(row, row["effective_due"], rule, calendar) if day <= today]


def _rung_days(row: Row, effective: date, rule: ClockRule, calendar: WorkingCalendar) -> list[tuple[Rung, date]]:
    """Date every unfired rung; they fire in order, so none comes before the one above it."""
    unfired = rule.ladder[row["rungs_fired"] :]
    try:
        days = accumulate((_rung_date(rung.offset, effective, calendar) for rung in unfired), max)
        return list(zip(unfired, days, strict=True))
    except ValueError as error:
        raise Unmeasured(f"clock {row['name']}: {error}") from error


def stop(row: Row, now: datetime) -> dict[str, Any]:
    """Stop a clock; `outcome` says late or on_time, and what was late once stays late."""
    late = bool(row["ledger"]["late"]) or is_overdue(row, now)
    return _ended(now, "late" if late else "on_time")


def waive(now: datetime) -> dict[str, Any]:
    return _ended(now, "waived")


def cancel(now: datetime) -> dict[str, Any]:
    """The step that started it was withdrawn."""
    return _ended(now, "withdrawn")


def is_overdue(row: Row, now: datetime) -> bool:
    """True from the instant the period is over; a date counts to the end of its day in Shanghai."""
    return row["due_at"] is not None and now > row["due_at"]


def rebudget(row: Row, term: Term, rule: ClockRule, calendar: WorkingCalendar, now: datetime) -> dict[str, Any]:
    """Give a running clock another budget from its own anchor; what was late before stays on record."""
    before = {"budget": row["budget"], "effective_due": _iso(row["effective_due"]), "at": now.isoformat()}
    ledger = with_lateness(row, now)
    ledger = {**ledger, "history": [*ledger["history"], before]}
    changed = {"ledger": ledger, **_term_columns(term, row["anchor"])}
    return changed | derive({**row, **changed}, rule, calendar)


def recompute(row: Row, derived: Row, now: datetime) -> dict[str, Any]:
    """Return the columns of a clock whose dates were derived anew; what is late already stays so where they move."""
    moves = row["due_at"] != derived["due_at"]
    return {"ledger": with_lateness(row, now) if moves else row["ledger"], **derived}


def ask_extension(
    row: Row, request: Request, rule: ClockRule, calendar: WorkingCalendar, now: datetime
) -> dict[str, Any]:
    """Put a request on the ledger; raise ExtensionRefused where it could not be granted anyway."""
    _refuse_extension(row, Budget.parse(request.amount), rule, calendar, now)
    asked_on = local_date(now).isoformat()
    requested = {"budget": request.amount, "reason": request.reason, "asked_by": request.by, "asked_on": asked_on}
    return {"ledger": {**row["ledger"], "requested": requested}}


def grant_extension(
    row: Row, by: int | None, rule: ClockRule, calendar: WorkingCalendar, now: datetime
) -> dict[str, Any]:
    """Extend from the nominal date, while the period still runs."""
    requested = row["ledger"]["requested"]
    _refuse_extension(row, Budget.parse(requested["budget"]), rule, calendar, now)
    granted = {**requested, "approved_by": by, "approved_at": now.isoformat()}
    ledger = {**row["ledger"], "requested": None, "extensions": [*row["ledger"]["extensions"], granted]}
    return {"ledger": ledger, **derive({**row, "ledger": ledger}, rule, calendar)}


def refuse_extension(row: Row) -> dict[str, Any]:
    return {"ledger": {**row["ledger"], "requested": None}}


def suspend(
    row: Row, reason: str, by: int | None, rule: ClockRule, calendar: WorkingCalendar, now: datetime
) -> dict[str, Any]:
    """Let a clock stand still from today on."""
    ledger = with_lateness(row, now)
    entry = {"start": local_date(now).isoformat(), "end": None, "reason": reason, "by": by}
    changed = {"state": SUSPENDED, "ledger": {**ledger, "suspensions": [*ledger["suspensions"], entry]}}
    return changed | derive({**row, **changed}, rule, calendar)


def resume(row: Row, rule: ClockRule, calendar: WorkingCalendar, now: datetime) -> dict[str, Any]:
    """Let it run on; the days from the suspension's first to the day before today do not count."""
    *before, last = row["ledger"]["suspensions"]
    ledger = {**row["ledger"], "suspensions": [*before, {**last, "end": local_date(now).isoformat()}]}
    changed = {"state": RUNNING, "ledger": ledger}
    return changed | derive({**row, **changed}, rule, calendar)


def earliest_due(rows: Iterable[Row]) -> datetime | None:
    """Return the earliest end among running clocks: what lists sort a matter by."""
    return min((r["due_at"] for r in rows if r["state"] == RUNNING and r["due_at"]), default=None)


def _refuse_extension(row: Row, amount: Budget, rule: ClockRule, calendar: WorkingCalendar, now: datetime) -> None:
    if rule.extension is None or row["state"] != RUNNING:
        raise ExtensionRefused("not_running", f"clock {row['name']} cannot be extended", "该时限不可延期")
    if is_overdue(row, now):
        raise ExtensionRefused("expired", "the period is over: ask before it ends", "期限已过，不能再申请或批准延期")
    if len(row["ledger"]["extensions"]) >= rule.extension.times:
        raise ExtensionRefused(
            "used_up", f"at most {rule.extension.times} extension(s)", f"最多延期{rule.extension.times}次"
        )
    at_most = _cap(row, rule.extension.at_most)
    if _reach(row, amount, calendar) > _reach(row, at_most, calendar):
        raise ExtensionRefused("too_much", f"at most {at_most}", f"一次最多延长{at_most.zh}")


def _cap(row: Row, at_most: str) -> Budget:
    if at_most != "same as budget":
        return Budget.parse(at_most)
    own = _budget_of(row)
    return own if isinstance(own, Budget) else Budget(max((own - row["anchor"]).days, 1), Unit.DAY)


def _reach(row: Row, amount: Budget, calendar: WorkingCalendar) -> date:
    try:
        due = compute_due(row["nominal_due"], amount, calendar)
    except ValueError as error:
        raise ExtensionRefused("too_much", f"{error}", "申请延长的时间过长，无法计算到期日") from error
    assert due.nominal is not None  # nothing is suspended here
    return due.nominal


def _term_columns(term: Term, anchor: date) -> dict[str, Any]:
    if term.budget != GIVEN:
        return {"budget": term.budget, "budget_key": term.key, "given_at": None}
    if term.given is None:
        raise Unmeasured("the date given is missing", "“限时”件须填写限办日期")
    try:
        at = term.given if isinstance(term.given, datetime) else end_of_day(term.given)
        last_day = local_date(at - timedelta(microseconds=1))
    except OverflowError as error:
        raise Unmeasured(f"{term.given} is beyond every calendar", "限办日期超出可计算的范围") from error
    if last_day < anchor:
        raise Unmeasured(f"the date given lies before {anchor}", f"限办日期不得早于起算日{anchor}")
    return {"budget": GIVEN, "budget_key": term.key, "given_at": at}


def _budget_of(row: Row) -> Budget | date:
    if row["budget"] != GIVEN:
        return parse_budget(row["budget"])
    return local_date(row["given_at"] - timedelta(microseconds=1))


def _due_at(row: Row, due: Due) -> datetime:
    """A given instant is kept to the second; everything else ends with its day."""
    assert due.effective is not None
    ledger = row["ledger"]
    if row["budget"] == GIVEN and not ledger["extensions"] and not ledger["suspensions"]:
        return row["given_at"]  # type: ignore[no-any-return]
    return end_of_day(due.effective)


def _empty_ledger() -> dict[str, Any]:
    return {"extensions": [], "suspensions": [], "requested": None, "history": [], "late": []}


def with_lateness(row: Row, now: datetime) -> dict[str, Any]:
    """Return the ledger; what is late already stays so on it, whatever becomes of the dates."""
    ledger: dict[str, Any] = row["ledger"]
    if not is_overdue(row, now):
        return ledger
    return {
        **ledger,
        "late": [*ledger["late"], {"due": _iso(row["effective_due"]), "noted": now.isoformat()}],
    }


def _ended(now: datetime, outcome: str) -> dict[str, Any]:
    return {"state": STOPPED, "stopped_at": now, "outcome": outcome, "next_rung_at": None}


def _extension(entry: Mapping[str, Any]) -> Extension:
    return Extension(
        Budget.parse(entry["budget"]),
        entry["reason"],
        str(entry["approved_by"]),
        date.fromisoformat(entry["asked_on"]),
    )


def _suspension(entry: Mapping[str, Any]) -> Suspension:
    end = entry["end"]
    return Suspension(date.fromisoformat(entry["start"]), date.fromisoformat(end) if end else None, entry["reason"])


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
