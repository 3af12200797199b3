"""What a procedure opens once only: by hand, by the clock, on both databases."""

from typing import Any

import pytest

from services.engine.errors import AlreadyOpened
from services.engine.models import Matter, Obligation, Once
from services.engine.obligations import open_due
from services.engine.opening import open_matter
from services.identity.access import CLOCK
from tests.support.cast import County
from tests.support.declared import declared
from tests.support.invariants import rows_of
from tests.support.recurring import policy, report, rule


def once_a_period(form: Any) -> str | None:
    return None if form.kind == "free" else str(form.period)


@pytest.fixture
def recurring(county: County) -> County:
    """One report a period for the whole county, however many townships owe it."""
    procedure = report(once=once_a_period)
    county.engine = declared(county.engine.vault, (procedure, policy(obligations={"weekly": rule()})), upon="national")
    return county


def hand_in(county: County, period: str, kind: str = "plain") -> int:
    data = {"summary": "报告", "period": period, "first": "2016-03-01", "due": "2016-03-09", "kind": kind}
    with county.database.write() as session:
        return open_matter(
            county.engine, session, "report", data, CLOCK, county.now, unit_id=county.units["county"]
        ).matter_id


def kept(county: County, model: Any) -> list[dict[str, Any]]:
    with county.database.read() as session:
        return rows_of(session, model)


def test_a_second_one_is_refused_and_leaves_nothing(recurring: County) -> None:
    first = hand_in(recurring, "2016")
    with pytest.raises(AlreadyOpened):
        hand_in(recurring, "2016")
    hand_in(recurring, "2017")
    assert hand_in(recurring, "2016", "free") != hand_in(recurring, "2016", "free")
    with recurring.database.read() as session:
        keys = {once.key: once.matter_id for once in session.query(Once)}
    assert keys["2016"] == first
    assert sorted(keys) == ["2016", "2017"]
    assert len(kept(recurring, Matter)) == 4


def test_an_obligation_that_is_met_already_is_waived_with_the_reason(recurring: County) -> None:
    done = open_due(recurring.database, recurring.engine, recurring.now)
    assert (done["opened"], done["waived"], done["failed"]) == (1, 1, 0)
    reasons = [row["waived"] for row in kept(recurring, Obligation)]
    assert [bool(reason) for reason in reasons] == [False, True]
    assert "不能重复登记" in reasons[1]
    assert open_due(recurring.database, recurring.engine, recurring.now)["opened"] == 0
