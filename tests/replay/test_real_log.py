"""The CoSeLoG log itself. It is not in the repository: `DUBAN_TEST_DATA`, or `shared/data` beside it, holds it."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from services.db.session import Database
from tests.replay.logs import Place


@pytest.fixture
def receipt() -> Path:
    beside = Path(__file__).parents[3] / "shared" / "data"
    file = Path(os.environ.get("DUBAN_TEST_DATA", beside)) / "receipt.csv"
    if not file.exists():
        missing = "receipt.csv is not there: set DUBAN_TEST_DATA to its folder"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return file


def test_the_figures_on_a_day_and_over_the_whole_log(new_place: Callable[[], Place], receipt: Path) -> None:
    place = new_place()

    june = place.replay(receipt, until=datetime.fromisoformat("2011-06-01T00:00+08:00"))
    assert (june["open"], june["open_overdue"], june["escalated_overdue"]) == (191, 43, 43)

    end = place.replay(receipt, resume=True)
    assert (end["started"], end["ended"], end["ended_late"], end["archived"]) == (1434, 1329, 377, 1329)
    assert end["open"] == 105
    assert end["open_overdue"] == end["escalated_overdue"] > 0
    assert end["events"] == end["notes"] == 8577
    assert end["defect_counts"] == {"ends_before_start": 2, "event_before_start": 12, "event_after_end": 180}
    assert len(end["defects"]) == 194
    assert all(defect["replayed"] for defect in end["defects"])
    assert end["journal_ok"] is True
    assert (end["set_aside"], end["failed_deeds"]) == (0, 0)
    assert _rungs_fired_twice(place) == []


def _rungs_fired_twice(place: Place) -> list[object]:
    database = Database(place.url)
    query = "SELECT clock_id, rung FROM fired_rung GROUP BY clock_id, rung HAVING count(*) > 1"
    with database.read() as session:
        found = list(session.connection().exec_driver_sql(query))
    database.close()
    return found
