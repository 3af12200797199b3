"""The shape of an item on a list (清单): issued, handled, struck off by two people on fresh evidence.

任务清单 and 督办清单 are this with their own openings and policies. Source: 镇坪 “五张清单” (M32–M35).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from statemachines.kit import effects as fx
from statemachines.kit.forms import AttachmentId, Form, FreshEvidence, PersonId, Reason, Text
from statemachines.kit.idioms import extension_of, recusal, suspension_of
from statemachines.kit.procedure import Action, Guard, Kind, send_back
from statemachines.kit.situation import Situation
from statemachines.kit.teams import apart_from, who_did


class State(StrEnum):
    ISSUED = "issued"
    HANDLING = "handling"
    VERIFICATION = "verification"
    STRUCK_OFF = "struck_off"


S = State
OPEN = (S.ISSUED, S.HANDLING, S.VERIFICATION)
LABELS: Mapping[StrEnum, str] = {
    S.ISSUED: "待签收", S.HANDLING: "办理中", S.VERIFICATION: "待核验", S.STRUCK_OFF: "已销号",
}  # fmt: skip


class Receipt(Form):
    handler: PersonId = Field(title="承办人")
    measures: Text = Field(title="办理措施")


class Progress(Form):
    content: Text = Field(title="办理情况")
    attachments: Annotated[tuple[AttachmentId, ...], Field(default=(), title="佐证材料", max_length=50)]


class StrikeOffRequest(Form):
    done: Text = Field(title="完成情况")
    evidence: tuple[Annotated[AttachmentId, FreshEvidence()], ...] = Field((), title="佐证材料", max_length=50)


class Verification(Form):
    opinion: Text = Field(title="核验意见")


HANDLED = ("sign_for", "sign_for.handler", "note_progress", "ask_strike_off")

VERIFIER_APART = apart_from(
    who_did(*HANDLED), code="verifier_rectified", en="the verifier is nobody who handled it",
    zh="核验人不得是承办人、申请销号人",
)  # fmt: skip
TWO_PEOPLE = apart_from(
    who_did("verify"), code="one_person", en="whoever verified it does not strike it off: it takes two",
    zh="核验人不得自行批准销号，销号须由两人办理",
)  # fmt: skip


def _verified_since_asked(s: Situation, _: Any) -> bool:
    return "verify" in s.steps and s.steps["verify"].at >= s.steps["ask_strike_off"].at


VERIFIED = Guard("not_verified", "somebody has to verify it first", "尚未核验，不能销号", _verified_since_asked)


def checklist_actions(clock: str) -> tuple[Action, ...]:
    """Sign for, handle, ask to be struck off, verify, strike off, return, cancel; more time and standing still."""
    return (
        Action("sign_for", "签收", [S.ISSUED], S.HANDLING, Receipt, (), (fx.Assign("sign_for.handler"),)),
        Action("note_progress", "记录进展", [S.HANDLING, S.VERIFICATION], None, Progress, (), (), Kind.NOTE),
        Action("ask_strike_off", "申请销号", [S.HANDLING], S.VERIFICATION, StrikeOffRequest),
        Action("verify", "核验", [S.VERIFICATION], None, Verification, (VERIFIER_APART,), (), Kind.NOTE),
        Action("strike_off", "销号", [S.VERIFICATION], S.STRUCK_OFF, Verification,
               (VERIFIER_APART, VERIFIED, TWO_PEOPLE), (fx.StopClock(clock),)),
        send_back([S.VERIFICATION]),
        Action("cancel", "撤销", OPEN, S.STRUCK_OFF, Reason, (), (fx.StopClock(clock),)),
        *extension_of(clock, [S.ISSUED, S.HANDLING]),
        *suspension_of(clock, [S.HANDLING]),
        recusal(OPEN),
    )  # fmt: skip
