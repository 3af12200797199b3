"""The workbook of rejected lines can be mended in place and read again."""

from datetime import date
from pathlib import Path

import openpyxl

from services.ledgers.known import Known
from services.ledgers.reading import LedgerReading, read_ledger
from services.ledgers.report import write_rejections
from tests.ledgers.conftest import HEADINGS, Make, line


def test_read_again_unmended_it_gives_the_same_reasons(real_ledger: Path, known: Known, tmp_path: Path) -> None:
    first = read_ledger(real_ledger, known)
    again = read_ledger(written(first, tmp_path), known)
    # Within the report such a number is used once; importing compares with the register.
    alone = {"number_used_twice"}
    assert [one.raw for one in again.rejections] == [one.raw for one in first.rejections if one.code not in alone]
    assert again.counts()["reasons"] == {
        code: count for code, count in first.counts()["reasons"].items() if code not in alone
    }
    assert again.sheets == first.sheets
    assert {row.ledger for row in again.rows} <= {row.ledger for row in first.rows}


def test_mended_it_is_importable(xlsx: Make, known: Known, tmp_path: Path) -> None:
    rows = [["2016年台账"], HEADINGS, line(1), line(2, "4月22日", 件类="特急件", 来源="同上"), line(3, None)]
    path = written(read_ledger(xlsx(rows), known), tmp_path)
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    assert [cell.value for cell in sheet[2]] == ["退回原因", *HEADINGS]
    assert "特急件" in str(sheet["A3"].value) and sheet["D3"].value == "来信"
    sheet["I3"] = "一般"
    sheet["C4"] = date(2016, 5, 1)
    book.save(path)
    mended = read_ledger(path, known)
    assert [(row.number, row.received_on) for row in mended.rows] == [
        ("2", date(2016, 4, 22)),
        ("3", date(2016, 5, 1)),
    ]
    assert mended.rejections == ()
    assert "退回原因" not in mended.rows[0].raw


def test_columns_that_the_ledger_lacks_are_there_to_fill_in(xlsx: Make, known: Known, tmp_path: Path) -> None:
    kept = [0, 1, 2, 5, 6, 8]
    rows = [[one[i] for i in kept] for one in (HEADINGS, line(1), line(2))]
    path = written(read_ledger(xlsx(rows), known), tmp_path)
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    assert sheet.cell(2, 8).value == "件类"
    sheet.cell(3, 8, "一般")
    sheet.cell(4, 8, "限时")
    book.save(path)
    reading = read_ledger(path, known)
    assert (len(reading.rows), reading.counts()["reasons"]) == (1, {"missing_due_date": 1})
    header = [cell.value for cell in openpyxl.load_workbook(written(reading, tmp_path)).worksheets[0][2]]
    assert header[-2:] == ["件类", "限办日期"]


def test_each_sheet_keeps_its_name_and_head(xlsx: Make, known: Known, tmp_path: Path) -> None:
    bad = line(1, 件类="?")
    reading = read_ledger(
        xlsx({"一月": [["甲"], HEADINGS, bad], "二月": [HEADINGS, line(1)], "三月": [HEADINGS, bad]}), known
    )
    book = openpyxl.load_workbook(written(reading, tmp_path))
    assert book.sheetnames == ["一月", "三月"]
    assert (book["一月"]["B1"].value, book["三月"]["B1"].value) == ("甲", "台账")


def test_nothing_becomes_a_formula_and_control_characters_go(text_file: Make, known: Known, tmp_path: Path) -> None:
    rows = [HEADINGS, line("1", "2016-02-30", 主要内容="=1+1", 被反映人="冯\x07某")]
    path = written(read_ledger(text_file(rows), known), tmp_path)
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert (sheet["H3"].value, sheet["H3"].data_type, sheet["G3"].value) == ("=1+1", "s", "冯某")


def test_without_rejections_the_headings_stand_alone(xlsx: Make, known: Known, tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(written(read_ledger(xlsx([HEADINGS, line()]), known), tmp_path)).worksheets[0]
    assert sheet.max_row == 2


def written(reading: LedgerReading, folder: Path) -> Path:
    path = folder / "退回.xlsx"
    write_rejections(reading, path)
    return path
