"""All files of a matter in one archive: their names, numbered where they are the same; on record; for nobody else."""

import io
import zipfile
from pathlib import Path

import pytest

from config.settings import Settings
from services.documents import FileStore, archive, collect, store_upload
from services.documents.bundle import numbered
from services.documents.errors import FileDamaged
from services.engine import journal
from services.engine.errors import MatterNotFound
from services.engine.looking import look
from services.engine.queries import timeline
from services.identity.sealing import Vault
from services.runtime import Runtime
from tests.support.cast import County


@pytest.mark.parametrize(
    ("name", "taken", "given"),
    [
        ("照片.jpg", set(), "照片.jpg"),
        ("照片.jpg", {"照片.jpg"}, "照片 (2).jpg"),
        ("照片.JPG", {"照片.jpg", "照片 (2).jpg"}, "照片 (3).JPG"),
        ("说明", {"说明"}, "说明 (2)"),
    ],
)
def test_a_name_taken_gets_a_number(name: str, taken: set[str], given: str) -> None:
    assert numbered(name, taken) == given


def test_everything_at_once_and_on_record(county: County, vault: Vault, tmp_path: Path) -> None:
    works = Runtime(Settings(home=tmp_path, secret_file=tmp_path / "secret.key"), county.database, vault)
    contents = [b"%PDF-1.4\n" + bytes([65 + n]) * (300_000 * n) for n in range(3)]
    with county.database.write() as session:
        clerk = county.actor("clerk", session)
        ids = [store_upload(session, works, clerk, "说明.pdf", io.BytesIO(c), county.now).id for c in contents]
    matter_id = county.open(attachments=ids).matter_id
    with county.database.write() as session:
        number, files = collect(session, county.engine, county.actor("leader", session), matter_id, county.now)
    packed = zipfile.ZipFile(io.BytesIO(b"".join(archive(works, files))))
    assert packed.testzip() is None and number
    assert {name: packed.read(name) for name in packed.namelist()} == dict(
        zip(["说明.pdf", "说明 (2).pdf", "说明 (3).pdf"], contents, strict=True)
    )
    with county.database.read() as session:
        clerk = county.actor("clerk", session)
        latest = timeline(session, look(session, county.engine, clerk, matter_id), clerk, limit=1).rows[0]
        assert (latest.action, latest.actor_name, latest.content["files"]) == ("export_files", "孙领导", ids)
        assert journal.verify(session)["ok"]
    FileStore.of(works).path(files[2].sha256).write_bytes(b"changed")
    with pytest.raises(FileDamaged):
        list(archive(works, files))


def test_nobody_else_gets_them_and_nothing_is_written(county: County, vault: Vault, tmp_path: Path) -> None:
    works = Runtime(Settings(home=tmp_path, secret_file=tmp_path / "secret.key"), county.database, vault)
    with county.database.write() as session:
        clerk = county.actor("clerk", session)
        held = store_upload(session, works, clerk, "说明.pdf", io.BytesIO(b"%PDF-1.4\n1"), county.now).id
    matter_id = county.open(attachments=[held], reported=[{"name": "孙", "person": county.people["leader"]}]).matter_id
    for who in ("leader", "elsewhere"):
        with pytest.raises(MatterNotFound), county.database.write() as session:
            collect(session, county.engine, county.actor(who, session), matter_id, county.now)
    with county.database.read() as session:
        clerk = county.actor("clerk", session)
        rows = timeline(session, look(session, county.engine, clerk, matter_id), clerk).rows
    assert [row.action for row in rows] == ["open"]
