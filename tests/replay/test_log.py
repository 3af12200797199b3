"""Reading: everything wrong is named at once, by line, before anything is made of the log."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.replay.errors import BadLog, BadProfile
from services.replay.log import read_log
from services.replay.profile import PROFILES, load_profile
from tests.replay.logs import COLUMNS, OTHER, OTHER_LOG, LogFile

COSELOG = load_profile("coselog")


def one_case(**other: str) -> LogFile:
    events = (("2016-03-01 10:00", "Wang"), ("2016-03-02 10:00", "Li"))
    return LogFile().case("c1", "2016-03-01 09:00", "2016-03-08 12:00", "2016-03-04 10:00", events, **other)


def problems(file: Path) -> list[str]:
    with pytest.raises(BadLog) as caught:
        read_log(file, COSELOG)
    found: list[str] = caught.value.extra["problems"]
    return found


def test_reads_cases_with_their_events_in_order(tmp_path: Path) -> None:
    log = read_log(one_case().write(tmp_path / "log.csv"), COSELOG)

    (case,) = log.cases
    assert (case.id, case.line, case.facts.responsible) == ("c1", 2, "Zhou")
    assert case.facts.end == datetime(2016, 3, 4, 2, tzinfo=UTC)
    assert [(e.resource, e.activity, e.line) for e in case.events] == [("Wang", "step 1", 2), ("Li", "step 2", 3)]


def test_reads_another_log_with_another_profile(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(OTHER, encoding="utf-8")
    (tmp_path / "other.csv").write_text(OTHER_LOG, encoding="utf-8")

    (case,) = read_log(tmp_path / "other.csv", load_profile(str(tmp_path / "other.toml"))).cases

    assert case.facts.start == datetime(2016, 3, 1, 1, tzinfo=UTC)
    assert [event.resource for event in case.events] == ["Ann", "Bob"]


def test_names_every_missing_column(tmp_path: Path) -> None:
    file = one_case().write(tmp_path / "log.csv")
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(COLUMNS["deadline"], "x").replace(COLUMNS["unit"], "y"), encoding="utf-8")

    found = problems(file)

    assert found[0] == "there is no column 'case:deadline' for deadline"
    assert found[1] == "there is no column 'case:department' for unit"


@pytest.mark.parametrize(
    ("column", "text", "said"),
    [
        ("time", "yesterday", "line 2: time 'yesterday' is no time"),
        ("start", "2016-03-01 09:00", "it has no UTC offset"),
        ("resource", "", "line 2: resource is empty"),
        ("deadline", "", "line 2: deadline is empty"),
        ("unit", "Attic", "line 2: unit 'Attic' is not in the profile's [units]"),
        ("channel", "Pigeon", "line 2: channel 'Pigeon' is not in the profile's [channels]"),
        ("deadline", "2016-02-29T18:00+08:00", "line 2: case c1: its deadline 2016-02-29T18:00:00+08:00 lies before"),
    ],
)
def test_names_what_is_wrong_with_a_row(tmp_path: Path, column: str, text: str, said: str) -> None:
    made = one_case()
    for row in made.rows:
        row[column] = text

    assert said in problems(made.write(tmp_path / "log.csv"))[0]


def test_refuses_rows_of_a_case_that_contradict_each_other(tmp_path: Path) -> None:
    made = one_case()
    made.rows[1]["deadline"] = "2016-03-09T12:00+08:00"

    assert problems(made.write(tmp_path / "log.csv")) == ["line 3: case c1 has another deadline than in line 2"]


def test_shows_the_first_mistakes_and_how_many_more(tmp_path: Path) -> None:
    made = LogFile()
    for number in range(30):
        made.case(f"c{number}", "2016-03-01 09:00", "2016-03-08 12:00", "", (("2016-03-01 10:00", ""),))

    with pytest.raises(BadLog, match=r"(?s)line 2: resource is empty.*and 20 more"):
        read_log(made.write(tmp_path / "log.csv"), COSELOG)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'a,b\n"x'])
def test_refuses_what_is_no_log(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log.csv").write_bytes(content)

    assert problems(tmp_path / "log.csv")


def test_refuses_a_log_without_events_and_one_that_is_not_there(tmp_path: Path) -> None:
    assert problems(LogFile().write(tmp_path / "log.csv")) == ["it holds no event"]
    assert "No such file" in problems(tmp_path / "missing.csv")[0]


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(BadProfile, match="no profile 'nowhere'; there are coselog"):
        load_profile("nowhere")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('county = "回放县"', 'count = "回放县"'), r"(?s)county: Field required.*count: Extra inputs"),
        (('county = "回放县"', 'county = "回放县"\ntimezone = "Mars/Olympus"'), "Mars/Olympus is no time zone"),
        (("[answers.open]", "[answers.opens]"), "answers.opens"),
        (("[columns]", "[columns"), "cannot be read"),
    ],
)
def test_a_wrong_profile_says_what_is_wrong(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    text = (PROFILES / "coselog.toml").read_text(encoding="utf-8").replace(*change)
    (tmp_path / "wrong.toml").write_text(text, encoding="utf-8")

    with pytest.raises(BadProfile, match=said):
        load_profile(str(tmp_path / "wrong.toml"))
