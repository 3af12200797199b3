"""`python -m services.serving.leash GRACE COMMAND…`: run a command that cannot outlive whoever holds the other
end of standard input.

The supervisor keeps the writing end of that pipe. When it dies, even by kill -9, the pipe closes; then, as on
SIGTERM, the command is asked to end, killed after GRACE seconds, and whatever it started is ended too: orphans
fall to this process (a "subreaper"), so none can slip away. Linux only.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from services.serving.signals import StopSignals

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LEFTOVER_GRACE = 2.0
"""Seconds that processes left behind by the command get between SIGTERM and SIGKILL."""

_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> int:
    """Run the command to its end or the holder's; its exit code, 128 + signal if it was killed."""
    grace, command = float(arguments[0]), arguments[1:]
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with StopSignals() as signals:
        # no threads here, so code may run between fork and exec
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)
        status = _watch(child.pid, grace, signals)
        _end_leftovers(signals)
    return status if status >= 0 else 128 - status


def _die_with_parent() -> None:
    """Even if the leash itself is killed, what it holds ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _watch(child: int, grace: float, signals: StopSignals) -> int:
    """Wait for the child; once told to stop, or let go, end it."""
    kill_at: float | None = None
    while (status := _reap().get(child)) is None:
        if kill_at is None:
            let_go = signals.wait(None, lifeline=sys.stdin.fileno())
            if let_go or signals.stopped:
                os.kill(child, signal.SIGTERM)
                kill_at = time.monotonic() + grace
        elif (left := kill_at - time.monotonic()) > 0:
            signals.wait(left)
        else:
            os.kill(child, signal.SIGKILL)
            signals.wait(1.0)
    return status


def _reap() -> dict[int, int]:
    """Exit codes of all children that have ended, adopted ones too, by process id."""
    ended: dict[int, int] = {}
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if process == 0:
            return ended
        ended[process] = os.waitstatus_to_exitcode(status)


def _end_leftovers(signals: StopSignals) -> None:
    """End what the command left: each that dies hands its own children to us, so this goes on until none is left."""
    kill_at = time.monotonic() + LEFTOVER_GRACE
    told: set[int] = set()
    while left := _children():
        late = time.monotonic() > kill_at
        for process in left if late else left - told:
            os.kill(process, signal.SIGKILL if late else signal.SIGTERM)
        told |= left
        signals.wait(0.1)
        _reap()


def _children() -> set[int]:
    """Ids of our living children, adopted ones too; ended ones have been waited for."""
    _reap()
    mine = os.getpid()
    return {int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _parent(folder) == mine}


def _parent(folder: Path) -> int | None:
    try:
        fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return None
    return int(fields[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
