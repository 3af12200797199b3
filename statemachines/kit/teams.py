"""Guards about who works together and who must not: teams of two, and people who stay apart."""

from collections.abc import Callable, Collection
from typing import Any

from statemachines.kit.panels import SeatState
from statemachines.kit.procedure import Guard
from statemachines.kit.situation import Other, Situation

Whom = Callable[[Situation, Any], Collection[int]]


def team_of(at_least: int, field: str, *, zh: str, code: str = "team_too_small") -> Guard:
    """The answer names at least so many different people."""
    return Guard(
        code, f"{field} must name at least {at_least} people", zh, lambda s, a: len(set(_people(a, field))) >= at_least
    )


def apart_from(whom: Whom, *fields: str, code: str, en: str, zh: str) -> Guard:
    """Neither whoever acts, nor whose right he uses, nor anyone in these answers is among `whom`.

    The clock is no person and passes nothing.
    """

    def holds(s: Situation, answers: Any) -> bool:
        named = {person for field in fields for person in _people(answers, field)}
        return bool(s.acting) and not (s.acting | named) & set(whom(s, answers))

    return Guard(code, en, zh, holds)


def who_did(*actions: str) -> Whom:
    """Everyone who ever took one of these actions here, or whom such an answer ("action.field") gave a part."""
    return lambda s, _: s.did(*actions)


def who_touched(path: str) -> Whom:
    """Everyone who had any part in the matter, or matters, that the answer "action.field" refers to."""
    return lambda s, a: frozenset().union(*(other.touched for other in _others(s, a, path)))


def who_did_in(path: str, *actions: str) -> Whom:
    """Everyone who ever took one of these actions in the matters that the answer "action.field" refers to."""
    return lambda s, a: frozenset().union(*(other.did(*actions) for other in _others(s, a, path)))


def any_of(*whoms: Whom) -> Whom:
    """Everyone in any of these."""
    return lambda s, a: frozenset().union(*(whom(s, a) for whom in whoms))


def panel_enough(panel: str, *, zh: str = "尚有成员未表态，未达到规定人数") -> Guard:
    """The panel has answered as its rule asks."""
    return Guard(
        "panel_incomplete", f"panel {panel} has not answered as its rule asks", zh,
        lambda s, _: panel in s.panels and s.panels[panel].enough,
    )  # fmt: skip


def linked_done(kind: str, *, zh: str, code: str = "linked_open", at_least: int = 1) -> Guard:
    """So many matters of this kind hang on this one, and every one of them is closed."""
    return Guard(
        code, f"matters linked as {kind} are missing or still open", zh,
        lambda s, _: len(s.linked.get(kind, ())) >= at_least and all(o.closed for o in s.linked.get(kind, ())),
    )  # fmt: skip


def still_waited_for(panel: str) -> Guard:
    """The person in the form's `person` has a seat that has not answered."""
    return Guard(
        "not_waited_for", "this person has no open seat", "该人员不在待表态成员之列",
        lambda s, a: any(t.person == a.person and t.state is SeatState.WAITING for t in s.panels[panel].seats)
        if panel in s.panels else False,
    )  # fmt: skip


def marked_absent(panel: str) -> Guard:
    """The person in the form's `person` has a seat and was marked absent."""
    return Guard(
        "not_absent", "this person is not marked absent", "该人员未登记缺席",
        lambda s, a: any(t.person == a.person and t.state is SeatState.ABSENT for t in s.panels[panel].seats)
        if panel in s.panels else False,
    )  # fmt: skip


def not_seated(panel: str) -> Guard:
    return Guard(
        "already_seated", "this person is a member already", "该人员已是成员",
        lambda s, a: panel not in s.panels or a.person not in s.panels[panel].members,
    )  # fmt: skip


def _others(s: Situation, answers: Any, path: str) -> list[Other]:
    """Return the matters that an answer on record refers to, or the form just filled in."""
    _, _, name = path.partition(".")
    given = s.answer(path) or getattr(answers, name, None) or ()
    return [s.others[i] for i in ((given,) if isinstance(given, int) else given) if i in s.others]


def _people(answers: Any, field: str) -> Collection[int]:
    value = getattr(answers, field)
    return () if value is None else (value,) if isinstance(value, int) else value
