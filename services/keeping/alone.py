"""Having a data folder to oneself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from services.keeping.errors import CannotBackUp, SourceInUse


@contextmanager
def unused(home: Path, why: str) -> Iterator[None]:
    """Keep web and clock of this data folder from starting; raise SourceInUse where they run, with the reason."""
    home.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home / "serve.lock", timeout=0), FileLock(home / "clock.lock", timeout=0):
            yield
    except Timeout:
        raise SourceInUse(f"duban serves {home}; end it first: {why}") from None


@contextmanager
def only_backup(home: Path) -> Iterator[None]:
    """One backup at a time, so that what an earlier one left behind is nobody's."""
    try:
        with FileLock(home / "backup.lock", timeout=0):
            yield
    except Timeout:
        raise CannotBackUp("another backup is being made; wait for it") from None
