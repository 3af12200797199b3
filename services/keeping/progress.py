"""How long work tells how far it is."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Called with what is counted and how many there are; gives what is to be called with how many more are done."""


@contextmanager
def silent(_label: str, _total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Tell nobody."""
    yield lambda _: None
