"""What can be opened here, and under which rules: states, actions, periods, lists, each with its source."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query

from config.calendar import local_date
from services.api.shapes import Day, Shown, Words
from services.engine.queries.actions import form_schema
from services.engine.registry import Definition
from services.http.calls import Reading
from services.http.errors import NoSuchProcedure
from statemachines.kit.policy import Policy
from statemachines.kit.procedure import Action, Procedure

router = APIRouter(prefix="/procedures", tags=["procedures"])


class ProcedureLine(Shown):
    """A procedure, and from which days its policies count."""

    key: str
    title: str
    by_hand: bool
    versions: list[date]


class StateView(Shown):
    state: str
    label: str
    final: bool
    turn: str | None


class ActionView(Shown):
    """An action. `targets` is empty where it stays or goes back; `guards` says in Chinese what it asks for."""

    name: str
    title: str
    kind: str
    sources: list[str]
    targets: list[str]
    roles: list[str]
    guards: list[str]
    form: dict[str, Any]


class ProcedureView(Shown):
    """A procedure under one version of its policy. `turn` of a state is the role it waits for.

    `policy` is the whole policy: periods with ladders, lists, figures, roles, each with its source; `verified` is
    false for what is known from memory only. `before_first` says the day lies before the first version.
    """

    key: str
    title: str
    effective: date
    before_first: bool
    states: list[StateView]
    opening: dict[str, Any]
    actions: list[ActionView]
    policy: Policy


@router.get("")
def list_procedures(call: Reading) -> list[ProcedureLine]:
    """List the procedures of this installation."""
    registry = call.engine.registry
    return [
        ProcedureLine(
            key=key,
            title=procedure.title,
            by_hand=procedure.by_hand,
            versions=[definition.effective for definition in registry.versions(key)],
        )
        for key, procedure in sorted(registry.procedures.items())
    ]


@router.get("/{key}")
def show_procedure(
    key: Words,
    call: Reading,
    on: Annotated[Day | None, Query(description="the day of the event; today if left out")] = None,
) -> ProcedureView:
    """Show a procedure under the policy in force on a day, with the forms of its opening and its actions."""
    if key not in call.engine.registry.procedures:
        raise NoSuchProcedure(key)
    return _view(call.engine.registry.current(key, on or local_date(call.now)))


def _view(definition: Definition) -> ProcedureView:
    procedure, policy = definition.procedure, definition.policy
    return ProcedureView(
        key=procedure.key,
        title=procedure.title,
        effective=definition.effective,
        before_first=definition.before_first,
        states=[_state(procedure, policy, str(state)) for state in procedure.states],
        opening=form_schema(procedure.opening.form, policy),
        actions=[_action(action, policy) for action in procedure.actions.values()],
        policy=policy,
    )


def _state(procedure: Procedure, policy: Policy, state: str) -> StateView:
    return StateView(
        state=state, label=procedure.label(state), final=state in procedure.final, turn=policy.work.get(state)
    )


def _action(action: Action, policy: Policy) -> ActionView:
    return ActionView(
        name=action.name,
        title=action.title,
        kind=str(action.kind),
        sources=[str(state) for state in action.sources],
        targets=[str(state) for state in action.targets()],
        roles=list(policy.roles.get(action.name, ())),
        guards=[guard.zh for guard in action.guards],
        form=form_schema(action.form, policy),
    )
