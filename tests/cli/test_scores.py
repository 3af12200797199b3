"""`duban scores compute`."""

from collections.abc import Callable
from typing import Any

from services.engine.opening import open_matter
from services.engine.sweep import sweep_all
from tests.support.cast import County


def counted(county: County) -> None:
    data = {"period": "2016", "unit": county.units["liuhe"], "item": "bulletin_criticism", "reason": "通报"}
    with county.database.write() as session:
        actor = county.actor("conduct", session)
        opened = open_matter(
            county.engine, session, "score", data, actor, county.now, unit_id=county.units["county"]
        )  # fmt: skip
    county.act(opened.matter_id, "confirm", "conduct2", {"opinion": "属实"})
    county.later(days=12)
    sweep_all(county.database, county.engine, county.now)


def test_compute_twice(home_county: County, answer: Callable[..., Any], duban: Callable[..., Any]) -> None:
    counted(home_county)
    first = answer("scores", "compute", "--period", "2016")
    (card,) = first["cards"]
    assert (card["kind"], card["figures"]["adjustments"], card["new"]) == ("final", "-1.00", True)
    again = answer("scores", "compute", "--period", "2016")
    assert (again["digest"], again["cards"][0]["new"]) == (first["digest"], False)
    assert "final 1" in duban("scores", "compute", "--period", "2016").stdout


def test_what_is_no_period_is_refused(home_county: County, refusal: Callable[..., str]) -> None:
    assert "no_such_period" in refusal("scores", "compute", "--period", "last year")
