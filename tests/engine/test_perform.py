"""One way to move a matter: who may, in which order it is asked, and that a refusal changes nothing."""

from typing import Any

import pytest

from services.db.errors import DubanError
from services.engine.errors import (
    ActionRefused,
    AlreadyPerformed,
    ClaimedByAnother,
    DutiesOpen,
    InvalidAnswers,
    MatterNotFound,
    NotPermitted,
    Stale,
    Unmeasured,
)
from services.engine.work import claim
from tests.support.cast import County
from tests.support.dump import dump
from tests.support.invariants import check, entries, matter, turn


def reason(error: pytest.ExceptionInfo[DubanError]) -> Any:
    return error.value.extra.get("reason")


def test_a_whole_petition_goes_from_registration_to_the_archive(county: County) -> None:
    way = ["accept", "give_acceptance_notice", "propose", "approve", "note_progress", "complete", "pass_recheck"]
    matter_id = county.walk(*way, "feed_back", "archive")
    row = matter(county, matter_id)
    assert (row["state"], row["version"], row["due_at"], row["undo"]) == ("archived", 10, None, None)
    assert row["closed_at"] == county.now
    assert [e["action"] for e in entries(county, matter_id)] == ["open", *way, "feed_back", "archive"]
    check(county)


def test_no_matter_closes_while_somebody_is_owed_an_answer(county: County) -> None:
    matter_id = county.walk("accept", "propose", "approve", "complete", "pass_recheck", "feed_back")
    before = dump(county.database)
    with pytest.raises(DutiesOpen) as refused:
        county.act(matter_id, "archive", *county.usual("archive"))
    assert refused.value.extra["duties"] == ["受理告知"]
    assert dump(county.database) == before


class TestTwice:
    """The same request, and a page drawn from an older state."""

    def test_the_same_request_is_carried_out_once(self, county: County) -> None:
        matter_id = county.open().matter_id
        done = county.act(matter_id, "accept", "clerk", request_key="k1")
        before = dump(county.database)
        with pytest.raises(AlreadyPerformed) as refused:
            county.act(matter_id, "accept", "clerk", request_key="k1")
        assert refused.value.extra == {"entry": done.entry_seq, "matter_id": matter_id}
        assert dump(county.database) == before

    def test_a_key_counts_for_its_own_actor(self, county: County) -> None:
        matter_id = county.open().matter_id
        county.act(matter_id, "accept", "clerk", request_key="k1")
        assert county.act(matter_id, "propose", "clerk2", county.usual("propose")[1], request_key="k1").version == 3

    def test_a_refused_request_may_be_sent_again_under_its_key(self, county: County) -> None:
        matter_id = county.open().matter_id
        with pytest.raises(ActionRefused):
            county.act(matter_id, "propose", *county.usual("propose"), request_key="k1")
        assert county.act(matter_id, "accept", "clerk", request_key="k1").version == 2

    @pytest.mark.parametrize("seen", [1, 3])
    def test_another_version_than_the_one_seen_is_refused(self, county: County, seen: int) -> None:
        matter_id = county.walk("accept")
        before = dump(county.database)
        with pytest.raises(Stale) as refused:
            county.act(matter_id, "propose", *county.usual("propose"), seen_version=seen)
        assert refused.value.extra == {"seen": seen, "present": 2}
        assert dump(county.database) == before
        assert county.act(matter_id, "propose", *county.usual("propose"), seen_version=2).version == 3


@pytest.mark.parametrize(
    ("walked", "action", "who", "data", "error", "code"),
    [
        (["accept"], "propose", "nobody", {}, MatterNotFound, None),
        (["accept"], "propose", "elsewhere", {}, MatterNotFound, None),
        (["accept"], "propose", "supervisor", None, NotPermitted, None),
        (["accept"], "burn", "clerk", {}, NotPermitted, None),
        (["accept"], "propose", "clerk", {}, InvalidAnswers, None),
        (["accept"], "accept", "clerk", {}, ActionRefused, "not_in_this_state"),
        (["accept", "propose"], "withdraw", "clerk2", {"reason": "代撤"}, NotPermitted, None),
        (["accept", "propose", "approve"], "approve", "leader", {}, ActionRefused, "not_in_this_state"),
        (["accept", "propose", "approve"], "resume", "office", {"reason": "恢复"}, ActionRefused, "not_suspended"),
        (["accept", "propose", "approve"], "archive", "nobody", {}, MatterNotFound, None),
    ],
)
def test_a_refusal_changes_nothing(
    sqlite_county: County,
    walked: list[str],
    action: str,
    who: str,
    data: dict[str, Any] | None,
    error: type[DubanError],
    code: str | None,
) -> None:
    county = sqlite_county
    matter_id = county.walk(*walked)
    before = dump(county.database)
    with pytest.raises(error) as refused:
        county.act(matter_id, action, who, county.usual(action)[1] if data is None else data)
    assert reason(refused) == code
    assert refused.value.zh
    assert dump(county.database) == before


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("2016-02-29", Unmeasured),  # before the period could begin
        ("2150-01-01", Unmeasured),
        ("2099-12-31", Unmeasured),  # its ladder would leave the calendar
        ("0001-01-01T00:00:00+08:00", Unmeasured),
        ("2016-03-20T10:00:00", InvalidAnswers),
        ("soon", InvalidAnswers),
    ],
)
def test_a_period_nobody_can_compute_is_refused(sqlite_county: County, given: str, error: type[DubanError]) -> None:
    county = sqlite_county
    matter_id = county.walk("accept")
    proposal = {**county.usual("propose")[1], "petition_class": "date_given", "given_due": given}
    before = dump(county.database)
    with pytest.raises(error):
        county.act(matter_id, "propose", "clerk", proposal)
        before = dump(county.database)
        county.act(matter_id, "approve", *county.usual("approve"))
    assert dump(county.database) == before


@pytest.mark.parametrize("received", ["0001-01-01", "1949-12-20"])
def test_nor_is_a_matter_registered_that_nothing_could_measure(sqlite_county: County, received: str) -> None:
    before = dump(sqlite_county.database)
    with pytest.raises(Unmeasured):
        sqlite_county.open(received_on=received)
    assert dump(sqlite_county.database) == before


@pytest.mark.parametrize(
    ("answers", "field", "code"),
    [
        ({"disposition": "burn"}, "disposition", "unknown_code"),
        ({"handler_unit": 999}, "handler_unit", "unknown_unit"),
        ({"opinion": "甲\x00"}, "opinion", "control_character"),
        ({"colour": "red"}, "colour", "extra_forbidden"),
    ],
)
def test_every_objection_names_its_field(sqlite_county: County, answers: dict[str, Any], field: str, code: str) -> None:
    county = sqlite_county
    matter_id = county.walk("accept")
    with pytest.raises(InvalidAnswers) as refused:
        county.act(matter_id, "propose", "clerk", {**county.usual("propose")[1], **answers})
    assert [(e["field"], e["code"]) for e in refused.value.extra["errors"]] == [(field, code)]


def test_no_event_lies_in_the_future(sqlite_county: County) -> None:
    county = sqlite_county
    matter_id = county.walk("accept", "propose", "approve")
    completion = {**county.usual("complete")[1], "finished_on": "2016-03-02"}
    with pytest.raises(InvalidAnswers, match="finished_on"):
        county.act(matter_id, "complete", "handler", completion)


def test_what_somebody_claimed_is_his_to_do(county: County) -> None:
    matter_id = county.walk("accept")
    with county.database.write() as session:
        claim(session, county.engine, turn(county, matter_id)["id"], county.actor("clerk", session), county.now)
    with pytest.raises(ClaimedByAnother, match="赵信访"):
        county.act(matter_id, "propose", "clerk2", county.usual("propose")[1])
    assert county.act(matter_id, "propose", *county.usual("propose")).state == "approval"
