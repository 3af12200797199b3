"""Figures for Prometheus: requests as this process saw them, all else from the database, the same in every process."""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.notifications.outbox import Waiting
from services.runs.figures import Figures

Read = Callable[[], tuple[Figures, Waiting] | None]
AGAIN_AFTER = 10.0
"""Seconds that counts are given again: whoever asks often costs the database no more."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
registry = CollectorRegistry()
ProcessCollector(registry=registry)
_SECONDS = Histogram(
    "duban_request_seconds", "Requests by route, until the answer was sent.", ["method", "route", "status"],
    buckets=_BUCKETS, registry=registry,
)  # fmt: skip


def measure(method: str, route: str | None, status: int | None, seconds: float) -> None:
    """Count one request. The route is the template, never the address: that may hold a receipt code."""
    known = method if method in _METHODS else "other"
    _SECONDS.labels(known, route or "none", str(status or "cut off")).observe(seconds)


class Measures(Collector):
    """The figures of one installation; the database is asked at most every `AGAIN_AFTER` seconds.

    `read` raises nothing: it returns None where the database does not answer. `now` is the present.
    """

    def __init__(self, read: Read, now: Callable[[], datetime]) -> None:
        self._read, self._now = read, now
        self._lock = threading.Lock()
        self._at = 0.0
        self._kept: tuple[Figures, Waiting] | None = None
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def exposition(self) -> bytes:
        """Write all there is in Prometheus's text format."""
        return generate_latest(registry) + generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: registering must not ask the database."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Make the figures of this moment."""
        found, now = self._look(), self._now()
        yield _gauge("duban_database_up", "Whether the database answers.", found is not None)
        if found is not None:
            figures, waiting = found
            yield from _work(figures)
            yield from _sweeping(figures, now)
            yield from _leaving(waiting, now)

    def _look(self) -> tuple[Figures, Waiting] | None:
        with self._lock:
            if self._kept is None or time.monotonic() - self._at > AGAIN_AFTER:
                self._kept, self._at = self._read(), time.monotonic()
            return self._kept


def _work(figures: Figures) -> Iterable[Metric]:
    names = {"open": "Open matters.", "soon": "Open matters due soon.", "overdue": "Open matters past their deadline."}
    for name, told in names.items():
        metric = GaugeMetricFamily(f"duban_matters_{name}", told, labels=["procedure"])
        for procedure, load in figures.loads.items():
            metric.add_metric([procedure], getattr(load, name))
        yield metric
    yield CounterMetricFamily("duban_rungs_fired", "Rungs of ladders fired, ever.", value=figures.rungs)
    yield _gauge("duban_rungs_unacknowledged", "Rungs nobody has acknowledged.", figures.unacknowledged)


def _sweeping(figures: Figures, now: datetime) -> Iterable[Metric]:
    watched = figures.watch
    age = _age(watched.swept_at, now)
    yield _gauge("duban_sweep_age_seconds", "Seconds since deadlines were last looked at; +Inf: never.", age)
    yield _gauge("duban_sweep_late", "Whether that is too long ago.", watched.overdue)
    yield _gauge("duban_sweep_paused", "Whether somebody paused the sweep.", watched.paused is not None)
    yield _gauge("duban_time_wrong", "Whether the machine's clock cannot be right.", watched.time_wrong is not None)
    yield _gauge("duban_matters_set_aside", "Matters that could not be served.", watched.set_aside)
    yield _gauge("duban_clock_alive", "Whether the clock shows signs of life.", watched.clock_alive)
    metric = GaugeMetricFamily("duban_flow_success_age_seconds", "Seconds since a flow succeeded.", labels=["flow"])
    for flow, at in sorted(figures.flows.items()):
        metric.add_metric([flow], _age(at, now))
    yield metric


def _leaving(waiting: Waiting, now: datetime) -> Iterable[Metric]:
    yield _gauge("duban_outbox_copies", "Mail and chat copies that have not left.", waiting.copies)
    yield _gauge("duban_outbox_failing", "Of these, how many were tried in vain.", waiting.failed)
    age = _age(waiting.since, now) if waiting.since else 0.0
    yield _gauge("duban_outbox_age_seconds", "Seconds since the oldest of these was written.", age)


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=float(value))


def _age(at: datetime | None, now: datetime) -> float:
    return (now - at).total_seconds() if at else float("inf")
