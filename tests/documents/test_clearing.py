"""Uploads that no form ever used go away; what a matter has, and what was only just brought, stays."""

import io
import os
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from config.settings import Settings
from services.documents import FileStore, store_upload
from services.documents.clearing import KEPT_FOR, clear_unused
from services.engine.models import Attachment
from services.identity.sealing import Vault
from services.runtime import Runtime
from tests.support.cast import County


def _text(words: str) -> io.BytesIO:
    return io.BytesIO(b"%PDF-1.4\n" + words.encode())


def _works(county: County, vault: Vault, home: Path) -> Runtime:
    return Runtime(Settings(home=home, secret_file=home / "secret.key"), county.database, vault)


def _upload(county: County, works: Runtime, words: str) -> tuple[int, str]:
    with county.database.write() as session:
        stored = store_upload(session, works, county.actor("clerk", session), "说明.pdf", _text(words), county.now)
        return stored.id, stored.sha256


def _age(works: Runtime, county: County) -> None:
    """As if everything in the store had been brought at the county's present."""
    for path in FileStore.of(works)._folder.glob("??/??/*"):
        os.utime(path, (county.now.timestamp(), county.now.timestamp()))


def _kept(county: County) -> set[int]:
    with county.database.read() as session:
        return set(session.scalars(select(Attachment.id)))


def test_only_what_nobody_used_goes(county: County, vault: Vault, tmp_path: Path) -> None:
    works = _works(county, vault, tmp_path)
    used, content = _upload(county, works, "used")
    dropped, gone = _upload(county, works, "dropped")
    twin, _ = _upload(county, works, "used")
    county.open(attachments=[used])
    _age(works, county)
    county.later(days=KEPT_FOR.days + 1)
    fresh, new = _upload(county, works, "fresh")
    assert clear_unused(works, county.now) == {"uploads": 2, "files": 1, "unfinished": 0}
    assert _kept(county) == {used, fresh} and not {dropped, twin} & _kept(county)
    store = FileStore.of(works)
    assert store.is_whole(content) and store.is_whole(new) and not store.is_whole(gone)
    assert clear_unused(works, county.now) == {"uploads": 0, "files": 0, "unfinished": 0}


def test_a_content_brought_again_is_left_until_its_row_is_there(county: County, vault: Vault, tmp_path: Path) -> None:
    works = _works(county, vault, tmp_path)
    _, content = _upload(county, works, "again")
    _age(works, county)
    county.later(days=KEPT_FOR.days + 1)
    store = FileStore.of(works)
    with store.incoming(_text("again")) as incoming:
        incoming.keep()
    clear_unused(works, county.now + timedelta(0))
    assert store.is_whole(content)


def test_what_was_cut_short_while_coming_in_goes_after_a_day(county: County, vault: Vault, tmp_path: Path) -> None:
    works = _works(county, vault, tmp_path)
    store = FileStore.of(works)
    with store.incoming(_text("coming")) as incoming:
        old, young = (incoming.aside.with_name(name) for name in ("old", "young"))
        for path in (old, young):
            path.write_bytes(b"%PDF")
        os.utime(old, ((county.now - timedelta(days=2)).timestamp(),) * 2)
        os.utime(young, (county.now.timestamp(),) * 2)
        assert clear_unused(works, county.now)["unfinished"] == 1
        assert young.exists() and incoming.aside.exists()
