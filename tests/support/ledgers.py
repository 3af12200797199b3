"""A county staffed for ledgers, and small ledgers to import into it."""

import csv
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from services.db.base import Base
from services.db.session import Database
from services.identity.models import UnitKind
from services.identity.people import create_person, grant
from services.identity.units import create_unit
from services.ledgers.importing import Order, Outcome, import_reading, read_for_import
from tests.support.cast import START, County

NOW = datetime(2017, 3, 1, 2, tzinfo=UTC)
"""Wednesday 2017-03-01, 10:00 in Shanghai: the ledgers are of the year before."""

FURTHER_UNITS = {
    "青山镇": UnitKind.TOWNSHIP,
    "城关镇": UnitKind.TOWNSHIP,
    "县教育局": UnitKind.DEPARTMENT,
    "县住建局": UnitKind.DEPARTMENT,
    "县民政局": UnitKind.DEPARTMENT,
}
HEADINGS = (
    "序号", "收件日期", "来源", "实名/匿名", "举报人", "联系电话", "被反映人", "所在单位", "职务",
    "问题类别", "主要内容", "件类", "承办单位", "交办日期", "限办日期", "处置方式", "办结日期", "备注",
)  # fmt: skip
TITLE = "清河县纪委2016年信访台账"


def staff(county: County) -> County:
    """Give the county the other units of the sample ledger, with handlers who came long after its petitions."""
    with county.database.write() as session:
        for name, kind in FURTHER_UNITS.items():
            county.units[name] = create_unit(session, name, name, kind, county.units["county"]).id
        for key in ("water", *FURTHER_UNITS):
            for number in (1, 2):
                person = create_person(session, f"{key}承办人{number}", START)
                county.people[f"{key}{number}"] = person.id
                grant(session, person.id, "handler", county.units[key], date(2017, 1, 1), None, "测试")
    county.now = NOW
    return county


def row(number: object, **changed: object) -> list[object]:
    """A good row under HEADINGS: an anonymous letter, assigned and open; some cells changed by heading."""
    cells = dict.fromkeys(HEADINGS, "") | {
        "序号": number, "收件日期": "2016-03-01", "来源": "来信", "实名/匿名": "匿名", "被反映人": "某村干部",
        "所在单位": "下河村", "问题类别": "公车私用", "主要内容": f"内容{number}", "件类": "一般",
        "承办单位": "柳河乡纪委", "交办日期": "2016-03-04", "处置方式": "拟立案",
    }  # fmt: skip
    return list((cells | changed).values())


def named(**changed: object) -> dict[str, object]:
    """The cells that turn a row into one with a complainant."""
    return {"实名/匿名": "实名", "举报人": "欧阳举报", "联系电话": "13912345678", **changed}


def write_csv(path: Path, rows: Sequence[Sequence[object]], title: str = TITLE, encoding: str = "utf-8") -> Path:
    """Write title and rows as delimited text."""
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([[title], *rows])
    return path


def dump(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with database.read() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


def bring_in(county: County, path: Path, **order: Any) -> Outcome:
    """Import a file as `Order(**order)` says."""
    reading = read_for_import(county.database, county.engine, path)
    return import_reading(county.database, county.engine, reading, Order(**order), county.now)


def take_in(county: County, folder: Path, *rows: list[object]) -> Outcome:
    """Import these rows under HEADINGS."""
    return bring_in(county, write_csv(folder / "台账.csv", [HEADINGS, *rows]))
