"""`duban journal verify`."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from tests.support.cast import County


def test_a_journal_that_holds(home_county: County, answer: Callable[..., Any]) -> None:
    home_county.walk("accept", "propose")
    home_county.open()
    deeds = {"entries": 0, "broken": [], "ok": True}
    whole = {"entries": 4, "matters": 2, "broken": [], "ok": True, "administration": deeds}
    assert answer("journal", "verify") == whole


def test_the_first_bad_entry_is_named_and_the_exit_code_tells(home_county: County, duban: Callable[..., Any]) -> None:
    matter_id = home_county.walk("accept", "propose")
    with home_county.database.write() as session:
        session.execute(text("UPDATE journal SET actor_name = '别人' WHERE seq = 2"))
    result = duban("journal", "verify")
    assert result.exit_code == 1
    row = next(line for line in result.stdout.splitlines() if "content was changed" in line)
    assert [cell.strip() for cell in row.strip("│ ").split("│")] == [str(matter_id), "2", "content was changed"]


def test_one_matter_alone(home_county: County, answer: Callable[..., Any]) -> None:
    home_county.open()
    second = home_county.walk("accept")
    assert answer("journal", "verify", "--matter", str(second))["entries"] == 2


def test_an_unknown_matter_is_refused(home_county: County, refusal: Callable[..., str]) -> None:
    assert "bad_argument: there is no matter 4711" in refusal("journal", "verify", "--matter", "4711")
