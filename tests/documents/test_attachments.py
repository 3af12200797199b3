"""Attachments: one's own until used, then read through the matter alone."""

import io

import pytest

from services.documents import FileDamaged, UploadRefused, open_attachment, store_upload
from services.engine.errors import InvalidAnswers, MatterNotFound, NotPermitted
from services.engine.models import Attachment
from services.identity.access import CLOCK
from services.runtime import Runtime
from tests.support.cast import County

TEXT = "举报材料".encode()


def upload(county: County, runtime: Runtime, who: str, content: bytes = TEXT, name: str = "材料.txt") -> int:
    with county.database.write() as session:
        actor = county.actor(who, session)
        return store_upload(session, runtime, actor, name, io.BytesIO(content), county.now).id


def read(county: County, runtime: Runtime, who: str, attachment: int) -> tuple[str, bytes]:
    with county.database.read() as session:
        actor = county.actor(who, session)
        with open_attachment(session, county.engine, runtime, actor, attachment) as (row, file):
            return row.name, file.read()


def test_before_it_is_used_only_the_uploader_reads_it(sqlite_county: County, runtime: Runtime) -> None:
    attachment = upload(sqlite_county, runtime, "clerk")
    assert read(sqlite_county, runtime, "clerk", attachment) == ("材料.txt", TEXT)
    for who in ("clerk2", "office", "leader"):
        with pytest.raises(MatterNotFound):
            read(sqlite_county, runtime, who, attachment)


def test_once_used_it_is_read_through_the_matter(sqlite_county: County, runtime: Runtime) -> None:
    attachment = upload(sqlite_county, runtime, "clerk")
    named = [{"name": "钱信访", "person": sqlite_county.people["clerk2"]}]
    sqlite_county.walk(attachments=[attachment], reported=named)
    assert read(sqlite_county, runtime, "supervisor", attachment)[1] == TEXT
    for who in ("clerk2", "elsewhere", "nobody"):
        with pytest.raises(MatterNotFound):
            read(sqlite_county, runtime, who, attachment)
    with pytest.raises(MatterNotFound):
        read(sqlite_county, runtime, "clerk", attachment + 1000)


def test_the_uploader_loses_it_with_the_matter(sqlite_county: County, runtime: Runtime) -> None:
    attachment = upload(sqlite_county, runtime, "handler2")
    matter = sqlite_county.walk("accept", "propose", "approve")
    sqlite_county.act(matter, "note_progress", "handler2", {"content": "走访", "attachments": [attachment]})
    sqlite_county.act(matter, "recuse", *sqlite_county.usual("recuse"))
    with pytest.raises(MatterNotFound):
        read(sqlite_county, runtime, "handler2", attachment)


def test_nobody_uses_anothers_upload_nor_another_matters_file(sqlite_county: County, runtime: Runtime) -> None:
    county = sqlite_county
    fresh, used = upload(county, runtime, "clerk2"), upload(county, runtime, "clerk")
    county.walk(attachments=[used])
    for attachment in (fresh, used, 10_000):
        with pytest.raises(InvalidAnswers) as refusal:
            county.walk(attachments=[attachment])
        assert refusal.value.extra["errors"][0]["code"] == "unknown_attachment"
    with county.database.read() as session:
        assert session.get_one(Attachment, fresh).matter_id is None


def test_a_file_of_the_matter_is_used_again_there_and_follows_its_parts(
    sqlite_county: County, runtime: Runtime
) -> None:
    county = sqlite_county
    attachment = upload(county, runtime, "clerk")
    matter = county.walk("accept", "propose", "approve", attachments=[attachment])
    county.act(matter, "note_progress", "handler", {"content": "见材料", "attachments": [attachment]})
    mixed = upload(county, runtime, "clerk")
    county.walk("split", attachments=[mixed], problem_fields=["subsidies", "land_requisition"])


def test_what_is_refused_leaves_no_row_and_no_file(sqlite_county: County, runtime: Runtime) -> None:
    with pytest.raises(UploadRefused):
        upload(sqlite_county, runtime, "clerk", b"<html></html>")
    with sqlite_county.database.write() as session, pytest.raises(NotPermitted):
        store_upload(session, runtime, CLOCK, "a.txt", io.BytesIO(TEXT), sqlite_county.now)
    with sqlite_county.database.read() as session:
        assert session.query(Attachment).count() == 0


def test_a_damaged_file_is_not_handed_out(sqlite_county: County, runtime: Runtime) -> None:
    attachment = upload(sqlite_county, runtime, "clerk")
    (file,) = [p for p in (runtime.settings.home / "files").rglob("*") if p.is_file()]
    file.write_bytes(TEXT + b"!")
    with pytest.raises(FileDamaged):
        read(sqlite_county, runtime, "clerk", attachment)
