"""Clients in threads of a few processes, as a web server has them, all let go at one moment; and what they took."""

import gc
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from threading import BrokenBarrierError
from typing import Any

Operation = Callable[[], Any]
"""One piece of work; it raises `Exhausted` when there is nothing left to do."""


WARM_UP = 4
"""Operations of each client before the clock runs: statements are compiled and prepared once, in the first of them."""


class Exhausted(Exception):
    """A client has done all that was prepared for it."""


@dataclass(frozen=True)
class Sample:
    """What some clients did at once: how long each piece took, in seconds, and all of it together."""

    took: tuple[float, ...]
    elapsed: float
    pieces: int | None = None

    @property
    def rate(self) -> float:
        """Pieces a second; one measured operation may be many pieces (a sweep of a thousand)."""
        return (len(self.took) if self.pieces is None else self.pieces) / self.elapsed

    def percentile(self, share: float) -> float:
        """Milliseconds that this share of operations did not exceed."""
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def merge(samples: Sequence[Sample]) -> Sample:
    """All operations together; the rate is that of the middle round, which one disturbed round does not move."""
    rate = statistics.median(sample.rate for sample in samples)
    took = tuple(t for sample in samples for t in sample.took)
    return Sample(took, 1.0, round(rate)) if rate >= 100 else Sample(took, 100.0, round(rate * 100))


def race(client: Callable[[int], Operation], clients: int, seconds: float, warm_up: int = WARM_UP) -> Sample:
    """Run `client(n)`'s operation over and over for that long, in threads of as many processes as there are processors.

    The processes are forked, so what was prepared before is shared; each client opens its own connection.
    """
    context = multiprocessing.get_context("fork")
    processes = min(clients, os.cpu_count() or 1)
    barrier = context.Barrier(clients)
    gc.collect()
    gc.freeze()  # else each child copies what it inherits on its first collection
    runners, ends = [], []
    for first in range(processes):
        mine, theirs = context.Pipe(duplex=False)
        numbers = range(first, clients, processes)
        runners.append(context.Process(target=_run, args=(client, numbers, barrier, (seconds, warm_up), theirs)))
        runners[-1].start()
        theirs.close()
        ends.append(mine)
    received = [_receive(mine) for mine in ends]
    for runner in runners:
        runner.join()
    gc.unfreeze()
    # those who waited for whoever failed fail as well
    if errors := sorted((e for one in received for e in one.errors), key=lambda e: isinstance(e, BrokenBarrierError)):
        raise errors[0]
    results = [run for one in received for run in one.runs]
    elapsed = max(run.ended for run in results) - min(run.started for run in results)
    return Sample(tuple(took for run in results for took in run.took), elapsed)


@dataclass
class _Run:
    """What one client did, by the clock that all processes share."""

    took: list[float] = field(default_factory=list)
    started: float = 0.0
    ended: float = 0.0


@dataclass
class _Told:
    """What the clients of one process did, or what they failed of."""

    runs: list[_Run] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)


def _receive(end: Connection) -> _Told:
    try:
        return end.recv()  # type: ignore[no-any-return]
    except EOFError:
        raise RuntimeError("a client ended without a result; its error is above") from None


def _run(
    client: Callable[[int], Operation], numbers: Iterable[int], barrier: Any, how: tuple[float, int], end: Connection
) -> None:
    told = _Told()

    def alone(number: int) -> None:
        try:
            told.runs.append(_repeat(client(number), barrier, *how))
        except BaseException as error:
            told.errors.append(error)
            barrier.abort()

    with ThreadPoolExecutor(len(list(numbers))) as pool:
        list(pool.map(alone, numbers))
    end.send(told)


def _repeat(operation: Operation, barrier: Any, seconds: float, warm_up: int) -> _Run:
    for _ in range(warm_up):
        operation()
    barrier.wait(60)
    run = _Run(started=time.perf_counter())
    before, until = run.started, run.started + seconds
    while before < until:
        try:
            operation()
        except Exhausted:
            break
        now = time.perf_counter()
        run.took.append(now - before)
        before = now
    run.ended = before
    return run


def timed(work: Callable[[], int]) -> Sample:
    """Run one long piece of work; it returns how many pieces it did."""
    started = time.perf_counter()
    pieces = work()
    elapsed = time.perf_counter() - started
    return Sample((elapsed,), elapsed, pieces)
