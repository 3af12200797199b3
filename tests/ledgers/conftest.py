"""Small ledgers made on the spot, and the code lists that they are read against."""

import csv
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from services.ledgers.known import Known
from services.ledgers.reading import LedgerReading, read_ledger

UNITS = (
    "县民政局纪检组",
    "县水利局纪检组",
    "县住建局纪检组",
    "县教育局纪检组",
    "柳河乡纪委",
    "白石镇纪委",
    "青山镇纪委",
    "城关镇纪委",
)
OUT_OF_SCOPE = ("征地拆迁", "企业改制", "劳动人事争议", "机构改革", "拖欠工程款", "税收", "历史遗留问题")
HEADINGS = (
    "序号",
    "收件日期",
    "来源",
    "实名/匿名",
    "举报人",
    "被反映人",
    "主要内容",
    "件类",
    "承办单位",
    "办结日期",
)

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def known() -> Known:
    """Lists like those of the pack for the made-up ledger."""
    units = {name: number for number, name in enumerate(UNITS, 1)}
    classes = {"一般": "general", "较重大疑难复杂": "complex", "重大疑难复杂": "major", "限时": "date_given"}
    channels = {
        "来信": "letter",
        "来访": "visit",
        "来电": "call",
        "网络": "online",
        "上级交办": "handed_down",
    }
    dispositions = {name: name for name in ("拟立案", "初步核实", "谈话函询", "暂存", "了结")}
    return Known(
        unit_id=units.get,
        petition_classes=classes,
        channels=channels,
        dispositions=dispositions,
        problem_fields={name: name for name in OUT_OF_SCOPE},
        out_of_scope=frozenset(OUT_OF_SCOPE),
        dated_classes=frozenset({"date_given"}),
    )


@pytest.fixture
def xlsx(tmp_path: Path) -> Make:
    """`xlsx(rows, merge="A1:B2", name=...)` writes one sheet; `xlsx({"sheet": rows, ...})` several."""

    def write(rows: object, merge: Sequence[str] = (), name: str = "台账.xlsx") -> Path:
        book = Workbook()
        book.remove(book.worksheets[0])
        for title, lines in (rows if isinstance(rows, dict) else {"Sheet1": rows}).items():
            sheet = book.create_sheet(title)
            for line in lines:
                sheet.append(list(line))
            for area in merge:
                sheet.merge_cells(area)
        book.save(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def text_file(tmp_path: Path) -> Make:
    """`text_file(rows, encoding, delimiter)` writes delimited text."""

    def write(rows: Sequence[Sequence[str]], encoding: str = "utf-8", delimiter: str = ",") -> Path:
        path = tmp_path / "2016年台账.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows(rows)
        return path

    return write


@pytest.fixture
def read(known: Known, xlsx: Make) -> Callable[..., LedgerReading]:
    """Write the rows as `xlsx` does and read them."""
    return lambda *args, **kwargs: read_ledger(xlsx(*args, **kwargs), known)


@pytest.fixture(scope="session")
def real_ledger() -> Path:
    """The county's ledger; absent only on machines that have no shared data, never in CI."""
    folder = Path(os.environ.get("DUBAN_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
    path = folder / "petition_ledger.xlsx"
    if not path.exists() and not os.environ.get("CI"):
        pytest.skip("petition_ledger.xlsx is not here: set DUBAN_TEST_DATA to its folder")
    return path


def line(number: object = 1, received: object = "2016-01-20", **changed: object) -> list[object]:
    """A good line under HEADINGS, with some cells changed by heading."""
    cells = dict(
        zip(
            HEADINGS,
            (number, received, "来信", "匿名", None, "冯某", "内容", "一般", "柳河乡纪委", None),
            strict=True,
        )
    )
    return list((cells | changed).values())
