"""Clients in processes of their own, all let go at one moment, and what they took."""

import gc
import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
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


def race(client: Callable[[int], Operation], clients: int, seconds: float) -> Sample:
    """Run `client(n)`'s operation over and over in `clients` processes for that long.

    The process is forked, so what was prepared before is shared; `client` opens its own connection.
    """
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(clients)
    gc.collect()
    gc.freeze()  # else each child copies what it inherits on its first collection
    ends = [context.Pipe(duplex=False) for _ in range(clients)]
    runners = [context.Process(target=_run, args=(client, n, barrier, seconds, end)) for n, (_, end) in enumerate(ends)]
    for runner in runners:
        runner.start()
    for _, end in ends:
        end.close()
    results = [_receive(mine) for mine, _ in ends]
    for runner in runners:
        runner.join()
    gc.unfreeze()
    first, last = min(r[1] for r in results), max(r[2] for r in results)
    return Sample(tuple(t for took, _, _ in results for t in took), last - first)


def _receive(end: Connection) -> tuple[list[float], float, float]:
    try:
        result = end.recv()
    except EOFError:
        raise RuntimeError("a client ended without a result; its error is above") from None
    if isinstance(result, BaseException):
        raise result
    return result


def _run(client: Callable[[int], Operation], number: int, barrier: Any, seconds: float, end: Connection) -> None:
    took: list[float] = []
    try:
        operation = client(number)
        for _ in range(WARM_UP):
            operation()
        barrier.wait(60)
        started = before = time.perf_counter()
        until = started + seconds
        while before < until:
            try:
                operation()
            except Exhausted:
                break
            now = time.perf_counter()
            took.append(now - before)
            before = now
        end.send((took, started, before))
    except BaseException as error:
        barrier.abort()
        end.send(error if isinstance(error, Exception) else RuntimeError(repr(error)))


def timed(work: Callable[[], int]) -> Sample:
    """Run one long piece of work; it returns how many pieces it did."""
    started = time.perf_counter()
    pieces = work()
    elapsed = time.perf_counter() - started
    return Sample((elapsed,), elapsed, pieces)
