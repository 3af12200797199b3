"""Draws: about 30 % of a month's clean letter-inquiry replies, and twice a year the quality of what was completed.

Sources: 通城 2016（三）5 and 6 (M68, M70). The draw is seeded, logged and can be made again from its row. The day of a
half-year's quality sample is fixed by the installation's key: no table announces it, and nobody can move it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config.calendar import local_date, start_of_day
from services.db.upsert import insert_missing
from services.engine.core import Engine, engine_for
from services.engine.errors import NotPermitted
from services.engine.models import Clock, Entry, Matter
from services.engine.opening import Parent, open_matter
from services.identity.access import CLOCK, Actor
from services.identity.models import Unit
from services.runtime import Runtime
from services.sampling.models import Sample
from statemachines.kit.figures import draw, sample_size

CLEAN_REPLY, QUALITY = "clean_reply", "quality"
_SETTING = {CLEAN_REPLY: "clean_reply_sample", QUALITY: "quality_sample"}


@dataclass(frozen=True, slots=True)
class Period:
    """What a draw is about: its name, its first day, and the day after its last."""

    kind: str
    name: str
    first: date
    after: date


def draw_due_samples(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Draw every sample whose day has come and that was not drawn yet; open a spot check for each item drawn.

    Returns {"due", "drawn", "skipped", "checks", "samples": {"kind period": "n of m"}}; safe to repeat and to kill.
    """
    engine = engine_for(runtime)
    result: dict[str, Any] = {"due": 0, "drawn": 0, "skipped": 0, "checks": 0, "samples": {}}
    for period in _due(engine, local_date(now)):
        with runtime.database.write() as session:
            made = _draw(session, engine, period, now)
        result["due"] += 1
        result["skipped" if made is None else "drawn"] += 1
        if made is not None:
            result["checks"] += len(made["drawn"])
            result["samples"][f"{period.kind} {period.name}"] = f"{len(made['drawn'])} of {len(made['population'])}"
    return result


def list_samples(session: Session, engine: Engine, actor: Actor) -> list[Sample]:
    """Return all draws, latest first, for those who may see spot checks of the whole county; else NotPermitted."""
    viewers = engine.registry.versions("spot_check")[-1].policy.viewers
    if not actor.roles_at(_root(session).path) & viewers:
        raise NotPermitted("samples are for those who supervise the whole county", "您没有查看抽样记录的权限")
    return list(session.scalars(select(Sample).order_by(Sample.id.desc())))


def redraw(sample: Sample) -> list[str]:
    """Make a draw again from what its row holds; it must equal `sample.drawn`."""
    return draw(sample.population, sample_size(len(sample.population), sample.ratio), sample.seed)


def _due(engine: Engine, today: date) -> Iterator[Period]:
    this_month = today.replace(day=1)
    last_month = this_month - relativedelta(months=1)
    yield Period(CLEAN_REPLY, f"{last_month:%Y-%m}", last_month, this_month)
    for half in (_half(today), _half(_half(today).first - timedelta(days=1))):
        if today >= _day_of(engine, half):
            yield half


def _half(day: date) -> Period:
    first = date(day.year, 1 if day.month <= 6 else 7, 1)
    return Period(QUALITY, f"{day.year}-H{1 if day.month <= 6 else 2}", first, first + relativedelta(months=6))


def _day_of(engine: Engine, half: Period) -> date:
    """Return a working day in the second half of the half-year, known to the key alone."""
    (mark, *_) = engine.vault.digests(half.name, "quality sample day")
    spread = int.from_bytes(mark.encode()[:6], "big") % 80
    return engine.calendar.next_workday(half.first + timedelta(days=95 + spread))


def _draw(session: Session, engine: Engine, period: Period, now: datetime) -> dict[str, Any] | None:
    """Draw one period inside the transaction; None where it was drawn before or by somebody faster."""
    petitions = _clean_replies(session, period) if period.kind == CLEAN_REPLY else _completed(session, period)
    ratio = str(engine.registry.current("petition", period.first).policy.setting(_SETTING[period.kind]))
    seed = f"{period.kind} {period.name} {engine.vault.digests(period.name, period.kind)[0]}"
    drawn = draw(sorted(petitions), sample_size(len(petitions), ratio), seed)
    row = {
        "kind": period.kind, "period": period.name, "seed": seed, "ratio": ratio, "population": sorted(petitions),
        "drawn": drawn, "figures": _figures(session, period), "made_at": now,
    }  # fmt: skip
    if not insert_missing(session, Sample, [row], ["kind", "period"], [Sample.id]):
        return None
    for number in drawn:
        _open_check(session, engine, period, number, petitions[number], now)
    return row


def _open_check(session: Session, engine: Engine, period: Period, number: str, matter_id: int, now: datetime) -> None:
    answers = {
        "summary": f"抽查核实：{number}", "kind": period.kind, "subject": matter_id,
        "drawn_on": local_date(now).isoformat(), "sample": f"{period.kind} {period.name}",
    }  # fmt: skip
    parent = Parent(matter_id, "checks")
    open_matter(engine, session, "spot_check", answers, CLOCK, now, unit_id=_root(session).id, parent=parent)


def _clean_replies(session: Session, period: Period) -> dict[str, int]:
    """Numbers and ids of petitions whose reply in this period says "no problem" and still stands."""
    replied = (
        select(Matter.number, Matter.id, Matter.record)
        .where(Matter.id.in_(_acted(period, ["record_reply"])))
        .order_by(Matter.id)
    )
    return {
        number: matter_id
        for number, matter_id, record in session.execute(replied)
        if record["steps"].get("record_reply", {}).get("answers", {}).get("no_problem")
    }


def _completed(session: Session, period: Period) -> dict[str, int]:
    rows = session.execute(
        select(Matter.number, Matter.id, Matter.record).where(Matter.id.in_(_acted(period, ["complete"])))
    )
    return {number: matter_id for number, matter_id, record in rows if "complete" in record["steps"]}


def _acted(period: Period, actions: list[str]) -> Any:
    span = Entry.at >= start_of_day(period.first), Entry.at < start_of_day(period.after)
    return select(Entry.matter_id).where(Entry.action.in_(actions), *span)


def _figures(session: Session, period: Period) -> dict[str, Any]:
    """Completion on the day of the draw: petitions registered in the period, completed, completed late."""
    within = Matter.procedure == "petition", Matter.event_on >= period.first, Matter.event_on < period.after
    registered = session.scalar(select(func.count()).select_from(Matter).where(*within)) or 0
    stopped = (
        select(Clock.outcome, func.count())
        .join(Matter, Matter.id == Clock.matter_id)
        .where(*within, Clock.name == "handling", Clock.state == "stopped")
        .group_by(Clock.outcome)
    )
    outcomes = dict(session.execute(stopped).tuples().all())
    return {"registered": registered, "on_time": outcomes.get("on_time", 0), "late": outcomes.get("late", 0)}


def _root(session: Session) -> Unit:
    return session.scalars(select(Unit).where(Unit.parent_id.is_(None))).one()
