"""Who may do what to a matter, and why not. Deny by default; an excluded person does not even find it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.engine.errors import ClaimedByAnother, MatterNotFound, NotPermitted
from services.engine.loading import Loaded
from services.identity.access import Actor
from statemachines.kit.panels import SeatState
from statemachines.kit.policy import MEMBER
from statemachines.kit.procedure import Action, Kind


@dataclass(frozen=True, slots=True)
class Right:
    """The right an actor uses: the roles that allow it, and whose delegation it is (None: one's own)."""

    roles: frozenset[str]
    behalf_of: int | None = None


def refuse_unless_visible(loaded: Loaded, actor: Actor) -> None:
    """Raise MatterNotFound for anyone excluded or without a viewing role where the matter is or came from."""
    if actor.system or can_see(loaded, actor):
        return
    raise MatterNotFound


def can_see(loaded: Loaded, actor: Actor) -> bool:
    if actor.id in loaded.people:
        return False
    viewers = loaded.definition.policy.viewers
    there = actor.roles_at(loaded.row["unit_path"], loaded.people) | actor.roles_at(
        loaded.row["origin_path"], loaded.people
    )
    return bool(there & viewers) or actor.id in loaded.seated or any(i["person_id"] == actor.id for i in loaded.items)


def right_to(loaded: Loaded, action: str, actor: Actor) -> Right:
    """Return the right by which this actor may perform the action; raise NotPermitted or ClaimedByAnother."""
    declared = loaded.definition.procedure.actions.get(action)
    title = declared.title if declared else action
    if declared is not None and declared.kind is Kind.WITHDRAW:
        return _right_to_withdraw(loaded, actor)
    if declared is not None and declared.kind is Kind.VOTE:
        return _right_to_vote(loaded, declared, actor)
    allowed = frozenset(loaded.definition.policy.roles.get(action, ()))
    roles = roles_here(loaded, actor) & allowed
    if not roles:
        raise NotPermitted(
            f"{action} needs one of the roles {', '.join(sorted(allowed)) or '(none)'} here",
            f"您没有在此“{title}”的权限",
        )
    if declared is not None and declared.kind is not Kind.NOTE:
        _refuse_if_claimed(loaded, actor, roles)
    return Right(roles, behalf_of(loaded, actor, roles))


def roles_here(loaded: Loaded, actor: Actor) -> frozenset[str]:
    """Return the actor's roles at the matter's unit, that of a work item assigned to him by name, and of his seat.

    A claim gives no right: it may have been made under a delegation that is over, or that came from somebody excluded.
    """
    if actor.id in loaded.people:
        return frozenset()
    own = {i["role"] for i in loaded.items if i["person_id"] == actor.id and actor.id in loaded.assigned}
    seat = {MEMBER} if actor.id in loaded.seated else set()
    return actor.roles_at(loaded.row["unit_path"], loaded.people) | own | seat


def stands_in_for(actor: Actor) -> frozenset[int]:
    """Return the actor and everyone whose rights he holds today."""
    return frozenset({g.holder_id for g in actor.grants} | ({actor.id} if actor.id is not None else set()))


def _right_to_withdraw(loaded: Loaded, actor: Actor) -> Right:
    undo: Mapping[str, Any] | None = loaded.row["undo"]
    if undo is None or actor.id is None or undo["by"] != actor.id:
        raise NotPermitted(
            "only your own last step can be withdrawn, and only while nobody acted on it",
            "只能撤回本人最近一步，且须无人接着办理",
        )
    return Right(frozenset())


def _right_to_vote(loaded: Loaded, declared: Action, actor: Actor) -> Right:
    """A seat is the only right to answer, and nobody's but the member's; who answered by name may think again."""
    panel = loaded.definition.procedure.panel_of(declared.name)
    sitting = loaded.sittings.get(panel.name) if panel else None
    seat = sitting.seat_of(actor.id) if sitting else None
    open_to = {SeatState.WAITING} if panel and panel.anonymous else {SeatState.WAITING, SeatState.ANSWERED}
    if seat is None or seat["state"] not in open_to or actor.id in loaded.people:
        raise NotPermitted(
            f"{declared.name} is for members of the panel who have not answered",
            f"“{declared.title}”须由尚未提交的成员本人办理",
        )
    return Right(frozenset())


def _refuse_if_claimed(loaded: Loaded, actor: Actor, roles: frozenset[str]) -> None:
    turn = loaded.turn
    if turn is None or turn["person_id"] is None or roles != {turn["role"]}:
        return
    if turn["person_id"] not in stands_in_for(actor):
        raise ClaimedByAnother(turn["person_name"])


def behalf_of(loaded: Loaded, actor: Actor, roles: frozenset[str]) -> int | None:
    """Return whose delegation gives the actor these roles at the matter's unit; None where one of them is his own."""
    path = loaded.row["unit_path"]
    used = [g for g in actor.grants if g.role in roles and path.startswith(g.path) and g.holder_id not in loaded.people]
    if actor.system or not used or any(g.holder_id == actor.id for g in used):
        return None
    return used[0].holder_id
