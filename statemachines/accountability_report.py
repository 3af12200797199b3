"""Accountability reports (述责述廉): own report, questioning, ballot, the organisation's comment; then rectification.

Sources: 苍溪 “三述四评” (M3, M4), 通城 2016 (一)3 (M53), 镇坪 述责述廉述效 (M40), 广西 述责述廉述德 (M91). Everybody
reports in exactly one mode a year; a dynamic report needs a verified finding and a reason, never a number of complaints.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from statemachines.kit import effects as fx
from statemachines.kit.figures import two_places
from statemachines.kit.findings import Findings, Result, as_rectifications, grade_of, mean_of, means
from statemachines.kit.forms import (
    Asked,
    AttachmentId,
    Coded,
    Form,
    GoBack,
    Heard,
    MatterId,
    Note,
    PastDate,
    PersonId,
    Reason,
    Text,
    UnitId,
)
from statemachines.kit.idioms import Member, recusal
from statemachines.kit.obligations import Occasion
from statemachines.kit.panels import Panel, Seat
from statemachines.kit.procedure import Action, Choice, Guard, Kind, Opening, procedure, send_back
from statemachines.kit.situation import Situation
from statemachines.kit.teams import linked_done, marked_absent, panel_enough, still_waited_for


class State(StrEnum):
    PLANNED = "planned"
    QUESTIONING = "questioning"
    BALLOT = "ballot"
    COMMENT = "comment"
    RECTIFYING = "rectifying"
    CONCLUDED = "concluded"
    WAIVED = "waived"


S = State
OPEN = (S.PLANNED, S.QUESTIONING, S.BALLOT, S.COMMENT, S.RECTIFYING)
DUTY, INTEGRITY, EFFECT, VIRTUE = "responsibility", "integrity", "effect", "virtue"
SECTIONS = "report_sections"
RATERS = "raters"

Attachments = Annotated[tuple[AttachmentId, ...], Field(default=(), title="附件", max_length=50)]


class Mode(Form):
    mode: Annotated[str, Coded("report_modes")] = Field(title="述职方式")
    report_by: date = Field(title="述评提交期限")
    finding: MatterId | None = Field(None, title="查实的问题（动态述）")
    grounds: str = Field("", title="动态述的理由", max_length=2000)


class Plan(Mode):
    year: int = Field(title="年度", ge=2000, le=2099)
    unit: UnitId = Field(title="所在单位")
    subject: Annotated[PersonId, Heard()] = Field(title="述职对象")
    duty: Annotated[str, Coded("report_duties")] = Field(title="履行责任")
    planned_on: PastDate = Field(title="列入计划日期")
    follows: MatterId | None = Field(None, title="上半年的集中述")


class Change(Mode, Reason):
    pass


class Report(Form):
    responsibility: Text = Field(title="述责：履行责任情况")
    integrity: Text = Field(title="述廉：廉洁自律情况")
    effect: Annotated[Text | None, Asked(SECTIONS, EFFECT)] = Field(None, title="述效：履责成效")
    virtue: Annotated[Text | None, Asked(SECTIONS, VIRTUE)] = Field(None, title="述德：政治品德和作风")
    attachments: Attachments


class Question(Form):
    question: Text = Field(title="质询")
    answer: Text = Field(title="答复")


class Rater(Form):
    group: Annotated[str, Coded("rater_groups")] = Field(title="测评组别")
    people: tuple[PersonId, ...] = Field(title="测评人", min_length=1, max_length=200)


class Meeting(Form):
    held_on: PastDate = Field(title="述职大会日期")
    questions: tuple[Question, ...] = Field(title="质询和答复", min_length=1, max_length=50)
    attended_by: Annotated[PersonId | None, Asked("meeting_requirements", "committee_member")] = Field(
        None, title="到会指导的班子成员"
    )
    raters: tuple[Rater, ...] = Field(title="测评人员", min_length=1, max_length=10)


class Ballot(Form):
    responsibility: Annotated[str, Coded("ballot_levels")] = Field(title="履行责任情况")
    integrity: Annotated[str, Coded("ballot_levels")] = Field(title="廉洁自律情况")
    effect: Annotated[Annotated[str, Coded("ballot_levels")] | None, Asked(SECTIONS, EFFECT)] = Field(
        None, title="履责成效"
    )
    virtue: Annotated[Annotated[str, Coded("ballot_levels")] | None, Asked(SECTIONS, VIRTUE)] = Field(
        None, title="政治品德和作风"
    )


class Conclusion(Form):
    comment: Text = Field(title="组织点评")
    findings: Findings


def mode_of(s: Situation) -> str:
    return str(s.answer("change_mode.mode") or s.answer("open.mode"))


def score_of(s: Situation) -> Fraction | None:
    """The mean over the sections of the report, each weighed by groups of raters; exact."""
    points, tally = s.policy.codes("ballot_points"), s.panels[RATERS]
    return mean_of(means(tally, s.policy.codes(SECTIONS), lambda level: Fraction(points[level])), {})


def _result(s: Situation, _: Any) -> dict[str, str | None]:
    score = score_of(s)
    if score is None:
        return {"score": None, "grade": None}
    return {"score": two_places(score), "grade": grade_of(score, s.policy.codes("grade_thresholds"))}


def _conclusion(s: Situation, _: Any) -> dict[str, Any]:
    return {"score": s.answer("close_ballot.score"), "grade": s.answer("close_ballot.grade")}


def _dynamic_is_grounded(s: Situation, answers: Mode) -> bool:
    if answers.mode != "dynamic":
        return answers.finding is None
    found = s.others.get(answers.finding or 0)
    if found is None or not answers.grounds or not found.closed:
        return False
    known = found.procedure in s.policy.codes("verified_findings")
    return known and (found.procedure != "petition" or found.answer("complete.result") in ("substantiated", "partly"))


def _follows_its_own_first_half(s: Situation, answers: Plan) -> bool:
    if answers.follows is None:
        return True
    first = s.others[answers.follows]
    now_in = first.answer("change_mode.mode") or first.answer("open.mode")
    same = (first.answer("open.subject"), first.answer("open.year")) == (answers.subject, answers.year)
    apart = first.procedure == "accountability_report" and first.answer("open.follows") is None
    return same and apart and now_in == answers.mode == "concentrated"


def _groups_are_large_enough(s: Situation, answers: Meeting) -> bool:
    sizes: Counter[str] = Counter()
    for rater in answers.raters:
        sizes[rater.group] += len(set(rater.people))
    return all(size >= int(s.policy.setting("rater_group_at_least")) for size in sizes.values())


def _rates_once(_: Situation, answers: Meeting) -> bool:
    people = [p for rater in answers.raters for p in rater.people]
    return len(people) == len(set(people))


def _seats(_: Situation, answers: Meeting) -> list[Seat]:
    return [Seat(person, rater.group) for rater in answers.raters for person in rater.people]


def _period(s: Situation) -> str:
    half = "" if mode_of(s) != "concentrated" else "-H2" if s.answer("open.follows") else "-H1"
    return f"{s.answer('open.year')}{half}"


def _score_entry(s: Situation, _: Any) -> list[Mapping[str, Any]]:
    grade = s.policy.codes("grades")[s.answer("close_ballot.grade")]
    return [{
        "period": _period(s), "unit": s.answer("open.unit"), "person": s.answer("open.subject"),
        "item": "accountability_report", "origin": s.matter_id,
        "reason": f"述责述廉测评得分{s.answer('close_ballot.score')}，等次{grade}",
    }]  # fmt: skip


def _back_to(state: State) -> Callable[[Situation, GoBack], bool]:
    return lambda s, a: (a.to or s.earlier_states()[0]) == state


def _written(occasion: Occasion) -> Mapping[str, Any]:
    return {
        "year": occasion.first.year, "unit": occasion.unit_id, "subject": occasion.person_id, "mode": "written",
        "duty": "primary", "planned_on": occasion.first.isoformat(), "report_by": occasion.due.isoformat(),
    }  # fmt: skip


GROUNDED = Guard(
    "dynamic_ungrounded", "a dynamic report needs a closed matter with a verified finding, and a reason; others need none",
    "动态述须指明已办结且查实问题的事项并说明理由；其他方式不填", _dynamic_is_grounded,
)  # fmt: skip
FIRST_HALF = Guard(
    "no_first_half", "name the same person's concentrated report of the first half of that year",
    "请选择同一对象同一年度上半年的集中述", _follows_its_own_first_half,
)  # fmt: skip
IN_TURN = Guard(
    "due_before_planned", "the report is due after it was planned", "提交期限不得早于列入计划日期",
    lambda s, a: a.report_by >= a.planned_on,
)  # fmt: skip
PERSONALLY = Guard(
    "not_personally", "the subject reports in person", "述评须由述职对象本人提交",
    lambda s, _: s.actor == s.answer("open.subject") and s.behalf_of is None,
)  # fmt: skip
NOT_THE_SUBJECT = Guard(
    "own_report", "nobody decides on his own report", "述职对象不得办理本人的测评和点评",
    lambda s, _: s.actor is None or s.answer("open.subject") not in s.acting,
)  # fmt: skip
NOT_AMONG_RATERS = Guard(
    "rates_himself", "the subject is no rater", "述职对象不得参加对本人的测评",
    lambda s, a: all(s.answer("open.subject") not in r.people for r in a.raters),
)  # fmt: skip
EACH_ONCE = Guard("rates_twice", "everybody sits in one group, once", "同一测评人只能列入一个组别", _rates_once)
UNRECOGNISABLE = Guard(
    "group_too_small", "in so small a group a ballot would tell who cast it", "每个测评组别的人数不足，无法保证匿名",
    _groups_are_large_enough,
)  # fmt: skip
AFTER_REPORT = Guard(
    "held_before_report", "the meeting follows the report", "述职大会不得早于述评提交",
    lambda s, a: a.held_on.isoformat() >= s.answer("submit.submitted_on"),
)  # fmt: skip
HAS_FINDINGS = Choice(lambda s, a: S.RECTIFYING if a.findings else S.CONCLUDED, (S.RECTIFYING, S.CONCLUDED))

ACCOUNTABILITY_REPORT = procedure(
    "accountability_report",
    "述责述廉",
    State,
    opening=Opening(
        form=Plan,
        title=lambda a: f"{a.year}年述责述廉" + ("（下半年）" if a.follows else ""),
        guards=(GROUNDED, FIRST_HALF, IN_TURN),
        effects=(fx.MoveTo("open.unit"), fx.StartClock("report", given="open.report_by"), fx.Assign("open.subject"),
                 fx.LinkTo("finding", "found_in"), fx.LinkTo("follows", "second_half")),
        on_period=_written,
        once=lambda a: f"{a.subject}/{a.year}" + ("/2" if a.follows else ""),
    ),
    actions=[
        Action("change_mode", "调整述职方式", [S.PLANNED], None, Change, (GROUNDED, NOT_THE_SUBJECT),
               (fx.Rebudget("report", by="change_mode.mode", given="change_mode.report_by"),
                fx.LinkTo("finding", "found_in")), Kind.NOTE),
        Action("waive", "免予述职", [S.PLANNED], S.WAIVED, Reason, (NOT_THE_SUBJECT,)),
        Action("submit", "个人述评", [S.PLANNED], S.QUESTIONING, Report, (PERSONALLY,),
               (fx.StopClock("report"), fx.StartClock("meeting")),
               derive=lambda s, _: {"submitted_on": s.today.isoformat()}),
        Action("question", "大会询评", [S.QUESTIONING], S.BALLOT, Meeting,
               (NOT_THE_SUBJECT, NOT_AMONG_RATERS, EACH_ONCE, UNRECOGNISABLE, AFTER_REPORT),
               (fx.StopClock("meeting"), fx.StartClock("ballot"), fx.Convene(RATERS, seats=_seats))),
        send_back([S.QUESTIONING, S.BALLOT], effects=(
            fx.StopClock("ballot"), fx.StopClock("meeting"), fx.StartClock("meeting", when=_back_to(S.QUESTIONING)),
            fx.StartClock("report", given="open.report_by", when=_back_to(S.PLANNED)))),
        Action("vote", "民主测评", [S.BALLOT], None, Ballot, kind=Kind.VOTE),
        Action("mark_absent", "登记缺席", [S.BALLOT], None, Member, (NOT_THE_SUBJECT, still_waited_for(RATERS)),
               (fx.MarkAbsent(RATERS),), Kind.NOTE),
        Action("mark_present", "取消缺席", [S.BALLOT], None, Member, (NOT_THE_SUBJECT, marked_absent(RATERS)),
               (fx.AddMember(RATERS),), Kind.NOTE),
        Action("close_ballot", "结束测评", [S.BALLOT], S.COMMENT, Note,
               (NOT_THE_SUBJECT, panel_enough(RATERS, zh="测评人数未达到规定")),
               (fx.StopClock("ballot"), fx.StartClock("comment")), derive=_result, derived=Result),
        Action("conclude", "组织点评", [S.COMMENT], HAS_FINDINGS, Conclusion, (NOT_THE_SUBJECT,),
               (fx.StopClock("comment"), fx.StartClock("follow_up", when=lambda s, a: bool(a.findings)),
                fx.Open("rectification", as_rectifications, "rectifies"), fx.Open("score", _score_entry, "scores")),
               derive=_conclusion),
        Action("finish", "整改完成", [S.RECTIFYING], S.CONCLUDED, Form, (linked_done("rectifies", zh="尚有整改未销号"),)),
        recusal(OPEN),
    ],
    labels={
        S.PLANNED: "待述评", S.QUESTIONING: "待询评", S.BALLOT: "测评中", S.COMMENT: "待点评", S.RECTIFYING: "整改中",
        S.CONCLUDED: "已办结", S.WAIVED: "免予述职",
    },
    final=[S.CONCLUDED, S.WAIVED],
    panels=[Panel(RATERS, "vote", anonymous=True)],
    watches=["rectifies"],
    when_done={"rectifies": "finish"},
    links={"found_in": ("所依据的查实问题", "动态述责述廉"), "second_half": ("上半年述责述廉", "下半年述责述廉")},
)  # fmt: skip
