"""County review of a township's case (乡案县审): checked, read by two who did not investigate, heard, deliberated, answered.

Sources: 通城 2016 “纪律审查下沉” (M77–M81); 监督执纪工作规则 2019 §54–55. Figures are in the packs.
"""

from collections import Counter
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from statemachines.kit import effects as fx
from statemachines.kit.authority import role_reaches
from statemachines.kit.forms import (
    AttachmentId,
    Coded,
    Form,
    Line,
    MatterId,
    Note,
    PastDate,
    PersonId,
    Reason,
    Text,
    UnitId,
    invalid,
)
from statemachines.kit.idioms import extension_of, members_of, recusal
from statemachines.kit.panels import AfterReturn, Panel, Seat, seats_of
from statemachines.kit.procedure import Action, Guard, Kind, Opening, procedure, send_back
from statemachines.kit.situation import Situation
from statemachines.kit.teams import any_of, apart_from, panel_enough, who_did_in


class State(StrEnum):
    FORM_CHECK = "form_check"
    RETURNED = "returned"
    ASSIGNMENT = "assignment"
    READING = "reading"
    TALK = "talk"
    CONVENING = "convening"
    DELIBERATION = "deliberation"
    OPINION = "opinion"
    FEEDBACK = "feedback"
    CLOSED = "closed"


S = State
OPEN = tuple(s for s in S if s not in (S.RETURNED, S.CLOSED))
REVIEWED = (S.ASSIGNMENT, S.READING, S.TALK, S.CONVENING, S.DELIBERATION, S.OPINION)
DIMENSIONS = ("facts", "evidence", "character", "proportion", "procedure", "file")
INVESTIGATING = (
    "set_team.members", "add_member.person", "note_progress", "record_reply", "hear_subject", "hear_subject.listeners",
    "write_report", "sign", "submit_report",
)  # fmt: skip
"""The steps of a case, and of the clue before it, that make somebody one who investigated."""

Points = Annotated[int, Field(ge=0, le=100)]
Sanction = Annotated[str, Coded("sanctions")]


class Request(Form):
    case: MatterId = Field(title="送审案件")
    clue: MatterId | None = Field(None, title="来源线索")
    summary: Line | None = Field(None, title="案由")
    unit: UnitId = Field(title="送审单位")
    grounds: Text = Field(title="立案依据")
    key_evidence: Text = Field(title="关键证据")
    proposed_sanction: Sanction = Field(title="拟处理意见")


class EarlyInvolvement(Form):
    """An opinion before the review begins; it brings no evidence, so there is no place for any."""

    involved_on: PastDate = Field(title="介入日期")
    people: tuple[PersonId, ...] = Field(title="介入人员", min_length=1, max_length=10)
    opinion: Text = Field(title="介入意见")


class FormCheck(Form):
    present: tuple[Annotated[str, Coded("form_checklist")], ...] = Field(title="已齐备的材料", max_length=50)
    note: str = Field("", title="说明", max_length=2000)


class Shortcoming(Reason):
    missing: tuple[Annotated[str, Coded("form_checklist")], ...] = Field(
        title="缺少或不合要求的材料", min_length=1, max_length=50
    )


class Reviewers(Form):
    lead_reviewer: PersonId = Field(title="主审人")
    co_reviewer: PersonId = Field(title="协审人")


class Reading(Form):
    notes: Text = Field(title="阅卷笔录")
    opinion: Text = Field(title="阅卷意见")


class HearingTalk(Form):
    talked_on: PastDate = Field(title="谈话日期")
    place: Line = Field(title="谈话地点")
    talkers: tuple[PersonId, ...] = Field(title="谈话人", min_length=2, max_length=10)
    record: tuple[AttachmentId, ...] = Field(title="谈话笔录（附件）", min_length=1, max_length=10)
    signed: bool = Field(title="被审查人已签名")
    unsigned_reason: str = Field("", title="未签名的原因", max_length=2000)
    defence_statement: str = Field(
        "", title="被审查人的申辩", max_length=5000, json_schema_extra={"format": "textarea"}
    )
    defence_declined: bool = Field(False, title="被审查人表示不申辩")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.defence_statement) == self.defence_declined:
            raise invalid(
                "defence_missing", "record the defence, or that none is made", "请记录申辩内容；不申辩的，勾选“不申辩”"
            )
        if self.signed == bool(self.unsigned_reason):
            raise invalid(
                "signature_missing", "say why the record is not signed", "笔录未签名的，请写明原因；已签名的不填"
            )
        return self


class Attendance(Form):
    """Who was let in, by kind and number; no names are taken."""

    kind: Annotated[str, Coded("attendee_kinds")] = Field(title="旁听人员类别")
    number: int = Field(title="人数", ge=1, le=10_000)


class OpenSession(Form):
    held_on: PastDate = Field(title="审理日期")
    place: Line = Field(title="地点")
    attendees: tuple[Attendance, ...] = Field(title="旁听人员", min_length=1, max_length=20)
    content: Text = Field(title="审理情况")


class CrossMember(Form):
    person: PersonId = Field(title="人员")
    unit: UnitId = Field(title="所在单位")


class Convening(Form):
    held_on: PastDate = Field(title="审议日期")
    members: tuple[PersonId, ...] = Field((), title="其他审理人员", max_length=20)
    cross_members: tuple[CrossMember, ...] = Field((), title="交叉审理人员", max_length=20)

    @property
    def cross_people(self) -> tuple[int, ...]:
        return tuple(m.person for m in self.cross_members)


class Position(Form):
    stance: Annotated[str, Coded("stances")] = Field(title="意见")
    sanction: Sanction | None = Field(None, title="建议处理")
    reason: Text = Field(title="理由")

    @model_validator(mode="after")
    def _names_it(self) -> Self:
        if (self.stance == "modify") != (self.sanction is not None):
            raise invalid(
                "sanction_missing",
                "name the handling you advise if you would modify it, and only then",
                "“建议变更”的须填写建议处理，其他意见不填",
            )
        return self


class Scorecard(Form):
    facts: Points = Field(title="事实")
    evidence: Points = Field(title="证据")
    character: Points = Field(title="定性")
    proportion: Points = Field(title="量纪")
    procedure: Points = Field(title="程序")
    file: Points = Field(title="案卷")
    comment: Text = Field(title="点评")


class Total(Form):
    total: Line = Field(title="总分")


class Outcome(Form):
    agree: int = Field(title="同意")
    modify: int = Field(title="建议变更")
    disagree: int = Field(title="不同意")
    members: int = Field(title="成员总数")
    outcome: Annotated[str, Coded("stances")] | None = Field(None, title="多数意见")
    sanction: Sanction | None = Field(None, title="建议处理")


class Advice(Form):
    agrees: bool = Field(title="同意拟处理意见")
    sanction: Sanction | None = Field(None, title="建议处理")
    advisory: bool = Field(title="在乡镇权限内，供其决定时参考")


class ReviewOpinion(Form):
    opinion: Text = Field(title="审核意见")


class FeedbackGiven(Form):
    told_on: PastDate = Field(title="反馈日期")
    method: Annotated[str, Coded("feedback_methods")] = Field(title="反馈方式")
    receiver: Line = Field(title="接收人")
    archive_no: Line = Field(title="档案号")


def _reviewers(s: Situation) -> tuple[int, ...]:
    return (s.answer("assign_reviewers.lead_reviewer"), s.answer("assign_reviewers.co_reviewer"))


def _panel(s: Situation, answers: Convening) -> list[Seat]:
    own = dict.fromkeys([*_reviewers(s), *answers.members])
    return [
        *seats_of((p for p in own if p not in answers.cross_people), "own"),
        *seats_of(answers.cross_people, "cross"),
    ]


def _is_complete(s: Situation, answers: FormCheck) -> bool:
    return set(answers.present) == s.policy.codes("form_checklist").keys()


def _comes_from_elsewhere(s: Situation, answers: Convening) -> bool:
    asking = s.answer("open.unit")
    return all(m.unit != asking for m in answers.cross_members) and not set(_reviewers(s)) & set(answers.cross_people)


def _is_enough_elsewhere(s: Situation, answers: Convening) -> bool:
    return len(set(answers.cross_people)) >= int(s.policy.setting("cross_members_at_least"))


def _outcome(s: Situation) -> tuple[str, str | None] | None:
    """What more than the policy's share of all members advise, absent ones counted; None where nothing reaches it."""
    tally = s.panels["opinion"]
    said = Counter((str(v.answers["stance"]), v.answers["sanction"]) for v in tally.votes)
    (stance, named), votes = said.most_common(1)[0]
    if votes <= Fraction(str(s.policy.setting("majority"))) * len(tally.members):
        return None
    return stance, s.answer("open.proposed_sanction") if stance == "agree" else named


def _conclusion(s: Situation, _: Any) -> Mapping[str, Any]:
    tally, outcome = s.panels["opinion"], _outcome(s)
    counts = {stance: tally.count("stance", stance) for stance in ("agree", "modify", "disagree")}
    return {**counts, "members": len(tally.members), "outcome": outcome[0] if outcome else None,
            "sanction": outcome[1] if outcome else None}  # fmt: skip


def _advice(s: Situation, answers: Any) -> Mapping[str, Any]:
    """Within the township's authority it is advice; what goes beyond takes the way of approval."""
    sanction = s.answer("conclude.sanction")
    within = role_reaches("sanctions", "township_committee", lambda *_: sanction)
    return {"agrees": s.answer("conclude.outcome") == "agree", "sanction": sanction,
            "advisory": sanction is None or within(s, answers)}  # fmt: skip


def _total(s: Situation, answers: Scorecard) -> Mapping[str, Any]:
    weights = {name: Fraction(str(s.policy.setting(f"weight_{name}"))) for name in DIMENSIONS}
    exact = sum((weights[n] * getattr(answers, n) for n in DIMENSIONS), Fraction(0)) / sum(weights.values())
    total = Decimal(exact.numerator) / Decimal(exact.denominator)
    return {"total": str(total.quantize(Decimal("0.1"), ROUND_HALF_UP))}


def _is_heard(s: Situation, _: Any) -> bool:
    return bool(s.answer("record_talk.defence_statement") or s.answer("record_talk.defence_declined"))


INVESTIGATORS = any_of(who_did_in("open.case", *INVESTIGATING), who_did_in("open.clue", *INVESTIGATING))


def _apart(*fields: str) -> Guard:
    return apart_from(
        INVESTIGATORS, *fields, code="investigator_reviews", en="nobody who investigated the case reviews it",
        zh="参与过本案审查调查的人员不得参与审理",
    )  # fmt: skip


APART = _apart()
OF_A_CASE = Guard(
    "not_a_case", "what is reviewed must be a case", "送审的事项须是立案审查的案件",
    lambda s, a: s.others[a.case].procedure == "case",
)  # fmt: skip
COMPLETE = Guard(
    "papers_missing", "return the case: not everything on the checklist is there",
    "材料未齐备，请“退回补正”并列明缺少的材料", _is_complete,
)  # fmt: skip
TWO_REVIEWERS = Guard(
    "one_reviewer", "the lead and the co-reviewer are two people", "主审人与协审人须为不同人员",
    lambda s, a: a.lead_reviewer != a.co_reviewer,
)  # fmt: skip
IS_REVIEWER = Guard(
    "not_the_reviewer", "this is for the lead or the co-reviewer", "须由本案主审人或协审人办理",
    lambda s, _: bool(s.acting & set(_reviewers(s))),
)  # fmt: skip
TWO_TALKERS = Guard(
    "talkers", "at least two people talk, a reviewer of the case among them", "审理谈话须两人以上进行，并有主审人或协审人参加",
    lambda s, a: len(set(a.talkers)) >= 2 and bool(set(a.talkers) & set(_reviewers(s))),
)  # fmt: skip
NO_COMPLAINANT = Guard(
    "complainant_attends", "the complainant never attends an open session", "公开审理不得安排举报人参加",
    lambda s, a: all(who.kind != "complainant" for who in a.attendees),
)  # fmt: skip
FROM_ELSEWHERE = Guard(
    "same_unit", "cross reviewers come from another unit than the one that asks, and review nothing else here",
    "交叉审理人员须来自送审单位以外的单位，且不是本案主审人、协审人", _comes_from_elsewhere,
)  # fmt: skip
CROSS_ENOUGH = Guard(
    "cross_members_missing", "this county reviews across units: name the members from elsewhere",
    "本地实行交叉审理，请填写规定人数的交叉审理人员", _is_enough_elsewhere,
)  # fmt: skip
ANOTHER_SANCTION = Guard(
    "same_sanction", "this is what was proposed: agree instead", "建议处理与拟处理意见相同，请选“同意”",
    lambda s, a: a.sanction is None or a.sanction != s.answer("open.proposed_sanction"),
)  # fmt: skip
MAJORITY = Guard(
    "no_majority", "no position has the majority: send it back, or let members think again",
    "没有形成多数意见，请继续审议或退回", lambda s, _: _outcome(s) is not None,
)  # fmt: skip
HEARD = Guard(
    "not_heard", "no opinion without the hearing talk and the defence on record", "没有审理谈话和申辩记录，不得出具审核意见",
    _is_heard,
)  # fmt: skip
SCORED = Guard(
    "not_scored", "score the quality of the case first", "请先完成“质量点评”",
    lambda s, _: not s.policy.setting("scorecard_required") or "score_quality" in s.steps,
)  # fmt: skip

CASE_REVIEW = procedure(
    "case_review",
    "乡案县审",
    State,
    opening=Opening(
        form=Request,
        title=lambda a: f"乡案县审：{a.summary}" if a.summary else "乡案县审",
        guards=(OF_A_CASE,),
        effects=(fx.MoveUp("county"), fx.StartClock("form_check")),
    ),
    actions=[
        Action("record_early_involvement", "提前介入", [S.FORM_CHECK], None, EarlyInvolvement, (_apart("people"),), (), Kind.NOTE),
        Action("accept", "受理", [S.FORM_CHECK], S.ASSIGNMENT, FormCheck, (COMPLETE, APART),
               (fx.StopClock("form_check"), fx.StartClock("review"))),
        Action("return_case", "退回补正", [S.FORM_CHECK], S.RETURNED, Shortcoming, (APART,)),
        Action("assign_reviewers", "确定主协审", [S.ASSIGNMENT, S.READING], S.READING, Reviewers,
               (TWO_REVIEWERS, _apart("lead_reviewer", "co_reviewer")),
               (fx.Convene("reading", lambda s, _: seats_of(_reviewers(s))),)),
        Action("record_reading", "阅卷意见", [S.READING], None, Reading, (APART,), (), Kind.VOTE),
        Action("finish_reading", "阅卷完毕", [S.READING], S.TALK, Note,
               (panel_enough("reading", zh="主审人、协审人均须提交阅卷意见"), IS_REVIEWER, APART)),
        Action("record_talk", "审理谈话", [S.TALK], S.CONVENING, HearingTalk, (TWO_TALKERS, _apart("talkers"))),
        Action("record_open_session", "公开审理", [S.TALK, S.CONVENING, S.DELIBERATION], None, OpenSession,
               (NO_COMPLAINANT, APART), (), Kind.NOTE),
        Action("convene", "召集审议", [S.CONVENING], S.DELIBERATION, Convening,
               (FROM_ELSEWHERE, CROSS_ENOUGH, _apart("members", "cross_people")), (fx.Convene("opinion", _panel),)),
        *members_of("opinion", [S.DELIBERATION], guards=(_apart("person"),)),
        Action("give_position", "发表意见", [S.DELIBERATION], None, Position, (ANOTHER_SANCTION, APART), (), Kind.VOTE),
        Action("conclude", "形成结论", [S.DELIBERATION], S.OPINION, Note,
               (panel_enough("opinion"), MAJORITY, IS_REVIEWER, APART), derive=_conclusion, derived=Outcome),
        send_back([S.TALK, S.CONVENING, S.DELIBERATION, S.OPINION]),
        Action("score_quality", "质量点评", [S.OPINION], None, Scorecard, (APART,), (), Kind.NOTE, _total, Total),
        Action("issue_opinion", "出具审核意见", [S.OPINION], S.FEEDBACK, ReviewOpinion, (HEARD, SCORED, APART),
               (fx.StopClock("review"), fx.Owe("feedback")), derive=_advice, derived=Advice),
        Action("feed_back", "反馈并归档", [S.FEEDBACK], S.CLOSED, FeedbackGiven, (APART,), (fx.Settle("feedback"),)),
        *extension_of("review", REVIEWED),
        recusal(OPEN),
    ],
    labels={
        S.FORM_CHECK: "形式审查", S.RETURNED: "已退回补正", S.ASSIGNMENT: "待定主协审", S.READING: "主协审阅卷", S.TALK: "待审理谈话",
        S.CONVENING: "待召集审议", S.DELIBERATION: "集体审议", S.OPINION: "待出具意见", S.FEEDBACK: "待反馈", S.CLOSED: "已归档",
    },
    final=[S.RETURNED, S.CLOSED],
    by_hand=False,
    panels=[
        Panel("reading", action="record_reading", after_return=AfterReturn.KEPT),
        Panel("opinion", action="give_position", after_return=AfterReturn.ANEW),
    ],
    links={"county_review": ("送审案件", "乡案县审")},
)  # fmt: skip
