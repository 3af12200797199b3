"""定期事项: what recurs, seen by whoever may see it, waived by the county office with a reason."""

import re

import pytest

from services.engine.obligations import open_due
from services.identity.models import UnitKind
from services.identity.units import create_unit
from tests.web.site import Site


@pytest.fixture
def plans(site: Site) -> Site:
    """The plans of 2016 are open for three units; a fourth unit's was not seen to."""
    county = site.county
    open_due(county.database, county.engine, county.now)
    with county.database.write() as session:
        late = create_unit(session, "late", "新设乡", UnitKind.TOWNSHIP, county.units["county"])
        county.units["late"] = late.id
    return site


def _units(site: Site, who: str, query: str = "") -> list[str]:
    page = site.by(who).get(f"/obligations{query}").text
    return sorted(re.findall(r'<td class="c-unit">([^<]+)<', page))


def _waive(site: Site, who: str, reason: str, unit: str = "late") -> int:
    which = {"procedure": "task", "name": "plan", "period": "2016", "unit": str(site.county.units[unit])}
    return site.post(who, "/obligations/waive", {**which, "reason": reason}).status_code


def test_each_sees_what_recurs_where_he_may_look(plans: Site) -> None:
    assert _units(plans, "office") == sorted(["新设乡", "柳河乡", "白石镇", "县水利局"])
    assert _units(plans, "township_committee") == ["柳河乡"]
    assert _units(plans, "clerk") == []
    assert "本年度还没有定期事项" in plans.by("clerk").get("/obligations").text


@pytest.mark.parametrize(
    ("query", "units"),
    [
        ("?status=missing", ["新设乡"]),
        ("?status=opened", ["县水利局", "柳河乡", "白石镇"]),
        ("?procedure=rectification", []),
        ("?year=2015", []),
        ("?year=nothing&unit=x", ["县水利局", "新设乡", "柳河乡", "白石镇"]),
    ],
)
def test_the_address_filters(plans: Site, query: str, units: list[str]) -> None:
    assert _units(plans, "office", query) == sorted(units)


def test_the_office_waives_with_a_reason(plans: Site) -> None:
    page = plans.by("office").get("/obligations").text
    assert page.count(">免除</button>") == 1
    assert _waive(plans, "office", "  ") == 422
    assert _units(plans, "office", "?status=missing") == ["新设乡"]
    assert _waive(plans, "office", "本年度新设，无须制定") == 204
    listed = plans.by("office").get("/obligations?status=waived").text
    assert "新设乡" in listed and "本年度新设，无须制定" in listed
    assert _waive(plans, "office", "再来一次") == 409


@pytest.mark.parametrize("who", ["supervisor", "township_committee", "clerk"])
def test_nobody_else_does(plans: Site, who: str) -> None:
    assert "免除</button>" not in plans.by(who).get("/obligations").text
    assert _waive(plans, who, "不想办") == 409
    assert _units(plans, "office", "?status=waived") == []


def test_what_is_open_already_cannot_be_waived(plans: Site) -> None:
    assert _waive(plans, "office", "已开办", unit="liuhe") == 409
    assert _waive(plans, "office", "没有这个单位的", unit="upper") == 409
