"""Procedures and their policies in words, for people who do not read code."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from config.packs import load_pack
from services.engine.registry import Definition, Registry
from services.engine.standing import standing_lines
from services.identity.sealing import Vault
from statemachines.kit import effects as fx
from statemachines.kit.forms import Form
from statemachines.kit.panels import PanelRule
from statemachines.kit.policy import ClockRule, Policy, clock_effects
from statemachines.kit.procedure import Action, Guard, Kind, Procedure

_VERBS: Mapping[type[fx.Effect], str] = {
    fx.StartClock: "starts the clock {clock}",
    fx.StopClock: "stops the clock {clock}",
    fx.Rebudget: "recomputes the clock {clock}",
    fx.Owe: "owes {duty}",
    fx.Settle: "settles {duty}",
    fx.Waive: "waives {duty}",
    fx.AskExtension: "puts a request for more time on {clock}",
    fx.GrantExtension: "extends the clock {clock}",
    fx.RefuseExtension: "leaves the clock {clock} as it is",
    fx.Suspend: "suspends the clock {clock}",
    fx.Resume: "resumes the clock {clock}",
    fx.MoveTo: "moves the matter to the unit in {field}",
    fx.Assign: "assigns the person in {field}",
    fx.Open: "opens matters of {procedure} ({link})",
    fx.LinkTo: "links it to the matter in {field} ({kind})",
    fx.Tell: "tells {role}: {text}",
    fx.MoveUp: "moves the matter up to the {to}",
    fx.Convene: "convenes the panel {panel}",
    fx.AddMember: "seats one more on {panel}",
    fx.RemoveMember: "takes a seat on {panel} away",
    fx.MarkAbsent: "no longer waits for a member of {panel}",
}


def read_pack(key: str) -> Registry:
    """Read and check a pack to look at it; `BadPack` or `BadDeclarations` say everything that is wrong."""
    with tempfile.TemporaryDirectory() as folder:  # nothing is signed here: a key for nothing
        return Registry(load_pack(key), Vault.create_if_missing(Path(folder) / "key"))


def describe(definition: Definition, role_titles: Mapping[str, str]) -> dict[str, Any]:
    """Tell a procedure under one version of its policy: JSON values only; roles are told as "code (Chinese title)".

    Keys: procedure, title, policy (title, effective, verified), number, may_open, may_view, states, actions, clocks,
    panels, authority, obligations, candidates, lists, settings. What rests on memory alone is marked `verified: false`.
    """
    procedure, policy = definition.procedure, definition.policy

    def roles(names: tuple[str, ...]) -> list[str]:
        return [f"{name} ({role_titles[name]})" if name in role_titles else name for name in names]

    return {
        "procedure": procedure.key,
        "title": procedure.title,
        "policy": policy.source.model_dump(mode="json"),
        "number": policy.number,
        "may_open": roles(policy.open),
        "may_view": roles(policy.view),
        "states": [_state(procedure, policy, str(state), roles) for state in procedure.states],
        "opening": {"form": _fields(procedure.opening.form), **_conditions(procedure.opening)},
        "actions": [_action(action, policy, roles) for action in procedure.actions.values()],
        "clocks": [_clock(procedure, name, rule) for name, rule in policy.clocks.items()],
        "panels": [_panel(procedure, name, rule) for name, rule in policy.panels.items()],
        "authority": {name: rule.model_dump(mode="json") for name, rule in policy.authority.items()},
        "obligations": {name: made.model_dump(mode="json", by_alias=True) for name, made in policy.obligations.items()},
        "candidates": {name: made.model_dump(mode="json") for name, made in policy.candidates.items()},
        "lists": {name: made.model_dump(mode="json") for name, made in policy.lists.items()},
        "settings": {name: made.model_dump(mode="json") for name, made in policy.settings.items()},
    }


def describe_text(told: Mapping[str, Any]) -> str:
    """The same for reading on a terminal."""
    return "\n".join(_lines(told))


def shape_of(procedure: Procedure) -> dict[str, Any]:
    """What two versions of a procedure are compared by: everything declared, as plain values."""
    states = {
        f"state {state}": {
            "label": procedure.label(str(state)), "final": str(state) in procedure.final,
            "public": procedure.public.get(str(state)),
        }
        for state in procedure.states
    }  # fmt: skip
    actions = {
        f"action {name}": {
            "title": action.title, "kind": str(action.kind), "from": [str(s) for s in action.sources],
            "to": [str(s) for s in action.targets()], "form": _schema(action.form), **_conditions(action),
        }
        for name, action in procedure.actions.items()
    }  # fmt: skip
    opening = {"form": _schema(procedure.opening.form), **_conditions(procedure.opening)}
    panels = {
        f"panel {p.name}": {"action": p.action, "anonymous": p.anonymous, "after_return": str(p.after_return)}
        for p in procedure.panels.values()
    }
    return {
        "title": procedure.title,
        "opened by hand": procedure.by_hand,
        **panels,
        **states,
        "opening": opening,
        **actions,
    }


def effect_in_words(effect: fx.Effect) -> str:
    """One effect in words: "starts the clock handling by propose.petition_class, if is moving on"."""
    values = {name: getattr(effect, name) for name in effect.__dataclass_fields__}
    words = _VERBS[type(effect)].format(**values)
    words += f", by {values['by']}" if values.get("by") else ""
    words += f", or to the date in {values['given']}" if values.get("given") else ""
    if isinstance(effect, fx.Convene) and effect.role:
        words += f", of every {effect.role}"
    return words + (f", {_when(effect.when)}" if effect.when else "")


def _when(condition: Callable[..., bool]) -> str:
    name = condition.__name__.strip("_").replace("_", " ")
    return "in some cases" if name.startswith("<") or name == "lambda" else f"if {name}"


def _state(procedure: Procedure, policy: Policy, state: str, roles: Callable[..., list[str]]) -> dict[str, Any]:
    turn = policy.work.get(state)
    return {
        "state": state,
        "label": procedure.label(state),
        "final": state in procedure.final,
        "turn": roles((turn,))[0] if turn else None,
        "public": procedure.public.get(state),
    }


def _action(action: Action, policy: Policy, roles: Callable[..., list[str]]) -> dict[str, Any]:
    own = {Kind.WITHDRAW: "whoever took the last step", Kind.VOTE: "members of the panel"}.get(action.kind)
    return {
        "action": action.name,
        "title": action.title,
        "kind": str(action.kind),
        "from": [str(state) for state in action.sources],
        "to": [str(state) for state in action.targets()],
        "who": [own] if own else roles(policy.roles.get(action.name, ())),
        "form": _fields(action.form),
        **_conditions(action),
    }


def _conditions(declared: Any) -> dict[str, list[str]]:
    return {
        "refused_unless": [_guard(guard) for guard in declared.guards],
        "effects": [effect_in_words(effect) for effect in declared.effects],
    }


def _guard(guard: Guard) -> str:
    return f"{guard.code}: {guard.en} / {guard.zh}"


def _fields(form: type[Form]) -> dict[str, str]:
    return {
        name: f"{field.title or name}{'' if field.is_required() else '（可不填）'}"
        for name, field in form.model_fields.items()
    }


def _schema(form: type[Form]) -> dict[str, Any]:
    schema = form.model_json_schema()
    required = schema.get("required", [])
    fields = {name: {**kept, "required": name in required} for name, kept in schema.get("properties", {}).items()}
    parts = {f"part {name}": kept.get("properties", {}) for name, kept in schema.get("$defs", {}).items()}
    return {**fields, **parts}


def _clock(procedure: Procedure, name: str, rule: ClockRule) -> dict[str, Any]:
    owed = {clock for clock, effect in clock_effects(procedure) if isinstance(effect, fx.Owe)}
    told = rule.model_dump(mode="json")
    return {"clock": name, "duty": name in owed, **told}


def _panel(procedure: Procedure, name: str, rule: PanelRule) -> dict[str, Any]:
    declared = procedure.panels[name]
    how = {"panel": name, "action": declared.action, "anonymous": declared.anonymous}
    return {**how, "after_return": str(declared.after_return), **rule.model_dump(mode="json")}


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    source = told["policy"]
    yield f"{told['procedure']} {told['title']}"
    yield f"policy: {source['title']}, in force from {source['effective']}{_doubt(source)}"
    yield f"number: {told['number']}    opened by: {', '.join(told['may_open']) or 'a rung only'}"
    yield "\nstates"
    for state in told["states"]:
        turn = "final" if state["final"] else f"turn of {state['turn']}"
        yield f"  {state['state']} {state['label']}: {turn}"
    yield "\nopening"
    yield from _conditions_lines(told["opening"])
    yield "\nactions"
    for action in told["actions"]:
        yield from _action_lines(action)
    yield "\nclocks"
    for clock in told["clocks"]:
        yield from _clock_lines(clock)
    yield "\npanels"
    yield from (_panel_line(panel) for panel in told["panels"])
    yield "\nauthority"
    for name, rule in told["authority"].items():
        caps = ", ".join(f"{role} up to {cap}" for role, cap in rule["caps"].items())
        yield f"  {name} {rule['title']}: {' < '.join(rule['scale'])}; {caps}  ({rule['source']}{_doubt(rule)})"
    yield from standing_lines(told)
    yield "\nsettings"
    for name, made in told["settings"].items():
        yield f"  {name} = {made['value']}  ({made['source']}{_doubt(made)})"
    yield "\nlists"
    for name, made in told["lists"].items():
        values = ", ".join(f"{code} {label}" for code, label in made["values"].items())
        yield f"  {name} ({made['source']}{_doubt(made)}): {values}"


def _action_lines(action: Mapping[str, Any]) -> Iterator[str]:
    to = " | ".join(action["to"]) or ("an earlier state" if action["kind"] in ("return", "withdraw") else "(stays)")
    yield f"  {action['action']} {action['title']}: {', '.join(action['from'])} → {to}"
    yield f"      who: {', '.join(action['who'])}"
    if action["form"]:
        yield f"      asks: {', '.join(action['form'].values())}"
    yield from _conditions_lines(action)


def _conditions_lines(told: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"      refused unless {guard}" for guard in told["refused_unless"])
    yield from (f"      then {effect}" for effect in told["effects"])


def _clock_lines(clock: Mapping[str, Any]) -> Iterator[str]:
    budget = clock["budget"]
    lasts = budget if isinstance(budget, str) else ", ".join(f"{key} {value}" for key, value in budget.items())
    yield f"  {clock['clock']} {clock['title']}{' (duty)' if clock['duty'] else ''}: {lasts} from {clock['anchor']}"
    yield f"      source: {clock['source']}{_doubt(clock)}"
    if more := clock["extension"]:
        yield f"      extension: {more['times']} time(s), at most {more['at_most']}  ({more['source'] or 'no source'})"
    yield from (f"      {rung['at']}: {', '.join(rung['do'])}" for rung in clock["ladder"])


def _panel_line(panel: Mapping[str, Any]) -> str:
    rule = f"{panel['rule']} {panel['quorum'] or ''}".strip()
    kept = f"answers {'anonymous, ' if panel['anonymous'] else ''}{panel['after_return']} after a return"
    groups = "".join(f"; {name} {group['title']} × {group['weight']}" for name, group in panel["groups"].items())
    source = f"({panel['source']}{_doubt(panel)})"
    how = f"{panel['action']}, {rule}, at least {panel['at_least']}, {kept}"
    return f"  {panel['panel']} {panel['title']}: {how}{groups}  {source}"


def _doubt(told: Mapping[str, Any]) -> str:
    return "" if told["verified"] else "; not verified"
