"""Cases (立案审查): a team investigates, the county reviews, a body decides by vote, the decision is carried out.

Sources: 通城 2016 “纪律审查下沉” (M76–M77, M82); 监督执纪工作规则 2019; 处分批准权限和程序规定 2022. Figures are in the
packs. No sanction comes about without a vote of the body that has the authority.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from statemachines.kit import effects as fx
from statemachines.kit.authority import role_reaches, within_authority
from statemachines.kit.casework import (
    NOTHING_ASKED,
    REPORT_SIGNED,
    SEAT_TEAM,
    TEAM,
    TEAM_OF_TWO,
    Team,
    other_handling,
    team_report,
)
from statemachines.kit.forms import (
    AttachmentId,
    Coded,
    Form,
    Line,
    MatterId,
    Names,
    Note,
    PastDate,
    PersonId,
    Reason,
    Text,
    UnitId,
    invalid,
)
from statemachines.kit.idioms import extensions_of, members_of, recusal, suspension_of
from statemachines.kit.panels import Panel
from statemachines.kit.periods import Budget, plain_end
from statemachines.kit.procedure import Action, Choice, Guard, Kind, Opening, procedure, send_back
from statemachines.kit.situation import Other, Situation
from statemachines.kit.teams import linked_done, panel_enough


class State(StrEnum):
    FILED = "filed"
    INVESTIGATION = "investigation"
    REVIEW = "review"
    PROPOSAL = "proposal"
    DECISION = "decision"
    COMMITTEE_DECISION = "committee_decision"
    COUNTY_DECISION = "county_decision"
    EXECUTION = "execution"
    CLOSED = "closed"


S = State
OPEN = tuple(s for s in S if s is not S.CLOSED)
DECIDING = (S.DECISION, S.COMMITTEE_DECISION, S.COUNTY_DECISION)
MEASURES = ("bulletin", "recommendation", "talk", "warning", "rectification", "appraisal")

Attachments = Annotated[tuple[AttachmentId, ...], Field(default=(), title="附件", max_length=50)]
Sanction = Annotated[str, Coded("sanctions")]
Failings = tuple[Annotated[str, Coded("failings")], ...]
"""What the case shows of those who answered for the unit: facts for people to judge (see `accountability`)."""
Remark = Annotated[str, Field(max_length=5000, json_schema_extra={"format": "textarea"})]


class Filing(Form):
    clue: MatterId | None = Field(None, title="来源线索")
    subject_name: Annotated[Line, Names()] = Field(title="被审查人")
    subject: Annotated[PersonId, Names()] | None = Field(None, title="系统内人员")
    subject_post: str = Field("", title="职务", max_length=100)
    subject_is_member_of_unit: UnitId | None = Field(None, title="所在单位")
    nature: Annotated[str, Coded("natures")] = Field(title="主要问题性质")
    filed_on: PastDate = Field(title="立案日期")
    important: bool = Field(False, title="重要案件")


class Progress(Form):
    content: Text = Field(title="审查调查情况")
    attachments: Attachments


class Report(Form):
    facts: Text = Field(title="违纪违法事实")
    key_evidence: Text = Field(title="关键证据")
    responsibility_facts: Remark = Field("", title="有关人员的责任")
    failings: Failings = Field((), title="暴露的失职失责情形", max_length=12)
    advice: Sanction = Field(title="处理建议")
    attachments: Attachments


class Hearing(Form):
    heard_on: PastDate = Field(title="听取日期")
    listeners: tuple[PersonId, ...] = Field(title="听取人", max_length=10)
    statement: Remark = Field("", title="被审查人的陈述和申辩")
    declined: bool = Field(False, title="被审查人表示没有意见")
    record: Attachments

    @model_validator(mode="after")
    def _said(self) -> Self:
        if bool(self.statement) == self.declined:
            raise invalid(
                "statement_missing", "record what was said, or that nothing was",
                "请记录陈述和申辩；没有意见的，勾选“没有意见”",
            )  # fmt: skip
        return self


class Transfer(Form):
    grounds: Text = Field(title="立案依据")
    key_evidence: Text = Field(title="关键证据")
    proposed_sanction: Sanction = Field(title="拟处理意见")


class Question(Form):
    """What the body that decides is asked to decide."""

    sanction: Sanction = Field(title="拟作处分")
    probation_months: int | None = Field(None, title="留党察看期限（月）", ge=12, le=24)
    facts: Text = Field(title="认定的事实")
    basis: Text = Field(title="处分依据")
    responsibility_facts: Remark = Field("", title="有关人员的责任")
    failings: Failings = Field((), title="暴露的失职失责情形", max_length=12)
    deviation_reason: Remark = Field("", title="与审核意见不一致的理由")

    @model_validator(mode="after")
    def _timed(self) -> Self:
        if (self.sanction == "probation") != (self.probation_months is not None):
            raise invalid(
                "probation_months", "probation lasts one or two years; no other sanction is given a time",
                "留党察看须填写期限（12至24个月），其他处分不填",
            )  # fmt: skip
        return self


class Vote(Form):
    position: Annotated[str, Coded("positions")] = Field(title="表决")
    opinion: Remark = Field("", title="意见")

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if self.position == "disagree" and not self.opinion:
            raise invalid("reason_missing", "say why you disagree", "不同意的请写明理由")
        return self


class Decision(Form):
    decided_on: PastDate = Field(title="决定日期（即日生效）")
    document_no: Line = Field(title="文号")
    attachments: Attachments


class Received(Form):
    """What the review said, for those who see the case and not the review."""

    agrees: bool | None = Field(None, title="县级是否同意拟处理意见")
    sanction: Sanction | None = Field(None, title="县级审核意见")
    opinion: Remark = Field("", title="审核意见")
    reason: Remark = Field("", title="退回理由")


class Decided(Form):
    """What was put to the vote and how it went."""

    sanction: Sanction = Field(title="处分")
    ends_on: date | None = Field(None, title="处分期满")
    responsibility_facts: Remark = Field("", title="有关人员的责任")
    failings: Failings = Field((), title="暴露的失职失责情形")
    body: Annotated[str, Coded("deciding_bodies")] = Field(title="决定机构")
    members: int = Field(title="应到人数")
    agree: int = Field(title="同意")
    disagree: int = Field(title="不同意")


class DecisionReport(Form):
    reported_on: PastDate = Field(title="报备日期")
    receipt: str = Field("", title="县级签收情况", max_length=200)


class Announcement(Form):
    announced_on: PastDate = Field(title="宣布日期")
    scope: Line = Field(title="宣布范围")


class Execution(Form):
    executed_on: PastDate = Field(title="执行完毕日期")
    content: Text = Field(title="执行情况")
    attachments: Attachments


class Visit(Form):
    visited_on: PastDate = Field(title="回访日期")
    visitors: tuple[PersonId, ...] = Field(title="回访人员", min_length=1, max_length=10)
    content: Text = Field(title="思想和工作表现、帮助教育情况")


class CrimeTransfer(Form):
    transferred_on: PastDate = Field(title="移送日期")
    organ: Line = Field(title="接收机关")
    offence: Text = Field(title="涉嫌罪名和事实")
    attachments: Attachments


class Archive(Form):
    archive_no: Line = Field(title="档案号")
    retention: Annotated[str, Coded("retention_periods")] = Field(title="保管期限")
    pages: int = Field(title="页数", ge=1)


def _review(s: Situation) -> Other | None:
    """The latest review, whatever came of it."""
    return (s.linked.get("county_review") or (None,))[-1]


def _gave_its_opinion(s: Situation, _: Any) -> bool:
    review = _review(s)
    return review is not None and review.closed and "issue_opinion" in review.steps


def _is_returned(s: Situation, answers: Any) -> bool:
    return not _gave_its_opinion(s, answers)


def _received(s: Situation, _: Any) -> Mapping[str, Any]:
    """What the review said: the unit that asked sees its own case, not the reviewers' matter."""
    review = _review(s)
    if review is None:
        return {}
    given = review.steps.get("issue_opinion") or review.steps.get("return_case")
    wanted = ("opinion", "agrees", "sanction", "missing", "reason")
    return {name: given.answers[name] for name in wanted if given and name in given.answers}


def _is_heard(s: Situation, _: Any) -> bool:
    review = _review(s)
    return review is not None and bool(
        review.answer("record_talk.defence_statement") or review.answer("record_talk.defence_declined")
    )


def _deviates(s: Situation, answers: Question) -> bool:
    review = _review(s)
    return review is None or review.answer("issue_opinion.sanction") != answers.sanction


def _asked(s: Situation) -> str:
    return str(s.answer("put_to_decision.sanction"))


def _must_be_deliberated(s: Situation) -> bool:
    """0: never, 1: important cases, 2: every case."""
    return int(s.policy.setting("deliberation_required")) > (0 if s.answer("open.important") else 1)


def _body(s: Situation, answers: Question) -> State:
    """Who decides: the lightest body of the unit's own level that may, else the county."""
    if s.unit_kind in ("township", "grassroots"):
        for role, state in (("township_discipline", S.DECISION), ("township_committee", S.COMMITTEE_DECISION)):
            if role_reaches("sanctions", role, lambda _, a: a.sanction)(s, answers):
                return state
    return S.COUNTY_DECISION


def _goes_to(*states: State) -> fx.When:
    return lambda s, a: _body(s, a) in states


def _sits_in(*states: State) -> fx.When:
    return lambda s, _: s.state in states


def _sanctioned(*codes: str) -> fx.When:
    return lambda s, _: s.answer("decide.sanction") in codes


def _is_sanctioned(s: Situation, _: Any) -> bool:
    return bool(s.answer("decide.sanction") != "none")


def _ends_on(s: Situation, decided_on: date) -> str | None:
    sanction = _asked(s)
    if sanction == "none":
        return None
    months = s.answer("put_to_decision.probation_months")
    text = f"{months} month" if months else s.policy.clocks["sanction_period"].budget_for(sanction)
    return plain_end(decided_on, Budget.parse(str(text))).isoformat()


def _decided(s: Situation, answers: Decision) -> Mapping[str, Any]:
    """What was put to the vote and how it went; nobody types it again."""
    tally = s.panels["decision"]
    return {
        "sanction": _asked(s), "responsibility_facts": s.answer("put_to_decision.responsibility_facts", ""),
        "failings": s.answer("put_to_decision.failings", []),
        "body": s.state, "ends_on": _ends_on(s, answers.decided_on), "members": len(tally.members),
        "agree": tally.count("position", "agree"), "disagree": tally.count("position", "disagree"),
    }  # fmt: skip


def _is_visited_again(s: Situation, answers: Visit) -> bool:
    """Another visit falls due while the sanction lasts."""
    interval = Budget.parse(str(s.policy.clocks["follow_up"].budget_for(None)))
    return plain_end(answers.visited_on, interval) <= date.fromisoformat(s.answer("decide.ends_on"))


def _request(s: Situation, answers: Transfer) -> list[Mapping[str, Any]]:
    return [{
        "case": s.matter_id, "clue": s.answer("open.clue"), "unit": s.unit_id,
        "summary": f"{s.answer('open.subject_name')[:199]}案", **answers.model_dump(mode="json"),
    }]  # fmt: skip


def _this_case(s: Situation, _: Any) -> list[Mapping[str, Any]]:
    return [{"case": s.matter_id}]


def _six(s: Situation, _: Any) -> list[Mapping[str, Any]]:
    return [{"case": s.matter_id, "kind": kind} for kind in MEASURES]


def _on_or_after(field: str, path: str, zh: str) -> Guard:
    return Guard(
        "before_the_decision", f"{field} lies before the decision", zh,
        lambda s, a: getattr(a, field) >= date.fromisoformat(str(s.answer(path))[:10]),
    )  # fmt: skip


HEARS_IN_TWOS = Guard(
    "one_listener", "at least two people hear the subject", "听取被审查人意见须由两人以上进行",
    lambda s, a: len(set(a.listeners)) >= 2,
)  # fmt: skip
SUBJECT_HEARD = Guard(
    "subject_not_heard", "hear the subject before the case is transferred", "移送审理前须听取被审查人的陈述和申辩",
    lambda s, _: "hear_subject" in s.steps,
)  # fmt: skip
REVIEWED = Guard(
    "not_reviewed", "no decision without the county's opinion", "没有县级审核意见，不得提请或作出决定", _gave_its_opinion,
)  # fmt: skip
HEARD = Guard(
    "not_heard", "no decision without the hearing talk and the defence on record", "没有审理谈话和申辩记录，不得提请或作出决定",
    _is_heard,
)  # fmt: skip
DEVIATION_EXPLAINED = Guard(
    "deviation_unexplained", "say why you depart from the county's opinion", "拟作处分与县级审核意见不一致，请写明理由",
    lambda s, a: not _deviates(s, a) or bool(a.deviation_reason),
)  # fmt: skip
DELIBERATED = Guard(
    "not_deliberated", "the committee deliberates on it first", "本地要求先经党委审议，请先“提请审议”并待其完成",
    lambda s, _: not _must_be_deliberated(s) or bool(s.linked.get("deliberation")),
)  # fmt: skip
DELIBERATION_OVER = linked_done("deliberation", zh="党委审议尚未完成", code="deliberation_open", at_least=0)
NO_DELIBERATION_OPEN = linked_done("deliberation", zh="已有审议正在进行", code="already_asked", at_least=0)
VOTED = panel_enough("decision", zh="表决人数未达到规定要求")
AGREED = Guard(
    "not_agreed", "more than half of all members must agree", "同意的未超过全体成员的半数，不能作出决定，请退回",
    lambda s, _: s.panels["decision"].count("position", "agree")
    > Fraction(str(s.policy.setting("majority"))) * len(s.panels["decision"].members),
)  # fmt: skip
WITHIN_AUTHORITY = within_authority("sanctions", lambda s, _: _asked(s))
BACK_TO_PROPOSAL = Guard(
    "only_to_the_proposal", "it goes back to whoever put it to the vote", "只能退回到提请决定环节；需补充调查的，退回后办理",
    lambda s, a: a.to in (None, S.PROPOSAL),
)  # fmt: skip
AFTER_THE_QUESTION = Guard(
    "before_the_vote", "it was not yet put to the vote then", "决定日期不得早于提请表决的日期",
    lambda s, a: a.decided_on >= date.fromisoformat(s.answer("put_to_decision.asked_on")),
)  # fmt: skip
VISIT_OWED = Guard("no_visit_owed", "no visit is owed", "没有待办的教育回访", lambda s, _: "follow_up" in s.duties)
MEASURES_DONE = linked_done("six_ones", zh="“六个一”尚未全部完成", at_least=0)

CASE = procedure(
    "case",
    "立案审查",
    State,
    opening=Opening(
        form=Filing,
        title=lambda a: f"{a.subject_name}案",
        event="filed_on",
        effects=(fx.StartClock("investigation"), fx.LinkTo("clue", "filed_from")),
    ),
    actions=[
        Action("set_team", "组成审查组", [S.FILED, S.INVESTIGATION], S.INVESTIGATION, Team, (TEAM_OF_TWO,), (SEAT_TEAM,)),
        Action("note_progress", "记录进展", OPEN, None, Progress, (), (), Kind.NOTE),
        *team_report([S.INVESTIGATION], Report),
        Action("hear_subject", "听取陈述申辩", [S.INVESTIGATION], None, Hearing, (HEARS_IN_TWOS,), (), Kind.NOTE),
        *other_handling([S.INVESTIGATION], "open.subject_is_member_of_unit", OPEN),
        *extensions_of({"investigation": [S.INVESTIGATION], "execution": [S.EXECUTION]}),
        *suspension_of("investigation", [S.INVESTIGATION]),
        Action("transfer", "移送审理", [S.INVESTIGATION], S.REVIEW, Transfer,
               (SUBJECT_HEARD, REPORT_SIGNED, NOTHING_ASKED),
               (fx.Suspend("investigation"), fx.Open("case_review", _request, "county_review"))),
        Action("receive_review", "收到审理结果", [S.REVIEW],
               Choice(lambda s, a: S.PROPOSAL if _gave_its_opinion(s, a) else S.INVESTIGATION, (S.PROPOSAL, S.INVESTIGATION)),
               Note, (linked_done("county_review", zh="县级审理尚未结束"),),
               (fx.Resume("investigation", when=_is_returned), fx.StartClock("decision", when=_gave_its_opinion)),
               derive=_received, derived=Received),
        Action("reinvestigate", "补充调查", [S.PROPOSAL], S.INVESTIGATION, Reason, (),
               (fx.StopClock("decision"), fx.Resume("investigation"))),
        Action("ask_deliberation", "提请审议", [S.PROPOSAL], None, Note, (NO_DELIBERATION_OPEN,),
               (fx.Open("deliberation", _this_case, "deliberation"),), Kind.NOTE),
        Action("put_to_decision", "提请集体决定", [S.PROPOSAL], Choice(_body, DECIDING), Question,
               (REVIEWED, HEARD, DEVIATION_EXPLAINED, DELIBERATED, DELIBERATION_OVER),
               (fx.Convene("decision", role="township_discipline", when=_goes_to(S.DECISION)),
                fx.Convene("decision", role="township_committee", when=_goes_to(S.COMMITTEE_DECISION)),
                fx.Convene("decision", role="standing_committee", when=_goes_to(S.COUNTY_DECISION)),
                fx.Suspend("decision", when=_goes_to(S.COUNTY_DECISION)),
                fx.StartClock("county_decision", when=_goes_to(S.COUNTY_DECISION)),
                fx.MoveUp("county", when=_goes_to(S.COUNTY_DECISION))),
               derive=lambda s, _: {"unit": s.unit_id, "asked_on": s.today.isoformat()}),
        Action("vote", "表决", DECIDING, None, Vote, (), (), Kind.VOTE),
        *members_of("decision", DECIDING, prefix="decision_"),
        Action("decide", "作出决定", DECIDING, S.EXECUTION, Decision,
               (REVIEWED, HEARD, VOTED, AGREED, WITHIN_AUTHORITY, AFTER_THE_QUESTION),
               (fx.StopClock("decision"), fx.StopClock("county_decision"), fx.StopClock("investigation"),
                fx.MoveTo("put_to_decision.unit", when=_sits_in(S.COUNTY_DECISION)),
                fx.Owe("decision_report", when=_sits_in(S.DECISION, S.COMMITTEE_DECISION)),
                fx.Owe("announcement", when=_is_sanctioned), fx.Owe("execution", when=_is_sanctioned),
                fx.StartClock("sanction_period", by="decide.sanction", given="decide.ends_on", when=_is_sanctioned),
                fx.StartClock("archiving", when=_sanctioned("none")),
                fx.Owe("follow_up", when=_sanctioned("warning", "serious_warning", "removal", "probation")),
                fx.Open("case_measure", _six, "six_ones",
                        when=lambda s, a: _is_sanctioned(s, a) and bool(s.policy.setting("six_ones")))),
               derive=_decided, derived=Decided, binding=True),
        send_back(DECIDING, guards=(BACK_TO_PROPOSAL,), effects=(fx.Resume("decision"), fx.StopClock("county_decision"))),
        Action("report_decision", "报县备案", [S.EXECUTION], None, DecisionReport,
               (_on_or_after("reported_on", "decide.decided_on", "报备日期不得早于决定日期"),), (fx.Settle("decision_report"),), Kind.NOTE),
        Action("announce", "宣布处分", [S.EXECUTION], None, Announcement,
               (_on_or_after("announced_on", "decide.decided_on", "宣布日期不得早于决定日期"),), (fx.Settle("announcement"),), Kind.NOTE),
        Action("execute", "执行处分", [S.EXECUTION], None, Execution,
               (_on_or_after("executed_on", "decide.decided_on", "执行日期不得早于决定日期"),), (fx.Settle("execution"),), Kind.NOTE),
        Action("record_visit", "教育回访", [S.EXECUTION], None, Visit,
               (_on_or_after("visited_on", "decide.decided_on", "回访日期不得早于决定日期"), VISIT_OWED),
               (fx.Settle("follow_up"), fx.Owe("follow_up", when=_is_visited_again)), Kind.NOTE),
        Action("end_visits", "终止回访", [S.EXECUTION], None, Reason, (VISIT_OWED,), (fx.Waive("follow_up"),), Kind.NOTE),
        Action("transfer_crime", "移送检察机关", OPEN, None, CrimeTransfer, (), (), Kind.NOTE),
        recusal(OPEN),
        Action("close", "结案归档", [S.EXECUTION], S.CLOSED, Archive, (MEASURES_DONE,)),
    ],
    labels={
        S.FILED: "待组成审查组", S.INVESTIGATION: "审查调查中", S.REVIEW: "县级审理中", S.PROPOSAL: "待提请决定",
        S.DECISION: "乡镇纪委审议", S.COMMITTEE_DECISION: "乡镇党委审议", S.COUNTY_DECISION: "县级审议",
        S.EXECUTION: "执行和回访", S.CLOSED: "已归档",
    },
    final=[S.CLOSED],
    panels=[TEAM, Panel("decision", "vote")],
    watches=["deliberation", "six_ones"],
    when_done={"county_review": "receive_review"},
)  # fmt: skip
