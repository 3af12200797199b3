"""`duban backup`, `duban restore`, `duban backup-key`, `duban db copy`."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.keeping.backing import back_up
from services.runtime import runtime
from tests.support.cast import County


def test_a_backup_restores_into_the_place_the_settings_name(
    home_county: County, answer: Callable[..., Any], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home_county.walk("accept", "propose")
    made = answer("backup-key", str(tmp_path / "age.key"))
    file, opens = str(tmp_path / "b.age"), ("--identity", str(tmp_path / "age.key"))
    written = answer("backup", file, "--recipient", made["recipient"], "--verify", *opens)
    assert (written["verified"]["ok"], written["encrypted"]) == (True, True)
    runtime().database.close()
    runtime.cache_clear()
    shutil.rmtree(home)
    assert answer("restore", file, "--check", *opens)["ok"]
    assert not (home / "duban.db").exists()
    assert answer("restore", file, *opens)["key_from"] == "backup"
    assert answer("journal", "verify")["entries"] == 3


def test_what_is_refused_is_one_line(home_county: County, refusal: Callable[..., str], tmp_path: Path) -> None:
    back_up(runtime(), tmp_path / "b.tar.gz", home_county.now)
    assert "target_not_empty" in refusal("restore", str(tmp_path / "b.tar.gz"))
    assert "--identity" in refusal("backup", str(tmp_path / "c"), "--recipient", "age1x", "--verify")
    assert "wrong_database" in refusal("db", "copy", "--to", f"sqlite:///{tmp_path}/x.db")


def test_a_missing_file_is_told_with_exit_code_1(
    home_county: County, duban: Callable[..., Any], tmp_path: Path
) -> None:
    with home_county.database.write() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO attachment VALUES (1, NULL, 'ab12', 'a.txt', 1, 'text/plain', 1, '2026-01-01 00:00:00.000000')"
        )
    result = duban("backup", str(tmp_path / "b.tar.gz"))
    assert result.exit_code == 1
    assert "ab12" in result.stdout
