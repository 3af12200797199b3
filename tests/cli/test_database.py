"""`duban db`."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import inspect

from services.identity.models import Unit
from services.migrations import head, is_current
from services.runtime import runtime
from tests.support.cast import County


def test_upgrade_makes_the_database_and_the_key_file(answer: Callable[..., Any], home: Path) -> None:
    assert answer("db", "upgrade") == {"before": None, "after": head(), "changed": True}
    assert is_current(runtime().database)
    assert stat.S_IMODE((home / "secret.key").stat().st_mode) == 0o600


def test_upgrading_again_keeps_everything(answer: Callable[..., Any], home_county: County, home: Path) -> None:
    key = (home / "secret.key").read_bytes()
    assert answer("db", "upgrade") == {"before": head(), "after": head(), "changed": False}
    assert (home / "secret.key").read_bytes() == key
    assert _units() == len(home_county.units)


def test_reset_empties_once_the_packs_key_was_typed(duban: Callable[..., Any], home_county: County) -> None:
    done = duban("db", "reset", typed="tongcheng\n")
    assert done.exit_code == 0, done.output
    assert (_units(), is_current(runtime().database)) == (0, True)


def test_reset_does_nothing_when_anything_else_is_typed(refusal: Callable[..., str], home_county: County) -> None:
    assert "bad_argument: that is not the pack's key; nothing was deleted" in refusal("db", "reset", typed="yes\n")
    assert _units() == len(home_county.units)


def test_reset_also_drops_what_an_older_version_left(answer: Callable[..., Any], home_county: County) -> None:
    with runtime().database.write() as session:
        session.connection().exec_driver_sql("CREATE TABLE left_over (id INTEGER)")
    assert answer("db", "reset", "--yes")["after"] == head()
    assert not inspect(runtime().database.engine).has_table("left_over")


def _units() -> int:
    with runtime().database.read() as session:
        return session.query(Unit).count()
