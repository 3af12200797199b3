"""Extensions of several clocks: each state's own one is meant, and never the other."""

from enum import StrEnum

import pytest

from statemachines.kit.effects import AskExtension
from statemachines.kit.forms import Note
from statemachines.kit.idioms import ExtensionRequest, extension_of, extensions_of
from statemachines.kit.procedure import Refused
from statemachines.kit.situation import Situation
from tests.support.situations import COLLEAGUE, situation


class State(StrEnum):
    MAKING = "making"
    SENDING = "sending"


S = State
ASK, GRANT, _ = extensions_of({"making": [S.MAKING], "sending": [S.SENDING]})
WANTED = ExtensionRequest(reason="量大", amount=1)


def at(state: State, pending: str | None = None) -> Situation:
    asked = {"ask_extension": frozenset({COLLEAGUE})}
    waiting = frozenset({pending} if pending else ())
    return situation("petition", state, path=(), pending=waiting, actors=asked)


@pytest.mark.parametrize("state", list(S))
def test_more_time_is_for_the_clock_of_the_state(state: State) -> None:
    chosen = [e for e in ASK.effects if e.when is not None and e.when(at(state), WANTED)]
    assert [e.clock for e in chosen if isinstance(e, AskExtension)] == [str(state)]


@pytest.mark.parametrize("state", list(S))
def test_what_waits_for_the_other_clock_is_no_request_here(state: State) -> None:
    other = next(s for s in S if s is not state)
    for pending, code in ((str(state), None), (str(other), "no_request"), (None, "no_request")):
        if code:
            with pytest.raises(Refused) as refused:
                GRANT.guards[0].check(at(state, pending), Note())
            assert refused.value.code == code
        else:
            GRANT.guards[0].check(at(state, pending), Note())


def test_a_single_clock_needs_no_choice() -> None:
    ask, *_ = extension_of("making", [S.MAKING])
    assert [(type(e), e.when) for e in ask.effects] == [(AskExtension, None)]
