"""Reconsideration (复查复议): a decided case is looked at again by people none of whom touched it before.

Sources: 监督执纪工作规则 2019 §59 (party sanctions); 监察法 §56 (government sanctions). Figures are in the packs.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from statemachines.kit import effects as fx
from statemachines.kit.forms import AttachmentId, Coded, Form, Line, MatterId, PastDate, PersonId, Text, invalid
from statemachines.kit.idioms import extension_of, members_of, recusal
from statemachines.kit.panels import Panel, seats_of
from statemachines.kit.periods import Budget, repeat_window_end
from statemachines.kit.procedure import Action, Guard, Kind, Opening, procedure, send_back
from statemachines.kit.situation import Other, Situation
from statemachines.kit.teams import any_of, apart_from, panel_enough, team_of, who_did, who_touched


class State(StrEnum):
    REGISTERED = "registered"
    REFUSED = "refused"
    TEAM = "team"
    REVIEWING = "reviewing"
    CONVENING = "convening"
    DECISION = "decision"
    NOTICE = "notice"
    CLOSED = "closed"


S = State
OPEN = tuple(s for s in S if s not in (S.REFUSED, S.CLOSED))
UNDER_WAY = (S.TEAM, S.REVIEWING, S.CONVENING, S.DECISION)

Files = tuple[AttachmentId, ...]


class Request(Form):
    case: MatterId = Field(title="原案件")
    reviews: tuple[MatterId, ...] = Field((), title="原案的县审、审议事项", max_length=20)
    kind: Annotated[str, Coded("reconsideration_kinds")] = Field(title="类别")
    asked_by: Annotated[str, Coded("askers")] = Field(title="申请人")
    asked_on: PastDate = Field(title="申请日期")
    decision_received_on: PastDate = Field(title="收到处分决定的日期")
    grounds: Text = Field(title="申请理由")
    attachments: Files = Field((), title="申请材料", max_length=50)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.asked_on < self.decision_received_on:
            raise invalid(
                "asked_before_decision", "it is asked for after the decision came", "申请日期不得早于收到处分决定的日期"
            )
        return self


class Acceptance(Form):
    opinion: Text = Field(title="受理意见")
    late_reason: str = Field("", title="逾期仍受理的理由", max_length=2000)


class Refusal(Form):
    ground: Annotated[str, Coded("refusal_grounds")] = Field(title="不予受理情形")
    reason: Text = Field(title="理由")
    told_on: PastDate = Field(title="告知日期")
    method: Annotated[str, Coded("notice_methods")] = Field(title="告知方式")


class Team(Form):
    leader: PersonId = Field(title="复查组组长")
    members: tuple[PersonId, ...] = Field(title="复查组成员（含组长）", min_length=2, max_length=20)

    @model_validator(mode="after")
    def _led(self) -> Self:
        if self.leader not in self.members:
            raise invalid("leader_no_member", "the leader is one of the members", "组长须为复查组成员")
        return self


class Progress(Form):
    content: Text = Field(title="复查进展")
    attachments: Files = Field((), title="附件", max_length=50)


class Report(Form):
    heard_on: PastDate = Field(title="听取申请人意见的日期")
    heard: Text = Field(title="申请人的意见")
    facts: Text = Field(title="复查认定的事实")
    opinion: Text = Field(title="复查组意见")
    attachments: Files = Field((), title="附件", max_length=50)


class Convening(Form):
    held_on: PastDate = Field(title="会议日期")
    members: tuple[PersonId, ...] = Field(title="参加人员", min_length=3, max_length=30)


class Position(Form):
    result: Annotated[str, Coded("reconsideration_results")] = Field(title="意见")
    sanction: Annotated[str, Coded("sanctions")] | None = Field(None, title="变更为")
    reason: Text = Field(title="理由")

    @model_validator(mode="after")
    def _names_it(self) -> Self:
        if (self.result == "change") != (self.sanction is not None):
            raise invalid(
                "sanction_missing",
                "name the sanction you would change it to, and only then",
                "变更的须填写变更后的处分，其他意见不填",
            )
        return self


class Decision(Form):
    decided_on: PastDate = Field(title="决定日期")
    reasons: Text = Field(title="决定理由")
    document: Files = Field(title="复查（复审）决定", min_length=1, max_length=10)


class Outcome(Form):
    uphold: int = Field(title="维持（票）")
    change: int = Field(title="变更（票）")
    revoke: int = Field(title="撤销（票）")
    members: int = Field(title="成员总数")
    result: Annotated[str, Coded("reconsideration_results")] = Field(title="结果")
    before: Annotated[str, Coded("sanctions")] = Field(title="原处分")
    sanction: Annotated[str, Coded("sanctions")] | None = Field(None, title="复查后的处分")


class Notice(Form):
    told_on: PastDate = Field(title="送达日期")
    method: Annotated[str, Coded("notice_methods")] = Field(title="送达方式")
    unit_told: Line = Field(title="通报的原决定机关、所在单位")
    archive_no: Line = Field(title="档案号")


def _case(s: Situation) -> Other:
    return s.others[s.answer("open.case")]


def _is_decided(s: Situation, answers: Request) -> bool:
    case = s.others[answers.case]
    return case.procedure == "case" and "decide" in case.steps and case.answer("decide.sanction") != "none"


def _names_all_reviews(s: Situation, answers: Request) -> bool:
    """Whoever had a part in a review is kept away, so every kind of review that the case went through is named."""
    case, named = s.others[answers.case], [s.others[i] for i in answers.reviews]
    through = {"case_review": "receive_review" in case.steps, "deliberation": "ask_deliberation" in case.steps}
    theirs = all(o.procedure in through and o.answer("open.case") == answers.case for o in named)
    return theirs and all(any(o.procedure == kind for o in named) for kind, was in through.items() if was)


def _is_in_time(s: Situation, answers: Acceptance) -> bool:
    """Asked within the limit, or late with a reason: the limit itself may have ended on a rest day."""
    limit = str(s.policy.setting(f"ask_within_{s.answer('open.kind')}"))
    if limit == "0" or answers.late_reason:
        return True
    received = date.fromisoformat(s.answer("open.decision_received_on"))
    return date.fromisoformat(s.answer("open.asked_on")) <= repeat_window_end(received, Budget.parse(limit).amount)


def _is_no_heavier(s: Situation, answers: Position) -> bool:
    scale, before = s.policy.authority["sanctions"].scale, _case(s).answer("decide.sanction")
    if answers.sanction is None or before not in scale:
        return answers.sanction is None
    return answers.sanction in scale[: scale.index(before)]


def _outcome(s: Situation) -> tuple[str, str | None] | None:
    """What more than the policy's share of all members decide; None where nothing reaches it."""
    tally = s.panels["committee"]
    said = Counter((str(v.answers["result"]), v.answers["sanction"]) for v in tally.votes)
    outcome, votes = said.most_common(1)[0]
    return outcome if votes > Fraction(str(s.policy.setting("majority"))) * len(tally.members) else None


def _decided(s: Situation, _: Any) -> Mapping[str, Any]:
    tally, outcome = s.panels["committee"], _outcome(s) or ("", None)
    before = _case(s).answer("decide.sanction")
    after = {"uphold": before, "change": outcome[1], "revoke": "none"}.get(outcome[0])
    counts = {name: tally.count("result", name) for name in ("uphold", "change", "revoke")}
    return {**counts, "members": len(tally.members), "result": outcome[0], "before": before, "sanction": after}


TOUCHED = any_of(who_touched("open.case"), who_touched("open.reviews"))


def _apart(*fields: str) -> Guard:
    return apart_from(
        TOUCHED, *fields, code="touched_the_case", en="nobody who had any part in the case or its review takes part",
        zh="参与过原案办理、审理、审议的人员不得参与复查复议",
    )  # fmt: skip


APART = _apart()
DECIDED_CASE = Guard(
    "not_decided",
    "what is reconsidered is a case decided with a sanction",
    "复查复议须针对已作出处分决定的案件",
    _is_decided,
)
REVIEWS_NAMED = Guard(
    "reviews_missing", "name the reviews and deliberations of this very case: whoever took part is kept away",
    "请选全原案的县审、审议事项（须属同一案件），参与过的人员均须回避", _names_all_reviews,
)  # fmt: skip
IN_TIME = Guard(
    "asked_late", "it was asked for after the limit: refuse it, or say why it is accepted all the same",
    "申请已逾期：请不予受理，或填写逾期仍受理的理由（含末日逢休息日顺延）", _is_in_time,
)  # fmt: skip
IS_MEMBER = Guard(
    "not_in_team", "only a member of the team reports", "仅复查组成员可办理",
    lambda s, _: bool(s.acting & set(s.answer("set_team.members", ()))),
)  # fmt: skip
COMMITTEE_APART = apart_from(
    who_did("set_team.members"), "members", code="team_decides", en="the team proposes, others decide",
    zh="复查组成员不得参加表决",
)  # fmt: skip
ADDED_APART = apart_from(
    who_did("set_team.members"), "person", code="team_decides", en="the team proposes, others decide",
    zh="复查组成员不得参加表决",
)  # fmt: skip
NO_HEAVIER = Guard(
    "made_heavier", "a reconsideration never makes a sanction heavier", "复查复议不得加重处分，变更后的处分须轻于原处分",
    _is_no_heavier,
)  # fmt: skip
MAJORITY = Guard(
    "no_majority", "no result has the majority: send it back, or let members think again",
    "没有形成多数意见，请继续审议或退回", lambda s, _: _outcome(s) is not None,
)  # fmt: skip

RECONSIDERATION = procedure(
    "reconsideration",
    "复查复议",
    State,
    opening=Opening(
        form=Request,
        title=lambda _: "复查复议申请",
        event="asked_on",
        guards=(DECIDED_CASE, REVIEWS_NAMED),
        effects=(fx.MoveUp("county"), fx.StartClock("acceptance"), fx.LinkTo("case", "reconsiders")),
    ),
    actions=[
        Action("accept", "受理", [S.REGISTERED], S.TEAM, Acceptance, (IN_TIME, APART),
               (fx.StopClock("acceptance"), fx.StartClock("reconsideration", by="open.kind"))),
        Action("refuse", "不予受理", [S.REGISTERED], S.REFUSED, Refusal, (APART,)),
        Action("set_team", "组成复查组", [S.TEAM, S.REVIEWING], S.REVIEWING, Team,
               (team_of(2, "members", zh="复查组须由两名以上不同人员组成"), _apart("members")), (fx.Assign("set_team.leader"),)),
        Action("note_progress", "记录进展", [S.REVIEWING], None, Progress, (IS_MEMBER, APART), (), Kind.NOTE),
        Action("report", "提交复查报告", [S.REVIEWING], S.CONVENING, Report, (IS_MEMBER, APART)),
        Action("convene", "提请集体决定", [S.CONVENING], S.DECISION, Convening, (_apart("members"), COMMITTEE_APART),
               (fx.Convene("committee", lambda _, a: seats_of(a.members)),)),
        *members_of("committee", [S.DECISION], guards=(_apart("person"), ADDED_APART)),
        Action("state_position", "表决", [S.DECISION], None, Position, (NO_HEAVIER, APART), (), Kind.VOTE),
        send_back([S.CONVENING, S.DECISION]),
        Action("decide", "作出决定", [S.DECISION], S.NOTICE, Decision, (panel_enough("committee"), MAJORITY, APART),
               (fx.StopClock("reconsideration"), fx.Owe("result_notice")), derive=_decided, derived=Outcome, binding=True),
        Action("inform", "送达并归档", [S.NOTICE], S.CLOSED, Notice, (APART,), (fx.Settle("result_notice"),)),
        *extension_of("reconsideration", UNDER_WAY),
        recusal(OPEN),
    ],
    labels={
        S.REGISTERED: "待受理", S.REFUSED: "不予受理", S.TEAM: "待组成复查组", S.REVIEWING: "复查中", S.CONVENING: "待提请决定",
        S.DECISION: "集体决定", S.NOTICE: "待送达", S.CLOSED: "已归档",
    },
    final=[S.REFUSED, S.CLOSED],
    panels=[Panel("committee", action="state_position")],
    links={"reconsiders": ("原案件", "复查复议")},
)  # fmt: skip
