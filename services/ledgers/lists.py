"""What ledgers are read against, taken from the pack's petition policies and the organisation tree."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.engine.registry import Registry
from services.identity.models import Unit
from services.identity.units import find_unit
from services.ledgers.errors import ImportRefused
from services.ledgers.known import Known
from statemachines.kit.policy import GIVEN, Policy


def known_from(registry: Registry, session: Session) -> Known:
    """The words of every version of the pack's petition policy: a ledger may reach back over several.

    Whether a code may be used for a petition is for the version in force on its day, and so for the engine.
    Raises `ImportRefused` where there is no unit that a ledger could name.
    """
    if session.scalar(select(Unit.id).limit(1)) is None:
        raise ImportRefused(
            "no_units",
            "there are no units yet, so no ledger's units can be found; run: duban admin create, or duban demo load",
            "系统中还没有单位，请先建立机构树。",
        )
    policies = [definition.policy for definition in registry.versions("petition")]
    return Known(
        unit_id=UnitFinder(session).find,
        petition_classes=_words(policies, "petition_classes"),
        channels=_words(policies, "channels"),
        dispositions=_words(policies, "dispositions"),
        problem_fields=_words(policies, "problem_fields"),
        out_of_scope=frozenset(code for policy in policies for code in policy.codes("out_of_scope")),
        dated_classes=frozenset(name for policy in policies for name in _dated(policy)),
    )


class UnitFinder:
    """`find_unit` with a memory: a ledger names the same few units over and over."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: dict[str, int | None] = {}

    def find(self, text: str) -> int | None:
        """The id of the one unit that the text means, or None."""
        if text not in self._found:
            unit = find_unit(self._session, text)
            self._found[text] = unit.id if unit else None
        return self._found[text]


def _words(policies: list[Policy], name: str) -> dict[str, str]:
    """Label or alias to code; where versions differ, the later one's word counts."""
    words: dict[str, str] = {}
    for policy in policies:
        words |= {label: code for code, label in policy.codes(name).items()} | policy.lists[name].aliases
    return words


def _dated(policy: Policy) -> list[str]:
    budget = policy.clocks["handling"].budget
    return [name for name, text in budget.items() if text == GIVEN] if isinstance(budget, dict) else []
