"""Business numbers: without gaps per procedure, unit and year, whatever is rolled back."""

from datetime import UTC, datetime

import pytest

from services.engine.errors import ActionRefused
from services.engine.numbers import next_number
from tests.support.cast import County


def test_they_run_per_unit_and_year(county: County) -> None:
    numbers = [county.open().number, county.open().number, county.open("township_clerk", unit="liuhe").number]
    assert numbers == ["信访〔2016〕1号", "信访〔2016〕2号", "柳河乡信访〔2016〕1号"]


def test_a_new_year_begins_at_one_in_shanghai(sqlite_county: County) -> None:
    county = sqlite_county
    numbers = []
    for now in (datetime(2016, 12, 31, 15, 59, tzinfo=UTC), datetime(2016, 12, 31, 16, 1, tzinfo=UTC)):
        county.now = now
        numbers.append(county.open().number)
    assert numbers == ["信访〔2016〕1号", "信访〔2017〕1号"]


def test_procedures_count_apart(sqlite_county: County) -> None:
    county = sqlite_county
    county.open()
    order = {"summary": "督办", "demand": "限期", "source": "leader", "handler_unit": county.units["liuhe"]}
    assert county.open("office", "supervised_handling", **order).number == "督办〔2016〕1号"


def test_an_opening_that_fails_gives_its_number_back(county: County) -> None:
    first = county.open().number
    with pytest.raises(ActionRefused):
        county.open(group_size=9, representatives=9)
    unit = {"id": county.units["county"], "kind": "county", "name": "县纪委"}
    with pytest.raises(RuntimeError, match="power"), county.database.write() as session:
        assert next_number(session, "{n}", "petition", unit, 2016)[0] == "2"
        raise RuntimeError("power")
    assert (first, county.open().number) == ("信访〔2016〕1号", "信访〔2016〕2号")
