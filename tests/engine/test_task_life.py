"""The tasks of 2016 open by themselves on their days, are due on theirs, and remind before."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from services.engine.errors import InvalidAnswers
from services.engine.models import Attachment, FiredRung, Matter
from services.engine.obligations import open_due
from services.engine.sweep import sweep_all
from tests.support.cast import County
from tests.support.invariants import check, clocks


def tasks(county: County) -> list[dict[str, Any]]:
    with county.database.read() as session:
        return [dict(r) for r in session.execute(select(Matter.__table__).where(Matter.procedure == "task")).mappings()]


def test_they_open_once_on_their_days_and_are_due_on_a_saturday_all_the_same(county: County) -> None:
    for day in (datetime(2016, 2, 20, 2, tzinfo=UTC), datetime(2016, 2, 20, 3, tzinfo=UTC)):
        open_due(county.database, county.engine, day)
    assert {t["title"] for t in tasks(county)} == {"制定“五个下沉”实施方案（2016）"}
    assert {t["unit_id"] for t in tasks(county)} == {county.units[u] for u in ("liuhe", "baishi", "water")}
    open_due(county.database, county.engine, datetime(2016, 9, 20, 2, tzinfo=UTC))
    summary = next(t for t in tasks(county) if t["title"].startswith("“五个下沉”工作总结"))
    clock = clocks(county, summary["id"])["handling"]
    assert (clock["nominal_due"], clock["effective_due"]) == (date(2016, 10, 15), date(2016, 10, 15))
    sweep_all(county.database, county.engine, datetime(2016, 10, 13, 16, tzinfo=UTC))  # 10-14, just after midnight
    with county.database.read() as session:
        fired = session.scalars(select(FiredRung.rung).where(FiredRung.matter_id == summary["id"])).all()
    assert fired == ["-1 workday"]


def test_a_task_late_by_five_working_days_is_supervised(county: County) -> None:
    open_due(county.database, county.engine, datetime(2016, 2, 20, 2, tzinfo=UTC))
    sweep_all(county.database, county.engine, datetime(2016, 3, 4, 2, tzinfo=UTC))  # five working days after 02-26
    with county.database.read() as session:
        orders = session.scalars(select(Matter.title).where(Matter.procedure == "supervised_handling")).all()
    assert len(orders) == 3
    check(county)


def test_evidence_serves_once(county: County) -> None:
    """The same file under another name strikes off no second item."""
    open_due(county.database, county.engine, datetime(2016, 2, 20, 2, tzinfo=UTC))
    first, second = (t for t in tasks(county) if t["unit_id"] in (county.units["liuhe"], county.units["baishi"]))
    heads = {county.units["liuhe"]: "township_committee", county.units["baishi"]: "baishi_head"}
    for task, refused in ((first, False), (second, True)):
        who = heads[task["unit_id"]]
        signed = {"handler": county.people[who], "measures": "照办"}
        county.act(task["id"], "sign_for", who, signed)
        asked = {"done": "已报送", "evidence": [upload(county, who)]}
        if refused:
            with pytest.raises(InvalidAnswers):
                county.act(task["id"], "ask_strike_off", who, asked)
        else:
            county.act(task["id"], "ask_strike_off", who, asked)
    check(county)


def upload(county: County, who: str) -> int:
    """A file of always the same content, whoever uploads it."""
    with county.database.write() as session:
        file = Attachment(
            matter_id=None, sha256="ab" * 32, name=f"{who}.pdf", size=1, media_type="application/pdf",
            uploaded_by=county.people[who], uploaded_at=county.now,
        )  # fmt: skip
        session.add(file)
        session.flush()
        return file.id
