"""Why somebody may take an action of a matter, or not: the steps of `perform`, judged by the functions that it asks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.engine.core import Engine
from services.engine.errors import ClaimedByAnother, MatterNotFound, NotPermitted
from services.engine.loading import Loaded, load
from services.engine.models import Exclusion
from services.engine.permission import Right, refuse_unless_visible, right_to, roles_here
from services.engine.queries.labels import role_title, state_label
from services.engine.visibility import find_visible
from services.identity.access import SYSTEM, Actor, load_actor
from services.identity.models import Person, Unit
from services.identity.people import get_person
from statemachines.kit.forms import Form
from statemachines.kit.policy import MEMBER
from statemachines.kit.procedure import Action, Guard, Kind
from statemachines.kit.situation import Situation

_KEPT_AWAY = {"named": "被本事项反映（含同名人员）或已登记回避"}


@dataclass(frozen=True, slots=True)
class Step:
    """One question and its answer; `holds` is None where only what is filled in can tell."""

    question: str
    holds: bool | None
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """An action: whether the person has the right to it, and whether it can be taken now as far as one can tell.

    `refusal` is the code with which `perform` refuses the right; empty where it does not.
    """

    action: str
    title: str
    refusal: str
    steps: list[Step]

    @property
    def permitted(self) -> bool:
        return not self.refusal

    @property
    def possible(self) -> bool:
        return all(step.holds is not False for step in self.steps)

    @property
    def reason(self) -> str:
        """What stands in the way first; empty where nothing is known to."""
        return next((step.reason for step in self.steps if step.holds is False), "")


@dataclass(frozen=True, slots=True)
class Why:
    """Every action of a matter for one person, those of the present state first."""

    person: str
    number: str
    title: str
    state: str
    verdicts: list[Verdict]


def explain_rights(
    session: Session, engine: Engine, viewer: Actor, person_id: int, matter_id: int, now: datetime
) -> Why:
    """Explain to `viewer`; raise MatterNotFound where he himself may not know of the matter."""
    find_visible(session, engine, viewer, matter_id)
    person, loaded = get_person(session, person_id), load(engine, session, matter_id)
    actor = load_actor(session, person_id, local_date(now))
    common = [_is_active(person), _sees(session, engine, loaded, actor)]
    procedure, here = loaded.definition.procedure, str(loaded.row["state"])
    actions = sorted(procedure.actions.values(), key=lambda a: here not in {str(s) for s in a.sources})
    return Why(
        person.name, loaded.row["number"], loaded.row["title"], state_label(loaded.definition, here),
        [_verdict(session, engine, loaded, actor, action, common, now) for action in actions],
    )  # fmt: skip


def _verdict(
    session: Session, engine: Engine, loaded: Loaded, actor: Actor, action: Action, common: list[Step], now: datetime
) -> Verdict:
    active, seen = common
    refusal = "not_authenticated" if not active.holds else "" if seen.holds else MatterNotFound.code
    steps, right = list(common), Right(frozenset())
    try:
        right = right_to(loaded, action.name, actor)
        steps.append(Step("有办理此项的权限", True, _granted(session, engine, action, right)))
        steps.append(Step("没有被他人签收", True, "没有他人签收"))
    except ClaimedByAnother as error:
        refusal = refusal or error.code
        steps.append(Step("有办理此项的权限", True, "具有所需角色"))
        steps.append(Step("没有被他人签收", False, error.zh))
    except NotPermitted as error:
        refusal = refusal or error.code
        steps.append(Step("有办理此项的权限", False, _missing(engine, loaded, actor, action, error)))
    steps.append(_in_state(loaded, action))
    if steps[-1].holds:
        situation = loaded.situation(actor, now, right.behalf_of, right.roles)
        steps.extend(_judged(guard, situation) for guard in action.guards)
    return Verdict(action.name, action.title, refusal, steps)


def _is_active(person: Person) -> Step:
    if not person.active:
        return Step("账号在用", False, f"{person.name}已停用，不能登录，角色全部失效")
    return Step("账号在用", True, "账号在用" if person.login else "没有用户名，不能自行登录")


def _sees(session: Session, engine: Engine, loaded: Loaded, actor: Actor) -> Step:
    question = "能看到本事项"
    try:
        refuse_unless_visible(loaded, actor)
    except MatterNotFound:
        if actor.id in loaded.people:
            return Step(question, False, f"应回避：{_kept_away(session, loaded, actor)}，查找和统计中也不会出现")
        viewers = "、".join(role_title(engine, role) for role in sorted(loaded.definition.policy.viewers))
        return Step(question, False, f"在事项所在单位、来源单位及其上级都没有可查看本事项的角色（{viewers}）")
    return Step(question, True, "；".join(_ways(session, engine, loaded, actor)))


def _ways(session: Session, engine: Engine, loaded: Loaded, actor: Actor) -> Iterator[str]:
    """Through which role where; or through a work item of his own."""
    viewers = loaded.definition.policy.viewers
    for grant in actor.grants:
        places = (loaded.row["unit_path"], loaded.row["origin_path"])
        counts = grant.role in viewers and grant.holder_id not in loaded.people
        if counts and any(path.startswith(grant.path) for path in places):
            role = role_title(engine, grant.role)
            yield f"在{_unit(session, grant.unit_id)}担任{role}{_lender(session, actor, grant)}"
    if actor.id in loaded.seated:
        yield "是本事项合议、会签的成员"
    if any(item["person_id"] == actor.id for item in loaded.items):
        yield "有分派给本人的待办"


def _granted(session: Session, engine: Engine, action: Action, right: Right) -> str:
    if action.kind is Kind.WITHDRAW:
        return "上一步由本人办理，且无人接着办理"
    if action.kind is Kind.VOTE:
        return "是尚可提交意见的成员"
    titles = "、".join(role_title(engine, role) for role in sorted(right.roles))
    lent = f"，受{session.get_one(Person, right.behalf_of).name}委托" if right.behalf_of is not None else ""
    return f"具有所需角色：{titles}{lent}"


def _missing(engine: Engine, loaded: Loaded, actor: Actor, action: Action, error: NotPermitted) -> str:
    if action.kind in (Kind.WITHDRAW, Kind.VOTE):
        return error.zh
    needed = [role for role in loaded.definition.policy.roles.get(action.name, ()) if role != SYSTEM]
    if not needed:
        return "此项由系统自动办理，任何人员都不能办理"
    had = "、".join(role_title(engine, role) for role in sorted(roles_here(loaded, actor))) or "无"
    titles = "、".join(role_title(engine, role) for role in needed if role != MEMBER)
    seated = "，或为本事项工作组、合议的成员" if MEMBER in needed else ""
    return f"须在事项所在单位或其上级担任{titles}{seated}；此人在此的角色：{had}"


def _in_state(loaded: Loaded, action: Action) -> Step:
    procedure, here = loaded.definition.procedure, loaded.row["state"]
    where = "、".join(procedure.label(str(state)) for state in action.sources)
    holds = here in {str(state) for state in action.sources}
    now = f"事项现处于“{procedure.label(here)}”环节"
    return Step("当前环节可以办理", holds, now if holds else f"{now}，此项只能在“{where}”环节办理")


class _Unasked(Exception):
    """A guard looked at an answer, and nobody has answered yet."""


class _Blank(Form):
    """Stands for a form that nobody has filled in."""

    def __getattr__(self, name: str) -> Any:
        raise _Unasked


def _judged(guard: Guard, situation: Situation) -> Step:
    try:
        holds = bool(guard.holds(situation, _Blank()))
    except _Unasked:
        return Step("办理条件", None, f"视所填内容而定；不符合时提示：{guard.zh}")
    return Step("办理条件", holds, f"符合（否则提示：{guard.zh}）" if holds else guard.zh)


def _kept_away(session: Session, loaded: Loaded, actor: Actor) -> str:
    found = select(Exclusion.why).where(Exclusion.matter_id == loaded.id, Exclusion.person_id == actor.id)
    return "、".join(sorted({_KEPT_AWAY.get(why, "与本事项有利害关系") for why in session.scalars(found)}))


def _unit(session: Session, unit_id: int) -> str:
    return session.get_one(Unit, unit_id).name


def _lender(session: Session, actor: Actor, grant: Any) -> str:
    return f"（受{session.get_one(Person, grant.holder_id).name}委托）" if grant.holder_id != actor.id else ""
