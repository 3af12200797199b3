"""The vault keeps what it is given, notices every change, and lives in a private file."""

import base64
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from services.db.session import Database
from services.identity.errors import SealBroken, SecretFileUnusable
from services.identity.models import Sealed
from services.identity.sealing import Vault
from services.identity.store import open_field, seal_fields

quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


def key_file(path: Path, *keys: bytes) -> Path:
    path.write_bytes(b"\n".join(base64.b64encode(key) for key in keys))
    path.chmod(0o600)
    return path


OLD, NEW = b"o" * 32, b"n" * 32


@quick
@given(plain=st.text(), context=st.text())
def test_what_is_sealed_opens_in_its_context(vault: Vault, plain: str, context: str) -> None:
    sealed = vault.seal(plain, context)
    assert vault.open(sealed, context) == plain
    with pytest.raises(SealBroken):
        vault.open(sealed, context + "'")


@quick
@given(data=st.data())
def test_every_changed_bit_is_noticed(vault: Vault, data: st.DataObject) -> None:
    sealed = bytearray(vault.seal("举报人：张三", "matter 1"))
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[at // 8] ^= 1 << at % 8
    with pytest.raises(SealBroken):
        vault.open(bytes(sealed), "matter 1")


@pytest.mark.parametrize("length", [0, 3, 4, 10, 16, 30])
def test_a_cut_text_is_noticed(vault: Vault, length: int) -> None:
    with pytest.raises(SealBroken):
        vault.open(vault.seal("举报人：张三", "matter 1")[:length], "matter 1")


def test_the_same_text_never_looks_the_same(vault: Vault) -> None:
    assert vault.seal("张三", "a") != vault.seal("张三", "a")
    assert "张三".encode() not in vault.seal("张三", "a")


def test_keys_rotate(tmp_path: Path) -> None:
    before = Vault(key_file(tmp_path / "old", OLD))
    both = Vault(key_file(tmp_path / "both", NEW, OLD))
    after = Vault(key_file(tmp_path / "new", NEW))
    sealed = before.seal("张三", "a")
    assert both.open(sealed, "a") == "张三"
    assert after.open(both.seal("张三", "a"), "a") == "张三"
    with pytest.raises(SealBroken, match="put that key back"):
        after.open(sealed, "a")
    assert both.verify("x", before.sign("x")) and not after.verify("x", before.sign("x"))
    assert both.digests("x", "p") == after.digests("x", "p") + before.digests("x", "p")


def test_signatures(vault: Vault) -> None:
    signature = vault.sign("导出 2016-03")
    assert vault.verify("导出 2016-03", signature)
    assert not vault.verify("导出 2016-04", signature)
    assert not vault.verify("导出 2016-03", signature[:-1])
    assert not vault.verify("导出 2016-03", "签")
    assert not vault.verify("导出 2016-03", vault.digests("导出 2016-03", "sign")[0])


def test_a_digest_depends_on_its_purpose(vault: Vault) -> None:
    assert vault.digests("x", "a") == vault.digests("x", "a") != vault.digests("x", "b")


def test_the_file_is_made_once_and_private(tmp_path: Path) -> None:
    file = tmp_path / "new" / "secret.key"
    sealed = Vault.create_if_missing(file).seal("张三", "a")
    assert file.stat().st_mode & 0o777 == 0o600
    assert Vault.create_if_missing(file).open(sealed, "a") == "张三"
    assert [entry.name for entry in file.parent.iterdir()] == ["secret.key"]


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    with ThreadPoolExecutor(8) as pool:
        vaults = list(pool.map(lambda _: Vault.create_if_missing(file), range(16)))
    assert len({vault.sign("x") for vault in vaults}) == 1
    assert os.listdir(tmp_path) == ["secret.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = key_file(tmp_path / "secret.key", NEW)
    file.chmod(mode)
    with pytest.raises(SecretFileUnusable, match="chmod 600"):
        Vault(file)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"no base64!", b"c2hvcnQ=", b"\xff\xfe", base64.b64encode(NEW) + b"\nc2hvcnQ=\n"],
)
def test_a_file_without_proper_keys_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret.key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(SecretFileUnusable):
        Vault(file)


def test_a_missing_file_is_not_made_by_opening(tmp_path: Path) -> None:
    with pytest.raises(SecretFileUnusable, match="backup"):
        Vault(tmp_path / "secret.key")
    assert not (tmp_path / "secret.key").exists()


def test_fields_of_matters(database: Database, vault: Vault, now: datetime) -> None:
    with database.write() as session:
        seal_fields(session, vault, 1, {"complainant": "张三", "phone": "13800000000"}, now)
        seal_fields(session, vault, 2, {"complainant": "李四"}, now)
        seal_fields(session, vault, 1, {"complainant": "张三丰"}, now)
    with database.read() as session:
        assert open_field(session, vault, 1, "complainant") == "张三丰"
        assert open_field(session, vault, 1, "phone") == "13800000000"
        assert open_field(session, vault, 2, "complainant") == "李四"
        assert open_field(session, vault, 2, "phone") is None
        assert len(session.scalars(select(Sealed)).all()) == 4
        stored = b"".join(session.scalars(select(Sealed.ciphertext)))
    assert not any(plain.encode() in stored for plain in ("张三", "李四", "138"))


@pytest.mark.parametrize("moved", [{"matter_id": 3}, {"name": "phone"}])
def test_a_row_moved_elsewhere_does_not_open(
    database: Database, vault: Vault, now: datetime, moved: dict[str, object]
) -> None:
    with database.write() as session:
        seal_fields(session, vault, 1, {"complainant": "张三"}, now)
        session.execute(update(Sealed).values(**moved))
    place = {"matter_id": 1, "name": "complainant"} | moved
    with database.read() as session, pytest.raises(SealBroken):
        open_field(session, vault, **place)
