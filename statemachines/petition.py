"""Petitions (信访举报): registered, screened, triaged, handled within a period, answered, archived.

Sources: 通城 2016 “信访办理下沉” (M62–M71); 检举控告工作规则 2020; 信访工作条例 2022. Figures are in the packs.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from statemachines.kit import effects as fx
from statemachines.kit.forms import (
    AttachmentId,
    Coded,
    Destination,
    Due,
    Form,
    FromParent,
    Line,
    MatterId,
    Names,
    Note,
    PastDate,
    PersonId,
    Reason,
    Sealed,
    Text,
    UnitId,
    invalid,
)  # fmt: skip
from statemachines.kit.idioms import extension_of, not_who_did, recusal, suspension_of
from statemachines.kit.periods import Budget, repeat_window_end
from statemachines.kit.procedure import Action, Choice, Guard, Kind, Opening, procedure, send_back
from statemachines.kit.situation import Situation


class State(StrEnum):
    REGISTERED = "registered"
    REFUSED = "refused"
    TRIAGE = "triage"
    APPROVAL = "approval"
    INQUIRY = "inquiry"
    HANDLING = "handling"
    HELD = "held"
    RECHECK = "recheck"
    FEEDBACK = "feedback"
    FILING = "filing"
    ARCHIVED = "archived"


S = State
OPEN = tuple(s for s in S if s is not S.ARCHIVED)
ACCEPTED = (S.TRIAGE, S.APPROVAL, S.INQUIRY, S.HANDLING, S.HELD, S.RECHECK, S.FEEDBACK, S.FILING)

Attachments = Annotated[tuple[AttachmentId, ...], Field(default=(), title="附件", max_length=50)]
Fields = Annotated[
    tuple[Annotated[str, Coded("problem_fields")], ...], Field(title="问题类别", min_length=1, max_length=10)
]


class Complainant(Form):
    name: Line = Field(title="姓名")
    phone: str = Field("", title="联系电话", max_length=40)
    address: str = Field("", title="住址", max_length=200)
    id_number: str = Field("", title="证件号码", max_length=40)


class Reported(Form):
    name: Annotated[Line, Names()] = Field(title="姓名")
    person: Annotated[PersonId, Names()] | None = Field(None, title="系统内人员")
    post: str = Field("", title="职务", max_length=100)
    unit: Annotated[UnitId, Names()] | None = Field(None, title="所在单位")
    unit_text: str = Field("", title="所在单位（文字）", max_length=200)


class Registration(Form):
    channel: Annotated[str, Coded("channels")] = Field(title="来源")
    received_on: PastDate = Field(title="收件日期")
    summary: Line = Field(title="标题")
    content: Text = Field(title="主要内容")
    problem_fields: Fields
    anonymous: bool = Field(title="匿名")
    complainant: Annotated[Complainant, Sealed()] | None = Field(None, title="举报人")
    reported: tuple[Reported, ...] = Field((), title="被反映人", max_length=30)
    group_size: int = Field(1, title="涉及人数", ge=1)
    representatives: int = Field(1, title="代表人数", ge=1)
    superior: Line | None = Field(None, title="交办机关")
    repeat_of: MatterId | None = Field(None, title="重复件的原件")
    new_evidence: bool = Field(False, title="有新事实或新证据")
    part_of: Annotated[MatterId, FromParent()] | None = Field(None, title="分自")
    attachments: Attachments

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.anonymous and self.complainant:
            raise invalid(
                "anonymous_with_name",
                "an anonymous petition has no complainant",
                "匿名件不得填写举报人；实名件请取消“匿名”",
            )
        if not (self.anonymous or self.complainant or self.part_of):
            raise invalid(
                "complainant_missing",
                "a named petition needs its complainant",
                "实名件请填写举报人，或改选“匿名”",
            )
        if self.channel == "handed_down" and not self.superior:
            raise invalid("superior_missing", "name the organ that handed it down", "上级交办件请填写交办机关")
        return self


class Acceptance(Note):
    repeat_of: MatterId | None = Field(None, title="重复件的原件")
    new_evidence: bool = Field(False, title="有新事实或新证据")


class Refusal(Form):
    ground: Annotated[str, Coded("refusal_grounds")] = Field(title="不予受理情形")
    reason: Text = Field(title="理由")
    receiving_organ: Line = Field(title="移交（告知）机关")
    earlier: MatterId | None = Field(None, title="原信访件")


class Part(Form):
    summary: Line = Field(title="标题")
    content: Text = Field(title="内容")
    problem_fields: Fields


class Split(Reason):
    parts: tuple[Part, ...] = Field(title="分件", min_length=2, max_length=20)


class Proposal(Form):
    disposition: Annotated[str, Coded("dispositions")] = Field(title="处置方式")
    petition_class: Annotated[str, Coded("petition_classes")] = Field(title="件类")
    class_reason: Text = Field(title="定类理由")
    given_due: Due | None = Field(None, title="限办日期")
    handler_unit: Annotated[UnitId, Destination()] = Field(title="承办单位")
    opinion: Text = Field(title="拟处置意见")

    @model_validator(mode="after")
    def _dated(self) -> Self:
        _check_given_due(self.petition_class, self.given_due)
        return self


class Reclassification(Form):
    petition_class: Annotated[str, Coded("petition_classes")] = Field(title="件类")
    reason: Text = Field(title="调整理由")
    given_due: Due | None = Field(None, title="限办日期")

    @model_validator(mode="after")
    def _dated(self) -> Self:
        _check_given_due(self.petition_class, self.given_due)
        return self


def _check_given_due(petition_class: str, given_due: Due | None) -> None:
    if (petition_class == "date_given") != (given_due is not None):
        raise invalid(
            "given_due",
            "give a due date for the class date_given and for no other",
            "“限时”件须填写限办日期，其他件类不填",
        )


class Reply(Form):
    mode: Annotated[str, Coded("inquiry_modes")] = Field(title="方式")
    replied_on: PastDate = Field(title="回复日期")
    no_problem: bool = Field(title="回复称没有问题")
    content: Text = Field(title="回复要点")
    attachments: Attachments


class Charge(Form):
    leader: PersonId = Field(title="包案领导")
    basis: Annotated[str, Coded("charge_grounds")] = Field(title="包案情形")
    plan: Text = Field(title="化解方案和分工")
    team: tuple[PersonId, ...] = Field((), title="专班成员", max_length=20)


class Progress(Form):
    content: Text = Field(title="办理情况")
    attachments: Attachments


class Reassignment(Reason):
    handler_unit: Annotated[UnitId, Destination()] = Field(title="改由承办")


class Completion(Form):
    result: Annotated[str, Coded("results")] = Field(title="办理结果")
    finished_on: PastDate = Field(title="办结日期")
    summary: Text = Field(title="调查处理情况")
    team: tuple[PersonId, ...] = Field((), title="核查人员", max_length=20)
    as_clue: bool = Field(False, title="作为问题线索移交")
    attachments: Attachments


class Recheck(Form):
    members: tuple[PersonId, ...] = Field(title="复核组成员", min_length=2, max_length=20)
    opinion: Text = Field(title="复核意见")


class Told(Form):
    method: Annotated[str, Coded("notice_methods")] = Field(title="告知方式")
    told_on: PastDate = Field(title="告知日期")
    note: str = Field("", title="说明", max_length=2000)


class HandOver(Form):
    handed_on: PastDate = Field(title="移交日期")
    receipt: str = Field("", title="接收机关签收情况", max_length=200)
    told_on: PastDate | None = Field(None, title="告知日期")
    method: Annotated[str, Coded("notice_methods")] | None = Field(None, title="告知方式")


class Archive(Form):
    archive_no: Line = Field(title="档案号")
    retention: Annotated[str, Coded("retention_periods")] = Field(title="保管期限")
    pages: int = Field(title="页数", ge=1)


def _is_named(s: Situation, _: Any) -> bool:
    return not s.answer("open.anonymous", True)


def _earlier(s: Situation, answers: Acceptance) -> Any:
    return s.others.get(answers.repeat_of or s.answer("open.repeat_of") or 0)


def _has_new_evidence(s: Situation, answers: Acceptance) -> bool:
    return answers.new_evidence or bool(s.answer("open.new_evidence"))


def _not_repeated_within_window(s: Situation, answers: Acceptance) -> bool:
    earlier = _earlier(s, answers)
    if earlier is None or _has_new_evidence(s, answers):
        return True
    window = Budget.parse(str(s.policy.setting("repeat_window")))
    return date.fromisoformat(s.answer("open.received_on")) > repeat_window_end(earlier.event_on, window.amount)


def _not_concluded_before(s: Situation, answers: Acceptance) -> bool:
    earlier = _earlier(s, answers)
    return earlier is None or _has_new_evidence(s, answers) or not ({"complete", "close_held"} & earlier.steps.keys())


def _outside(s: Situation) -> list[bool]:
    beyond = s.policy.codes("out_of_scope")
    return [field in beyond for field in s.answer("open.problem_fields", [])]


def _after_approval(s: Situation, _: Any) -> State:
    match s.answer("propose.disposition"):
        case "letter_inquiry":
            return S.INQUIRY
        case "held_pending":
            return S.HELD
        case "closed":
            return _to_feedback(s, _)
    return S.HANDLING


def _to_feedback(s: Situation, _: Any) -> State:
    return S.FEEDBACK if _is_named(s, _) else S.FILING


def _needs_recheck(s: Situation, _: Any) -> bool:
    return s.answer("propose.disposition") == "preliminary_verification" and s.unit_kind != "county"


def _after_completion(s: Situation, answers: Any) -> State:
    return S.RECHECK if _needs_recheck(s, answers) else _to_feedback(s, answers)


def _handled_by(s: Situation) -> frozenset[int]:
    return s.did("note_progress", "complete", "complete.team", "record_reply")


def _team_of_two(s: Situation, answers: Completion) -> bool:
    return s.answer("propose.disposition") != "preliminary_verification" or len(set(answers.team)) >= 2


def _parts(s: Situation, answers: Split) -> list[Mapping[str, Any]]:
    whole = {k: v for k, v in s.steps["open"].answers.items() if k not in ("summary", "content", "problem_fields")}
    return [{**whole, **part.model_dump(mode="json"), "part_of": s.matter_id} for part in answers.parts]


def _hands_on(when: fx.When) -> fx.Open:
    """Hand it on as clues, one for each person reported, once; the complainant stays behind."""
    return fx.Open("clue", _clues, "clue_from", when=lambda s, a: when(s, a) and not s.linked.get("clue_from"))


def _clues(s: Situation, _: Any) -> list[Mapping[str, Any]]:
    about = {
        "source": "petition", "petition": s.matter_id, "received_on": s.today.isoformat(),
        "problem_fields": s.answer("open.problem_fields"), "content": s.answer("open.content"),
    }  # fmt: skip
    named = [
        {"subject_name": r["name"], "subject": r["person"], "subject_post": r["post"], "subject_unit": r["unit"]}
        for r in s.answer("open.reported", [])
    ]
    return [{**about, **who} for who in named or [{}]]


def _is_first_of_chain(s: Situation, answers: Any) -> bool:
    earlier = s.others.get(answers.repeat_of or 0)
    return earlier is None or "open" not in earlier.steps or not earlier.steps["open"].answers.get("repeat_of")


def _is_moving_on(s: Situation, _: Any) -> bool:
    return s.answer("propose.disposition") not in ("held_pending", "closed")


REPRESENTATIVES = Guard(
    "too_many_representatives", "a group sends at most five representatives", "多人走访应推选代表，代表不得超过规定人数",
    lambda s, a: a.representatives <= int(s.policy.setting("representatives_at_most")),
)  # fmt: skip
FIRST_OF_CHAIN = Guard(
    "not_the_first", "name the first petition of the chain: the window runs from it", "请选择最初的原件，重复期限自原件登记之日起算",
    _is_first_of_chain,
)  # fmt: skip
PART_OF_A_SPLIT = Guard(
    "not_split_from", "only splitting a petition makes parts of it", "分件由原件的“分件”操作产生，不能手工登记为分件",
    lambda s, a: a.part_of is None or a.part_of == s.opened_from,
)  # fmt: skip
IN_SCOPE = Guard(
    "out_of_scope", "refuse and refer it: none of its fields is ours", "所涉问题不属纪检监察受理范围，请“不予受理”并移交",
    lambda s, _: not all(_outside(s)),
)  # fmt: skip
NOT_MIXED = Guard(
    "mixed_letter", "split it: some of its fields are not ours", "来信混有非受理范围的问题，请先“分件”",
    lambda s, _: all(_outside(s)) or not any(_outside(s)),
)  # fmt: skip
IS_MIXED = Guard(
    "nothing_to_split", "the parts together must cover the fields of the whole", "各分件的问题类别合起来须与原件一致",
    lambda s, a: {f for p in a.parts for f in p.problem_fields} == set(s.answer("open.problem_fields")),
)  # fmt: skip
NOT_REPEATED = Guard(
    "repeated", "registered and linked, not accepted: repeated within the window without new evidence",
    "规定期限内的重复件且无新证据，只登记、并案，不受理", _not_repeated_within_window,
)  # fmt: skip
NOT_CONCLUDED = Guard(
    "concluded", "already concluded and no new evidence", "该问题已了结且无新证据，不予受理", _not_concluded_before,
)  # fmt: skip
REFUSAL_FITS = Guard(
    "ground_does_not_fit", "the fields on record are ours: choose another ground or correct the fields",
    "登记的问题类别属受理范围，不能以“不属受理范围”为由不予受理",
    lambda s, a: a.ground != "out_of_scope" or all(_outside(s)),
)  # fmt: skip
NAMES_EARLIER = Guard(
    "earlier_missing", "name the earlier petition", "重复件、已了结件须指明原信访件",
    lambda s, a: a.ground not in ("repeated", "concluded") or bool(a.earlier or s.answer("open.repeat_of")),
)  # fmt: skip
NOT_PROPOSER = not_who_did(
    "propose", code="same_person", en="the proposer does not approve", zh="拟处置人不得审批本件的处置意见"
)
TEAM_OF_TWO = Guard(
    "team_of_two", "a verification has a team of at least two", "初步核实须由两人以上进行", _team_of_two
)
FINISHED_AFTER_RECEIPT = Guard(
    "finished_before_received", "it cannot be finished before it was received", "办结日期不得早于收件日期",
    lambda s, a: a.finished_on >= date.fromisoformat(s.answer("open.received_on")),
)  # fmt: skip
RESULT_KNOWN = Guard(
    "result_not_recorded", "only a petition taken over from a ledger may lack a result", "请填写实际办理结果",
    lambda s, a: a.result != "not_recorded" or s.from_elsewhere,
)  # fmt: skip
MEMBERS_APART = Guard(
    "rechecker_handled_it", "nobody who handled it re-checks it", "复核组成员不得参与过本件办理",
    lambda s, a: len(set(a.members)) >= 2 and not (set(a.members) | s.acting) & _handled_by(s),
)  # fmt: skip
TELLS_THE_NAMED = Guard(
    "not_told", "the complainant has a name and is told", "实名件须告知举报人，请填写告知日期和方式",
    lambda s, a: not _is_named(s, a) or (a.told_on is not None and a.method is not None),
)  # fmt: skip
NOT_HANDLER = Guard(
    "handler_reclassifies", "whoever handles or proposed it does not change its class", "承办人、拟处置人不得自行调整件类",
    lambda s, _: bool(s.acting) and not s.acting & (_handled_by(s) | s.did("propose")),
)  # fmt: skip

# after a return to screening the later periods still run
ENDS_HANDLING = (fx.StopClock("screening"), fx.StopClock("disposition"), fx.StopClock("handling"))
TO_FILING = fx.StartClock("archiving", when=lambda s, a: not _is_named(s, a))
TO_FEEDBACK = fx.Owe("result_feedback", when=_is_named)

PETITION = procedure(
    "petition",
    "信访举报",
    State,
    opening=Opening(
        form=Registration,
        title=lambda a: a.summary,
        event="received_on",
        guards=(REPRESENTATIVES, FIRST_OF_CHAIN, PART_OF_A_SPLIT),
        effects=(fx.StartClock("screening"), fx.LinkTo("repeat_of", "repeats"), fx.LinkTo("part_of", "part_of")),
    ),
    actions=[
        Action("accept", "受理", [S.REGISTERED], S.TRIAGE, Acceptance,
               (IN_SCOPE, NOT_MIXED, FIRST_OF_CHAIN, NOT_REPEATED, NOT_CONCLUDED),
               (fx.StopClock("screening"), fx.StartClock("disposition"), fx.LinkTo("repeat_of", "repeats"),
                fx.Owe("acceptance_notice", when=_is_named))),
        Action("refuse", "不予受理", [S.REGISTERED], S.REFUSED, Refusal, (NOT_MIXED, REFUSAL_FITS, NAMES_EARLIER),
               (*ENDS_HANDLING, fx.StartClock("transfer"), fx.LinkTo("earlier", "repeats"),
                fx.Owe("refusal_notice", when=_is_named))),
        Action("split", "分件", [S.REGISTERED], S.FILING, Split, (IS_MIXED,),
               (*ENDS_HANDLING, fx.StartClock("archiving"), fx.Open("petition", _parts, "part_of"))),
        Action("hand_over", "移交并告知", [S.REFUSED], S.FILING, HandOver, (TELLS_THE_NAMED,),
               (fx.StopClock("transfer"), fx.Settle("refusal_notice"), fx.StartClock("archiving"))),
        Action("propose", "拟处置", [S.TRIAGE], S.APPROVAL, Proposal),
        Action("approve", "批准", [S.APPROVAL],
               Choice(_after_approval, (S.HANDLING, S.INQUIRY, S.HELD, S.FEEDBACK, S.FILING)), Note, (NOT_PROPOSER,),
               (fx.StopClock("disposition"), fx.MoveTo("propose.handler_unit"),
                fx.StopClock("handling", when=lambda s, a: not _is_moving_on(s, a)),
                fx.StartClock("handling", by="propose.petition_class", given="propose.given_due", when=_is_moving_on),
                fx.StartClock("inquiry_reply", when=lambda s, _: s.answer("propose.disposition") == "letter_inquiry"),
                fx.StartClock("held_review", when=lambda s, _: s.answer("propose.disposition") == "held_pending"),
                fx.Owe("result_feedback", when=lambda s, a: _is_named(s, a) and s.answer("propose.disposition") == "closed"),
                fx.StartClock("archiving", when=lambda s, a: not _is_named(s, a) and s.answer("propose.disposition") == "closed"),
                _hands_on(lambda s, _: s.answer("propose.disposition") == "case_filing" and not s.from_elsewhere))),
        send_back([S.APPROVAL, S.INQUIRY, S.HANDLING], effects=(fx.StopClock("inquiry_reply"),)),
        Action("record_reply", "登记回复", [S.INQUIRY], S.HANDLING, Reply, (),
               (fx.StopClock("inquiry_reply"), fx.Owe("meeting_report"))),
        Action("record_meeting_report", "民主生活会报告", ACCEPTED, None, Note, (), (fx.Settle("meeting_report"),), Kind.NOTE),
        Action("note_progress", "记录进展", ACCEPTED, None, Progress, (), (), Kind.NOTE),
        Action("take_charge", "领导包案", ACCEPTED, None, Charge, (), (), Kind.NOTE),
        Action("reclassify", "调整件类", [S.INQUIRY, S.HANDLING], None, Reclassification, (NOT_HANDLER,),
               (fx.Rebudget("handling", by="reclassify.petition_class", given="reclassify.given_due"),), Kind.NOTE),
        Action("reassign", "改派承办单位", [S.INQUIRY, S.HANDLING], None, Reassignment, (),
               (fx.MoveTo("reassign.handler_unit"),), Kind.NOTE),
        *extension_of("handling", [S.INQUIRY, S.HANDLING]),
        *suspension_of("handling", [S.INQUIRY, S.HANDLING]),
        Action("complete", "办结", [S.HANDLING], Choice(_after_completion, (S.RECHECK, S.FEEDBACK, S.FILING)), Completion,
               (TEAM_OF_TWO, FINISHED_AFTER_RECEIPT, RESULT_KNOWN),
               (fx.Suspend("handling", when=_needs_recheck), fx.StartClock("recheck", when=_needs_recheck),
                fx.StopClock("handling", when=lambda s, a: not _needs_recheck(s, a)),
                fx.Owe("result_feedback", when=lambda s, a: _is_named(s, a) and not _needs_recheck(s, a)),
                fx.StartClock("archiving", when=lambda s, a: not _is_named(s, a) and not _needs_recheck(s, a)),
                _hands_on(lambda s, a: a.as_clue and not _needs_recheck(s, a)))),
        Action("pass_recheck", "复核通过", [S.RECHECK], Choice(_to_feedback, (S.FEEDBACK, S.FILING)), Recheck, (MEMBERS_APART,),
               (fx.StopClock("handling"), fx.StopClock("recheck"), TO_FEEDBACK, TO_FILING,
                _hands_on(lambda s, _: bool(s.answer("complete.as_clue"))))),
        Action("fail_recheck", "复核退回", [S.RECHECK], S.HANDLING, Recheck, (MEMBERS_APART,),
               (fx.StopClock("recheck"), fx.Resume("handling"))),
        Action("take_up", "重新启动", [S.HELD], S.TRIAGE, Reason, (), (fx.StopClock("held_review"), fx.StartClock("disposition"))),
        Action("close_held", "暂存转了结", [S.HELD], Choice(_to_feedback, (S.FEEDBACK, S.FILING)), Reason, (),
               (fx.StopClock("held_review"), TO_FEEDBACK, TO_FILING)),
        Action("give_acceptance_notice", "告知受理", ACCEPTED, None, Told, (), (fx.Settle("acceptance_notice"),), Kind.NOTE),
        Action("waive_acceptance_notice", "免予告知受理", ACCEPTED, None, Reason, (), (fx.Waive("acceptance_notice"),), Kind.NOTE),
        Action("feed_back", "反馈结果", [S.FEEDBACK], S.FILING, Told, (),
               (fx.Settle("result_feedback"), fx.StartClock("archiving"))),
        Action("waive_feedback", "免予反馈", [S.FEEDBACK], S.FILING, Reason, (),
               (fx.Waive("result_feedback"), fx.StartClock("archiving"))),
        recusal(OPEN),
        Action("archive", "归档", [S.FILING], S.ARCHIVED, Archive, (), (fx.StopClock("archiving"),)),
    ],
    labels={
        S.REGISTERED: "待甄别", S.REFUSED: "不予受理", S.TRIAGE: "待拟处置", S.APPROVAL: "待审批", S.INQUIRY: "函询中",
        S.HANDLING: "办理中", S.HELD: "暂存待查", S.RECHECK: "县级复核", S.FEEDBACK: "待反馈", S.FILING: "待归档", S.ARCHIVED: "已归档",
    },
    final=[S.ARCHIVED],
    watches=["clue_from"],
    links={"part_of": ("原件", "分件"), "repeats": ("原信访件", "重复件")},
    public={
        S.REGISTERED: "registered", S.REFUSED: "referred", S.TRIAGE: "accepted", S.APPROVAL: "accepted",
        S.INQUIRY: "in_handling", S.HANDLING: "in_handling", S.HELD: "in_handling", S.RECHECK: "in_handling",
        S.FEEDBACK: "in_handling", S.FILING: "closed", S.ARCHIVED: "closed",
    },
)  # fmt: skip
