"""Large exports: written aside in batches, watched, cancelled, fetched by their owner alone, gone after a day."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, insert, select

from services.engine import journal
from services.engine.models import Entry, Exclusion, Matter
from services.ledgers import exports
from services.ledgers.exports import tidy_up
from services.ledgers.models import Export, ExportState
from services.runtime import Runtime
from tests.web.conftest import Gate, await_exports
from tests.web.site import HTMX, Site

MANY = 20_000


def _seed(site: Site, many: int) -> int:
    """Make matters that differ from a real one in their numbers alone, in few statements; their journals are whole."""
    county = site.county
    first = county.open().matter_id
    with county.database.write() as session:
        model = dict(session.execute(select(Matter.__table__).where(Matter.id == first)).mappings().one())
        kept = {name: value for name, value in model.items() if name != "id"}
        rows = [
            kept | {"number": f"信访〔2016〕{n}号", "journal_seq": 0, "journal_head": journal.GENESIS}
            for n in range(1000, 1000 + many - 1)
        ]
        session.execute(insert(Matter), rows)
    return first


def _runtime(site: Site) -> Runtime:
    runtime: Runtime = site.app.web.state.service.runtime
    return runtime


def _files(site: Site) -> list[Path]:
    return list((_runtime(site).settings.home / "exports").glob("*"))


def _export(site: Site) -> Export:
    with site.county.database.read() as session:
        return session.scalars(select(Export).order_by(Export.id.desc()).limit(1)).one()


def _rows(content: bytes) -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    return list(book["事项台账"].iter_rows(values_only=True))


def test_twenty_thousand_rows_come_whole_and_in_order(site: Site) -> None:
    _seed(site, MANY)
    page = site.by("supervisor").get("/ledger?cols=number,title&all=1").text
    assert f"共 <b>{MANY}</b> 件" in page and 'hx-post="/ledger/exports?cols=number%2Ctitle"' in page
    answer = site.post("supervisor", "/ledger/exports?cols=number,title")
    assert answer.status_code == 200 and f"正在导出 {MANY} 件" in answer.text
    await_exports()
    export = _export(site)
    assert (export.state, export.written, export.total) == (ExportState.DONE, MANY, MANY)
    shown = site.by("supervisor").get("/ledger/exports", headers=HTMX).text
    assert f"导出完成，共 {MANY} 件" in shown and f'href="/ledger/exports/{export.id}"' in shown
    head, *rows = _rows(site.by("supervisor").get(f"/ledger/exports/{export.id}").content)
    assert head == ("编号", "标题") and len(rows) == MANY == len({row[0] for row in rows})
    assert rows[0][0] == f"信访〔2016〕{1000 + MANY - 2}号"
    with site.county.database.read() as session:
        noted = select(func.count(Entry.seq)).where(Entry.action == "export")
        assert session.scalar(noted) == MANY
        assert journal.verify(session, range(1, 500))["ok"]


@pytest.mark.usefixtures("quick")
def test_a_page_that_is_loaded_again_still_shows_how_far_it_is(site: Site, gate: Gate) -> None:
    _seed(site, 8)
    site.post("supervisor", "/ledger/exports")
    assert gate.reached.wait(30)
    again = site.post("supervisor", "/ledger/exports")
    assert again.status_code == 409 and "尚未完成" in again.headers["hx-trigger"].encode().decode("unicode_escape")
    page = site.by("supervisor").get("/ledger?all=1").text
    assert "正在导出 8 件" in page and 'hx-trigger="every 1s"' in page
    assert "正在导出" not in site.by("office").get("/ledger?all=1").text
    assert site.by("supervisor").get(f"/ledger/exports/{_export(site).id}").status_code == 404  # not whole yet
    gate.go.set()
    await_exports()
    assert _export(site).state == ExportState.DONE
    assert 'every 1s"' not in site.by("supervisor").get("/ledger/exports", headers=HTMX).text


@pytest.mark.usefixtures("quick")
def test_a_cancelled_export_leaves_no_file(site: Site, gate: Gate) -> None:
    _seed(site, 8)
    site.post("supervisor", "/ledger/exports")
    assert gate.reached.wait(30)
    export = _export(site).id
    assert site.post("office", f"/ledger/exports/{export}/cancel").status_code == 404
    assert "导出已取消" in site.post("supervisor", f"/ledger/exports/{export}/cancel").text
    gate.go.set()
    await_exports()
    assert _export(site).state == ExportState.CANCELLED and _files(site) == []
    assert site.by("supervisor").get(f"/ledger/exports/{export}").status_code == 404


@pytest.mark.usefixtures("quick")
def test_what_is_withdrawn_from_view_meanwhile_does_not_leave(site: Site, gate: Gate) -> None:
    first = _seed(site, 8)
    site.post("supervisor", "/ledger/exports?cols=number")
    assert gate.reached.wait(30)
    with site.county.database.write() as session:  # named in the matter that comes last
        session.add(Exclusion(matter_id=first, person_id=site.county.people["supervisor"], unit_id=None, why="named"))
    gate.go.set()
    await_exports()
    export = _export(site)
    assert (export.state, export.total) == (ExportState.DONE, 7)
    assert len(_rows(site.by("supervisor").get(f"/ledger/exports/{export.id}").content)) == 1 + 7


@pytest.mark.usefixtures("quick")
def test_only_its_owner_fetches_it_and_for_a_day_alone(site: Site) -> None:
    _seed(site, 8)
    site.post("supervisor", "/ledger/exports")
    await_exports()
    path = f"/ledger/exports/{_export(site).id}"
    assert site.by("office").get(path).status_code == 404
    assert site.browser().get(path).status_code == 303
    assert site.by("supervisor").get(path).status_code == 200
    assert tidy_up(_runtime(site), site.county.now + timedelta(hours=23)) == 0
    assert tidy_up(_runtime(site), site.county.now + timedelta(hours=25)) == 1
    assert _files(site) == []
    assert site.by("supervisor").get(path).status_code == 404


@pytest.mark.usefixtures("quick")
def test_an_export_that_breaks_says_so_and_leaves_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _seed(site, 8)

    def broken(*_: Any, **__: Any) -> int:
        raise OSError("no space left")

    monkeypatch.setattr(exports, "write_ledger", broken)
    site.post("supervisor", "/ledger/exports")
    await_exports()
    assert _export(site).state == ExportState.FAILED and _files(site) == []
    assert "上一次导出中断" in site.by("supervisor").get("/ledger?all=1").text


@pytest.mark.usefixtures("quick")
def test_one_cut_off_with_its_process_does_not_block_the_next(site: Site) -> None:
    _seed(site, 8)
    now = site.county.now
    with site.county.database.write() as session:
        session.add(Export(
            person_id=site.county.people["supervisor"], address="", state=ExportState.RUNNING, total=8, written=3,
            asked_at=now, beat_at=now, ended_at=None, file="cut-off.xlsx",
        ))  # fmt: skip
    folder = _runtime(site).settings.home / "exports"
    folder.mkdir()
    (folder / "orphan.part").write_bytes(b"")
    assert site.post("supervisor", "/ledger/exports").status_code == 409
    site.county.now += timedelta(minutes=3)
    assert site.post("supervisor", "/ledger/exports").status_code == 200
    await_exports()
    assert [file.name for file in _files(site)] == [_export(site).file]


@pytest.mark.usefixtures("quick")
def test_too_much_for_a_direct_answer_leads_back_to_the_page(site: Site) -> None:
    _seed(site, 8)
    answer = site.by("supervisor").get("/ledger/export?status=open")
    assert (answer.status_code, answer.headers["location"]) == (303, "/ledger?status=open")
