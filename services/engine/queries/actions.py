"""What can be done with a matter now: each action with its form as a JSON Schema, and why not where it cannot."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from services.db.errors import DubanError
from services.engine.loading import Loaded
from services.engine.permission import right_to
from services.identity.access import Actor
from statemachines.kit.forms import Form
from statemachines.kit.panels import Panel, SeatState
from statemachines.kit.policy import Policy
from statemachines.kit.procedure import Action, Kind
from statemachines.kit.situation import Situation


@dataclass(frozen=True, slots=True)
class Target:
    """A state that an action may lead to."""

    state: str
    label: str


@dataclass(frozen=True, slots=True)
class PossibleAction:
    """An action the present state knows. `allowed` tells whether this actor may; `why_not` is Chinese, else empty.

    `form` is a JSON Schema; coded fields carry `enum` and `x-labels` (code → label), besides the marks of the kit.
    Guards that look at the answers can still refuse it. `answered`: a vote that this actor has cast and may replace;
    `anonymous`: one that is cast once, and of which nobody learns what was in it.
    """

    name: str
    title: str
    kind: str
    targets: list[Target]
    form: dict[str, Any]
    allowed: bool
    why_not: str
    answered: bool
    anonymous: bool


def possible_actions(loaded: Loaded, actor: Actor, now: datetime) -> list[PossibleAction]:
    """Return every action of the present state, in the order of the procedure."""
    situation = loaded.situation(actor, now)
    declared = loaded.definition.procedure.open_actions(loaded.row["state"])
    return [_possible(loaded, situation, actor, action) for action in declared]


def form_schema(form: type[Form], policy: Policy) -> dict[str, Any]:
    """Return a form's JSON Schema with the code lists of this policy put in, kept and shared: do not change it."""
    key = (form, id(policy))
    if key not in _SCHEMAS:
        _SCHEMAS[key] = (policy, _resolved(_schema(form), policy))
    return _SCHEMAS[key][1]


_SCHEMAS: dict[tuple[type[Form], int], tuple[Policy, dict[str, Any]]] = {}
"""By form and policy; the policy is kept along, so that its id stays its own."""


@cache
def _schema(form: type[Form]) -> dict[str, Any]:
    return form.model_json_schema()


def _possible(loaded: Loaded, situation: Situation, actor: Actor, action: Action) -> PossibleAction:
    targets = _targets(loaded, situation, action)
    schema = _with_earlier_states(form_schema(action.form, loaded.definition.policy), targets)
    why_not = _why_not(loaded, action, actor)
    panel = loaded.definition.procedure.panel_of(action.name)
    return PossibleAction(
        action.name, action.title, str(action.kind), targets, schema, not why_not, why_not,
        answered=panel is not None and _has_answered(loaded, panel, actor),
        anonymous=panel is not None and panel.anonymous,
    )  # fmt: skip


def _has_answered(loaded: Loaded, panel: Panel, actor: Actor) -> bool:
    sitting = loaded.sittings.get(panel.name)
    seat = sitting.seat_of(actor.id) if sitting else None
    return seat is not None and seat["state"] == SeatState.ANSWERED


def _why_not(loaded: Loaded, action: Action, actor: Actor) -> str:
    try:
        right_to(loaded, action.name, actor)
    except DubanError as refusal:
        return refusal.zh
    return ""


def _targets(loaded: Loaded, situation: Situation, action: Action) -> list[Target]:
    match action.kind:
        case Kind.RETURN:
            states = situation.earlier_states()
        case Kind.WITHDRAW:
            states = tuple(m.source for m in situation.trail[-1:] if m.source)
        case _:
            states = tuple(str(state) for state in action.targets())
    return [Target(state, loaded.definition.procedure.label(state)) for state in states]


def _resolved(schema: Any, policy: Policy) -> Any:
    if isinstance(schema, list):
        return [_resolved(part, policy) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    copied = {key: _resolved(part, policy) for key, part in schema.items()}
    if "properties" in copied:
        copied |= _asked_for(copied, policy)
    if (name := copied.get("x-list")) is not None:
        labels = policy.codes(name)
        copied |= {"enum": list(labels), "x-labels": dict(labels)}
    return copied


def _asked_for(copied: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """Leave out the fields that this policy does not ask for; those that it asks for are required."""
    fields, required = dict(copied["properties"]), list(copied.get("required", ()))
    for name, field in copied["properties"].items():
        if asked := field.get("x-asked"):
            if asked[1] in policy.codes(asked[0]):
                required.append(name)
            else:
                del fields[name]
    return {"properties": fields, "required": required} if required else {"properties": fields}


def _with_earlier_states(schema: dict[str, Any], targets: list[Target]) -> dict[str, Any]:
    fields = schema.get("properties", {})
    if not any(field.get("x-earlier-state") for field in fields.values()):
        return schema
    offered = {"enum": [*(t.state for t in targets), None], "x-labels": {t.state: t.label for t in targets}}
    fields = {name: field | offered if field.get("x-earlier-state") else field for name, field in fields.items()}
    return schema | {"properties": fields}
