"""Files that are no ledger, or not to be trusted, are refused with a sentence that says how to mend it."""

import zipfile
from pathlib import Path

import pytest

from services.ledgers import files, tables, workbooks
from services.ledgers.files import open_tables
from services.ledgers.tables import LedgerUnreadable
from tests.ledgers.conftest import HEADINGS, Make, line

COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b" \r\n \n", "empty"),
        (COMPOUND, "old_format"),
        (COMPOUND + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (b"PK\x03\x04 broken", "damaged"),
        (b"<html><table></table></html>", "wrong_format"),
        (b"%PDF-1.4\0\0\0", "wrong_format"),
        (b"\xff\xff\xff\xff", "wrong_format"),
    ],
)
def test_what_is_no_ledger(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "台账.xlsx"
    path.write_bytes(content)
    assert refusal(path) == why


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.xlsx") == "not_found"


def test_another_kind_of_archive(tmp_path: Path) -> None:
    path = tmp_path / "台账.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.xml", "<x/>")
    assert refusal(path) == "wrong_format"


def test_a_broken_part_is_damage(xlsx: Make) -> None:
    path = replaced(xlsx([HEADINGS, line()]), "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row")
    assert refusal(path) == "damaged"


def test_an_archive_that_swells_is_not_unpacked(xlsx: Make) -> None:
    path = xlsx([HEADINGS, line()])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb", bytes(workbooks.MAX_UNPACKED + 1))
    assert path.stat().st_size < 1_000_000
    assert refusal(path) == "too_large"


def test_too_many_bytes(xlsx: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 100)
    assert refusal(xlsx([HEADINGS, line()])) == "too_large"


@pytest.mark.parametrize("kind", ["xlsx", "text_file"])
def test_too_many_lines(kind: str, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(kind)([["x"]] * (tables.MAX_LINES + 1))
    assert refusal(path) == "too_large"


def test_too_many_sheets(xlsx: Make) -> None:
    assert refusal(xlsx({str(number): [["x"]] for number in range(33)})) == "too_large"


def test_dimensions_that_lie_are_not_believed(xlsx: Make) -> None:
    path = xlsx([HEADINGS, line()])
    for dimension in (b"A1:XFD1048576", b"A1:A1"):
        sheet = part(path, "xl/worksheets/sheet1.xml")
        told = sheet.replace(b'<dimension ref="A1:J2" />', b'<dimension ref="%s" />' % dimension)
        assert told != sheet
        [table] = open_tables(replaced(path, "xl/worksheets/sheet1.xml", told))
        assert [(one.number, len(one.cells)) for one in table.lines] == [(1, 10), (2, 9)]
        path = replaced(path, "xl/worksheets/sheet1.xml", sheet)


def test_a_cell_in_the_last_row_and_a_huge_merge_cost_little(xlsx: Make) -> None:
    path = xlsx([HEADINGS, line()])
    sheet = part(path, "xl/worksheets/sheet1.xml")
    far = b'<row r="1048576"><c r="A1048576"><v>7</v></c></row></sheetData>'
    merge = b'<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    [table] = open_tables(replaced(path, "xl/worksheets/sheet1.xml", sheet.replace(b"</sheetData>", far + merge)))
    assert [one.number for one in table.lines] == [1, 2, 1_048_576]


def test_formulas_are_not_computed(xlsx: Make) -> None:
    [table] = open_tables(xlsx([["a", "=1+1"], ["b", '=HYPERLINK("http://x")']]))
    assert [one.cells for one in table.lines] == [("a",), ("b",)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "，", "；"])
def test_text_in_every_encoding_and_with_every_delimiter(text_file: Make, encoding: str, delimiter: str) -> None:
    rows = [["2016年台账"], [], HEADINGS, line(1, "2016-01-20", 主要内容=f"一{delimiter}二,\n三")]
    [table] = open_tables(text_file(rows, encoding, delimiter))
    assert [one.number for one in table.lines] == [1, 3, 4]
    assert table.lines[1].cells == HEADINGS
    assert table.lines[2].cells[6] == f"一{delimiter}二,\n三"


def refusal(path: Path) -> str:
    with pytest.raises(LedgerUnreadable) as caught:
        open_tables(path)
    assert caught.value.zh != str(caught.value)
    return str(caught.value.extra["why"])


def part(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def replaced(path: Path, name: str, content: bytes) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {one: archive.read(one) for one in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for one, old in parts.items():
            archive.writestr(one, content if one == name else old)
    return path
