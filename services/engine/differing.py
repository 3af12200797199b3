"""What changed between two versions of a procedure and its policy, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.db.errors import DubanError
from services.engine.describing import shape_of
from statemachines.kit.policy import ClockRule, Policy
from statemachines.kit.procedure import Procedure


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison. A version kept in the database is a procedure or a policy, never both."""

    label: str
    procedure: Procedure | None
    policy: Policy | None


def differences(a: Side, b: Side) -> list[str]:
    """Say what is otherwise in `b`, one line per state, action, role, clock, list or setting.

    Only what both sides have is compared; `DubanError` where they have nothing in common.
    """
    lines: list[str] = []
    both_procedures = a.procedure is not None and b.procedure is not None
    both_policies = a.policy is not None and b.policy is not None
    if not (both_procedures or both_policies):
        raise DubanError("one is a procedure and the other a policy: compare two of a kind")
    if a.procedure is not None and b.procedure is not None:
        lines += _told(shape_of(a.procedure), shape_of(b.procedure))
    if a.policy is not None and b.policy is not None:
        lines += _told(_rules(a.policy), _rules(b.policy))
    return lines


def _rules(policy: Policy) -> dict[str, Any]:
    """A policy as one flat table of what a reader would name."""
    return {
        "source": f"{policy.source.title}（{policy.source.effective}起）",
        "number": policy.number,
        "may open": list(policy.open),
        "may view": list(policy.view),
        **{f"who may {action}": list(roles) for action, roles in policy.roles.items()},
        **{f"turn in {state}": role for state, role in policy.work.items()},
        **{f"who may unseal {name}": list(roles) for name, roles in policy.sealed.items()},
        **{f"clock {name}": _clock(rule) for name, rule in policy.clocks.items()},
        **{
            f"obligation {name}": rule.model_dump(mode="json", by_alias=True)
            for name, rule in policy.obligations.items()
        },
        **{f"candidate {name}": rule.model_dump(mode="json") for name, rule in policy.candidates.items()},
        **{f"list {name}": _flat(made.model_dump(mode="json")) for name, made in policy.lists.items()},
        **{f"setting {name}": made.model_dump(mode="json") for name, made in policy.settings.items()},
    }


def _clock(rule: ClockRule) -> dict[str, Any]:
    told = rule.model_dump(mode="json", exclude={"ladder"})
    return told | {f"rung {rung.at}": ", ".join(rung.do) for rung in rule.ladder}


def _flat(made: dict[str, Any]) -> dict[str, Any]:
    return {**made.pop("values"), **made}


def _told(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[str]:
    for name in [*a, *(name for name in b if name not in a)]:
        if name not in b:
            yield f"{name}: gone (was {_words(a[name])})"
        elif name not in a:
            yield f"{name}: new: {_words(b[name])}"
        elif phrases := list(_phrases(a[name], b[name])):
            yield f"{name}: {'; '.join(phrases)}"


def _phrases(a: Any, b: Any) -> Iterator[str]:
    """How `b` differs from `a`: what is gone, what is new, what became something else."""
    if a == b:
        return
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        yield from _table_phrases(a, b)
    elif isinstance(a, list) and isinstance(b, list):
        yield from _list_phrases(a, b)
    else:
        yield f"{_words(a)} → {_words(b)}"


def _table_phrases(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[str]:
    if gone := [name for name in a if name not in b]:
        yield f"without {', '.join(gone)}"
    for name in a:
        if name in b:
            yield from (f"{name} {phrase}" for phrase in _phrases(a[name], b[name]))
    yield from (f"with {name} {_words(b[name])}" for name in b if name not in a)


def _list_phrases(a: list[Any], b: list[Any]) -> Iterator[str]:
    gone, new = [x for x in a if x not in b], [x for x in b if x not in a]
    if gone:
        yield f"without {', '.join(map(_words, gone))}"
    if new:
        yield f"with {', '.join(map(_words, new))}"
    if not gone and not new:
        yield f"in another order: {', '.join(map(_words, b))}"


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        said = (f"{name} {_words(kept)}" for name, kept in value.items() if kept not in (None, [], {}, ""))
        return ", ".join(said)
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or "nobody"
    return {None: "none", True: "yes", False: "no"}.get(value, str(value)) if _is_sign(value) else str(value)


def _is_sign(value: Any) -> bool:
    return value is None or isinstance(value, bool)
