"""`duban procedures`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.engine.models import Text
from tests.support.cast import County
from tests.support.on_disk import ON_DISK


def test_list_names_every_procedure_and_its_policies(answer: Callable[..., Any]) -> None:
    listed = {row["procedure"]: row for row in answer("procedures", "list")}
    assert listed.keys() == ON_DISK
    assert listed["petition"]["policies"] == ["2016-02-16", "2017-01-01"]


def test_show_is_of_the_day_asked_for(answer: Callable[..., Any]) -> None:
    before = answer("procedures", "show", "petition", "--on", "2016-05-01")
    since = answer("procedures", "show", "petition", "--on", "2017-05-01")
    assert "case_filing" in before["lists"]["dispositions"]["values"]
    assert "case_filing" not in since["lists"]["dispositions"]["values"]


def test_show_marks_what_rests_on_memory(duban: Callable[..., Any]) -> None:
    shown = duban("procedures", "show", "petition").stdout
    held_review = shown[shown.index("held_review 暂存复查期限") :].splitlines()[1]
    assert held_review.strip() == "source: not in the source; not verified"


def test_diagram_prints_mermaid(duban: Callable[..., Any]) -> None:
    assert "registered --> triage: 受理" in duban("procedures", "diagram", "petition").stdout


def test_diagram_writes_a_drawing(duban: Callable[..., Any], tmp_path: Path) -> None:
    assert duban("procedures", "diagram", "petition", "--svg", str(tmp_path / "petition.svg")).exit_code == 0
    assert (tmp_path / "petition.svg").read_text(encoding="utf-8").startswith("<svg ")


def test_diff_says_in_words_what_one_pack_changes(answer: Callable[..., Any]) -> None:
    said = answer("procedures", "diff", "petition@national", "petition@tongcheng")["differences"]
    handling = next(line for line in said if line.startswith("clock handling: "))
    assert "budget general 60 day → 1 month" in handling
    assert "who may grant_extension: with county_office" in said


def test_diff_says_what_changed_on_a_date(answer: Callable[..., Any]) -> None:
    said = answer("procedures", "diff", "petition@tongcheng:2016-05-01", "petition@tongcheng:2017-01-01")["differences"]
    (dispositions,) = [line for line in said if line.startswith("list ")]
    assert dispositions.startswith("list dispositions: without case_filing; held_pending 暂存 → 暂存待查; ")


def test_diff_with_itself_says_nothing(answer: Callable[..., Any], duban: Callable[..., Any]) -> None:
    assert answer("procedures", "diff", "petition@national", "petition@national")["differences"] == []
    assert "no difference" in duban("procedures", "diff", "petition@national", "petition@national").stdout


def test_diff_reads_versions_kept_in_the_database(home_county: County, answer: Callable[..., Any]) -> None:
    home_county.open()  # received in March 2016: under the first policy
    kept = _kept(home_county)
    said = answer("procedures", "diff", kept["policy"][:8], "petition@tongcheng:2017-01-01")
    assert [line.split(":")[0] for line in said["differences"]] == ["list dispositions"]
    assert answer("procedures", "diff", kept["procedure"], "petition@tongcheng")["differences"] == []


def test_a_kept_procedure_and_a_kept_policy_cannot_be_compared(
    home_county: County, refusal: Callable[..., str]
) -> None:
    home_county.open()
    kept = _kept(home_county)
    assert "compare two of a kind" in refusal("procedures", "diff", kept["policy"], kept["procedure"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "nothing"), "bad_argument: there is no procedure nothing; there are accountability, "),
        (("show", "petition", "--on", "soon"), 'bad_argument: "soon" is no date'),
        (("diagram",), "bad_argument: name a procedure, or give a folder with --all"),
        (("diff", "petition", "petition@national"), 'bad_argument: cannot read "petition"'),
        (("diff", "nothing@national", "petition@national"), "bad_argument: pack national has no procedure nothing"),
        (("diff", "petition@national:2017-13-01", "petition@national"), 'bad_argument: "2017-13-01" is no date'),
        (("diff", "petition@atlantis", "petition@national"), "bad_pack: there is no pack atlantis"),
        (("diff", "abcdef12", "petition@national"), "not_migrated"),
    ],
)
def test_what_does_not_exist_is_refused(refusal: Callable[..., str], words: tuple[str, ...], said: str) -> None:
    assert f"duban: {said}" in refusal("procedures", *words)


def test_a_hash_that_is_not_kept_is_refused(home_county: County, refusal: Callable[..., str]) -> None:
    assert "0 kept versions begin with abcdef12" in refusal("procedures", "diff", "abcdef12", "petition@national")


def _kept(county: County) -> dict[str, str]:
    with county.database.read() as session:
        return {text.kind: text.hash for text in session.query(Text)}
