"""A process gets its database and keys from its settings."""

from pathlib import Path

import pytest
from sqlalchemy import text

from config.settings import load_settings
from services import runtime as module
from services.identity.errors import SecretFileUnusable
from services.identity.sealing import Vault


def test_the_first_start_makes_folder_database_and_keys(tmp_path: Path) -> None:
    made = module.make_runtime(load_settings({"DUBAN_HOME": str(tmp_path / "var")}))
    with made.database.write() as session:
        session.execute(text("CREATE TABLE thing (id INTEGER)"))
    made.database.close()
    assert {entry.name for entry in (tmp_path / "var").iterdir()} >= {"duban.db", "secret.key"}
    again = module.make_runtime(load_settings({"DUBAN_HOME": str(tmp_path / "var")}))
    assert again.vault.verify("x", made.vault.sign("x"))


def test_a_secret_file_that_was_named_must_exist(tmp_path: Path) -> None:
    named = {"DUBAN_HOME": str(tmp_path), "DUBAN_SECRET_FILE": str(tmp_path / "keys" / "duban.key")}
    with pytest.raises(SecretFileUnusable):
        module.make_runtime(load_settings(named))
    Vault.create_if_missing(tmp_path / "keys" / "duban.key")
    assert module.make_runtime(load_settings(named)).settings.home == tmp_path


def test_a_process_has_one_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUBAN_HOME", str(tmp_path))
    module.runtime.cache_clear()
    try:
        assert module.runtime() is module.runtime()
        assert module.runtime().settings.home == tmp_path
    finally:
        module.runtime.cache_clear()
