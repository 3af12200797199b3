"""What a due date says of itself."""

from datetime import date

from config.calendar import WorkingCalendar
from statemachines.kit.periods import (
    Budget,
    Due,
    Extension,
    Roll,
    Suspension,
    Unit,
    compute_due,
)

CALENDAR = WorkingCalendar()


def on(text: str) -> date:
    return date.fromisoformat(text)


def stopped(start: str, end: str | None) -> Suspension:
    return Suspension(on(start), on(end) if end else None, "听证")


def due(anchor: str, budget: str, *stops: Suspension) -> Due:
    return compute_due(on(anchor), Budget.parse(budget), CALENDAR, suspensions=stops)


def kinds(answer: Due) -> list[str]:
    return [step.kind for step in answer.steps]


def test_a_rolled_period_explains_itself() -> None:
    answer = compute_due(on("2016-01-07"), Budget(1, Unit.MONTH), CALENDAR, rule="五个下沉实施方案 三（二）")
    assert [(step.kind, step.day) for step in answer.steps] == [
        ("rule", None),
        ("anchor", on("2016-01-07")),
        ("budget", on("2016-02-07")),
        ("skipped", on("2016-02-07")),
        ("made_up", on("2016-02-14")),
        ("roll", on("2016-02-14")),
    ]
    zh = [step.zh for step in answer.steps]
    assert zh[0] == "依据：五个下沉实施方案 三（二）"
    assert zh[2] == "期限1个月，至 2016-02-07"
    assert zh[3] == "02-07至02-13 春节，休息，跳过"
    assert zh[4] == "02-14 调休上班，按工作日计"
    assert zh[5] == "期满日 2016-02-07 为休息日，顺延至 2016-02-14"


def test_counted_working_days_name_each_run_of_rest_days_and_each_made_up_day() -> None:
    answer = due("2025-01-20", "15 workday")
    assert [step.en for step in answer.steps[2:]] == [
        "01-25 周六: rest, passed over",
        "01-26 调休上班: a working day",
        "01-28 to 02-04 春节: rest, passed over",
        "02-08 调休上班: a working day",
        "02-09 周日: rest, passed over",
    ]


def test_a_made_up_day_it_ends_on_is_named_once() -> None:
    assert kinds(due("2026-01-31", "1 month")) == ["anchor", "budget", "made_up"]
    assert kinds(due("2025-02-05", "3 workday")) == ["anchor", "budget", "made_up"]


def test_a_suspension_that_stopped_nothing_is_not_told() -> None:
    before, within_a_day = stopped("2025-02-10", "2025-03-01"), stopped("2025-03-10", "2025-03-10")
    assert due("2025-02-28", "31 day", before, within_a_day).steps == due("2025-02-28", "31 day").steps


def test_every_change_is_explained_with_its_reason() -> None:
    answer = compute_due(
        on("2025-02-28"),
        Budget(31, Unit.DAY),
        CALENDAR,
        roll=Roll.NONE,
        extensions=[Extension(Budget(5, Unit.DAY), "案情复杂", "县纪委", on("2025-03-03"))],
        suspensions=[stopped("2025-03-10", "2025-03-15"), stopped("2025-06-01", None)],
    )
    zh = {(step.kind, step.day): step.zh for step in answer.steps}
    assert zh["extension", on("2025-04-05")] == (
        "延长5日（2025-03-03 申请，县纪委批准，事由：案情复杂），自 2025-03-31 延至 2025-04-05"
    )
    assert zh["suspension", on("2025-04-10")] == (
        "2025-03-10 中止、2025-03-15 恢复（听证），停算5日，由 2025-04-05 移至 2025-04-10"
    )
    assert zh["suspension", on("2025-06-01")] == "2025-06-01 中止（听证）时已于 2025-04-10 到期，不影响到期日"
    assert zh["roll", on("2025-04-10")] == "2025-04-10 届满，遇休息日不顺延"
