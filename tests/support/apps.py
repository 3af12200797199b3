"""One API application for all tests of a process: putting it together takes longer than most of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from unittest.mock import patch

from fastapi import FastAPI

from services.api.app import application


@cache
def _application(_which: str) -> FastAPI:
    return application()


@contextmanager
def put_together_already(which: str = "of one test") -> Iterator[None]:
    """Meanwhile `create_app` puts what it is given behind that application; whatever was behind it before is gone.

    There is one for each word: what outlasts a test has another.
    """
    app = _application(which)
    with patch("services.api.app.application", lambda: app):
        yield
