"""`duban people import` and its form."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from services.runtime import runtime
from tests.administration.test_importing import PEOPLE_ROWS, UNIT_ROWS, book
from tests.cli.conftest import Duban
from tests.support.cast import County
from tests.support.dump import dump


def test_a_dry_run_then_the_import_then_nothing_new(home_county: County, duban: Duban, tmp_path: Path) -> None:
    path, before = str(book(tmp_path / "a.xlsx")), dump(runtime().database)
    tried = duban("people", "import", path, "--dry-run", "--json")
    told = json.loads(tried.stdout)
    assert (tried.exit_code, told["dry_run"], told["created"], told["refused"]) == (1, True, 4, 8)
    assert dump(runtime().database) == before
    back = tmp_path / "back.xlsx"
    done = duban("people", "import", path, "--rejected", str(back))
    assert done.exit_code == 1 and "16 rows: 4 created, 3 changed, 1 unchanged, 8 refused" in done.stdout
    assert load_workbook(back).sheetnames == ["单位", "人员"]
    again = json.loads(duban("people", "import", path, "--json").stdout)
    assert (again["created"], again["changed"]) == (0, 0)


def test_a_file_without_refusals_exits_with_0(home_county: County, answer: Callable[..., Any], tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", UNIT_ROWS[:4], PEOPLE_ROWS[:4])
    told = answer("people", "import", str(path))
    assert (told["created"], told["refused"]) == (4, 0)


def test_what_cannot_be_used_is_refused(home_county: County, refusal: Callable[..., str], tmp_path: Path) -> None:
    path = str(book(tmp_path / "a.xlsx"))
    assert "would replace" in refusal("people", "import", path, "--rejected", path)
    assert "ledger_unreadable" in refusal("people", "import", str(tmp_path / "none.xlsx"))


def test_the_form_lists_the_units(home_county: County, duban: Duban, tmp_path: Path) -> None:
    assert duban("people", "template", str(tmp_path / "t.xlsx")).exit_code == 0
    assert "柳河乡" in str(list(load_workbook(tmp_path / "t.xlsx")["填写说明"].values))
