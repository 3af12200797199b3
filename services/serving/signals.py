"""Being told to stop, without a handler that interrupts anything: the signal is a byte in a pipe to wait on."""

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Self

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopSignals:
    """While entered (main thread only), SIGTERM, Ctrl-C and a closed terminal set `stopped` and wake `wait`.

    The end of a child process wakes `wait` as well. A SIGHUP that was ignored (nohup) stays ignored.
    """

    def __init__(self) -> None:
        self.stopped = False

    def __enter__(self) -> Self:
        self._awake, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        stopping = [number for number in STOPPING if not (ignored and number is signal.SIGHUP)]
        self._before = {number: signal.signal(number, self._stop) for number in stopping}
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _only_wake)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._awake)
        os.close(self._write)

    def wait(self, seconds: float | None, lifeline: int | None = None) -> bool:
        """Wait for a signal, for `lifeline` to be closed at its other end, or for `seconds` (None: for ever).

        True if the lifeline was closed.
        """
        watched = [self._awake] if lifeline is None else [self._awake, lifeline]
        ready, _, _ = select.select(watched, [], [], seconds)
        if self._awake in ready:
            os.read(self._awake, 4096)
        return lifeline is not None and lifeline in ready

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopped = True


def _only_wake(_number: int, _frame: FrameType | None) -> None:
    """A signal without a handler would not write to the wake-up pipe."""
