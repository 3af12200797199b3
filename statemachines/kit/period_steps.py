"""How each line of a due date's explanation reads, in Chinese for people and in English for machines."""

from collections.abc import Iterator
from datetime import date, timedelta

from statemachines.kit.period_terms import Budget, Calendar, Extension, Step, Suspension, Unit

_DAY = timedelta(days=1)


def rule_is(rule: str) -> Step:
    return Step("rule", None, f"依据：{rule.replace('not in the source', '原文未载明')}", f"rule: {rule}")


def anchored(anchor: date) -> Step:
    return Step("anchor", anchor, f"自 {anchor} 次日起算（当日不计）", f"from {anchor}, that day not counted")


def given(day: date) -> Step:
    return Step("budget", day, f"指定于 {day} 届满", f"date given: {day}")


def lasting(budget: Budget, end: date) -> Step:
    return Step("budget", end, f"期限{budget.zh}，至 {end}", f"{budget}: to {end}")


def extended(extension: Extension, before: date, after: date) -> Step:
    budget, by, asked, why = extension.budget, extension.approved_by, extension.asked_on, extension.reason
    return Step(
        "extension",
        after,
        f"延长{budget.zh}（{asked} 申请，{by}批准，事由：{why}），自 {before} 延至 {after}",
        f"extended by {budget} (asked on {asked}, approved by {by}, reason: {why}): from {before} to {after}",
    )


def stood_still(still: Suspension, length: int, unit: Unit, before: date, after: date) -> Step:
    counted = ("个工作日", "working days") if unit is Unit.WORKDAY else ("日", "days")
    return Step(
        "suspension",
        after,
        f"{still.start} 中止、{still.end} 恢复（{still.reason}），停算{length}{counted[0]}，由 {before} 移至 {after}",
        f"suspended on {still.start}, resumed on {still.end} ({still.reason}): "
        f"{length} {counted[1]} not counted, moved from {before} to {after}",
    )


def stands_still(still: Suspension) -> Step:
    return Step(
        "suspension",
        still.start,
        f"自 {still.start} 起中止（{still.reason}），尚未恢复，到期日待恢复后计算",
        f"suspended since {still.start} ({still.reason}): no due date until it is resumed",
    )


def stopped_too_late(still: Suspension, due: date) -> Step:
    return Step(
        "suspension",
        still.start,
        f"{still.start} 中止（{still.reason}）时已于 {due} 到期，不影响到期日",
        f"suspended on {still.start} ({still.reason}), after it was due on {due}: no effect",
    )


def rolled(nominal: date, resumed: date, effective: date) -> Step:
    if resumed > nominal:
        zh, en = f"{resumed} 恢复前不届满", f"cannot end before it is resumed on {resumed}"
    else:
        zh, en = f"期满日 {nominal} 为休息日", f"{nominal} is a rest day"
    return Step("roll", effective, f"{zh}，顺延至 {effective}", f"{en}: rolled to {effective}")


def not_rolled(nominal: date) -> Step:
    return Step("roll", nominal, f"{nominal} 届满，遇休息日不顺延", f"ends on {nominal}, not rolled")


def uncertain(calendar: Calendar) -> Step:
    return Step(
        "provisional",
        calendar.horizon,
        f"暂定：所涉日期超出已知节假日安排（{calendar.known_from} 至 {calendar.horizon}），仅按周末推算",
        f"provisional: holidays are known from {calendar.known_from} to {calendar.horizon} only; "
        "beyond, weekends alone are rest days",
    )


def passed_over(calendar: Calendar, first: date, last: date) -> Iterator[Step]:
    """Tell every run of rest days and every made-up working day from `first` to `last`, in order."""
    run: list[date] = []
    for day in _days(first, last):
        if not calendar.is_working(day):
            run.append(day)
            continue
        if run:
            yield _skipped(calendar, run)
            run = []
        if calendar.is_made_up(day):
            yield made_up(calendar, day)
    if run:
        yield _skipped(calendar, run)


def made_up(calendar: Calendar, day: date) -> Step:
    name = calendar.name(day)
    return Step("made_up", day, f"{_short(day)} {name}，按工作日计", f"{_short(day)} {name}: a working day")


def _skipped(calendar: Calendar, run: list[date]) -> Step:
    names = "、".join(dict.fromkeys(map(calendar.name, run)))
    first, last = _short(run[0]), _short(run[-1])
    zh, en = (first, first) if len(run) == 1 else (f"{first}至{last}", f"{first} to {last}")
    return Step("skipped", run[0], f"{zh} {names}，休息，跳过", f"{en} {names}: rest, passed over")


def _days(first: date, last: date) -> Iterator[date]:
    return (first + _DAY * n for n in range((last - first).days + 1))


def _short(day: date) -> str:
    return day.isoformat()[5:]
