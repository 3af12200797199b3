"""What administrators can do on a page: for each deed its form, what carries it out, and what is said afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from services.administration import people, units
from services.administration.office import Office
from services.administration.rights import (
    administered_unit,
    refuse_unless_admin_of,
)
from services.identity.access import Actor
from services.identity.errors import NotFound
from services.identity.models import Delegation, Grant, Person, Post, Unit
from services.identity.people import get_person
from services.web import administration_forms as forms
from statemachines.kit.forms import Form


@dataclass(frozen=True, slots=True)
class Done:
    """What is said, and a password that is shown this once."""

    text: str
    password: str = ""
    login: str = ""


@dataclass(frozen=True)
class Task:
    """One deed. `run` gets the id of what it is about and the valid form; `before` fills the form at first."""

    title: str
    verb: str
    form: type[Form]
    run: Callable[[Office, int, Any], Done]
    lead: str = ""
    before: Callable[[Any, date], Mapping[str, Any]] = field(default=lambda row, today: {})


def _add_unit(office: Office, unit_id: int, form: forms.NewUnit) -> Done:
    made = units.add(office, form.code, form.name, form.kind_, unit_id, form.founded_on)
    return Done(f"已新增{made.name}")


def _rename_unit(office: Office, unit_id: int, form: forms.NewName) -> Done:
    return Done(f"已更名为{units.rename(office, unit_id, form.name).name}")


def _move_unit(office: Office, unit_id: int, form: forms.NewParent) -> Done:
    return Done(f"已划转{units.move(office, unit_id, form.parent_id).name}")


def _abolish(office: Office, unit_id: int, form: forms.OnDay) -> Done:
    return Done(f"已撤销{units.abolish(office, unit_id, form.on).name}")


def _restore(office: Office, unit_id: int, _: Form) -> Done:
    return Done(f"已恢复{units.restore(office, unit_id).name}")


def _add_person(office: Office, unit_id: int, form: forms.NewPerson) -> Done:
    """A person, his post here, a role and a password, all or nothing."""
    unit = administered_unit(office.session, office.actor, unit_id)
    made = people.add(office, form.name, form.login or None)
    people.appoint(office, made.id, unit_id, form.title, form.held_from, None, form.head)
    if form.role:
        people.grant(office, made.id, form.role, unit_id, form.held_from, "任职时授予")
    password = people.give_password(office, made.id, form.password or None) if form.login else ""
    return Done(f"已在{unit.name}新增{made.name}", password, made.login or "")


def _appoint_here(office: Office, unit_id: int, form: forms.PostHere) -> Done:
    people.appoint(office, form.person_id, unit_id, form.title, form.held_from, form.held_to, form.head)
    return Done("已登记任职")


def _grant_here(office: Office, unit_id: int, form: forms.GrantHere) -> Done:
    people.grant(office, form.person_id, form.role, unit_id, form.valid_from, form.reason, form.valid_to)
    return Done(f"已授予角色“{office.roles[form.role]}”")


def _rename_person(office: Office, person_id: int, form: forms.NewName) -> Done:
    return Done(f"姓名已改为{people.rename(office, person_id, form.name).name}")


def _give_password(office: Office, person_id: int, form: forms.NewPassword) -> Done:
    password = people.give_password(office, person_id, form.password or None)
    return Done("密码已重置", password, get_person(office.session, person_id).login or "")


def _deactivate(office: Office, person_id: int, _: Form) -> Done:
    return Done(f"{people.deactivate(office, person_id).name}已停用，其登录已全部退出")


def _reactivate(office: Office, person_id: int, form: forms.NewPassword) -> Done:
    person = people.reactivate(office, person_id)
    password = people.give_password(office, person_id, form.password or None) if person.login else ""
    return Done(f"{person.name}已重新启用", password, person.login or "")


def _appoint(office: Office, person_id: int, form: forms.PostThere) -> Done:
    people.appoint(office, person_id, form.unit_id, form.title, form.held_from, form.held_to, form.head)
    return Done("已登记任职")


def _grant(office: Office, person_id: int, form: forms.GrantThere) -> Done:
    people.grant(office, person_id, form.role, form.unit_id, form.valid_from, form.reason, form.valid_to)
    return Done(f"已授予角色“{office.roles[form.role]}”")


def _lend(office: Office, person_id: int, form: forms.Lending) -> Done:
    people.lend(office, person_id, form.to_id, form.starts_on, form.ends_on, form.reason)
    return Done("已登记委托")


def _end_post(office: Office, post_id: int, form: forms.OnDay) -> Done:
    return Done(f"任职至 {people.end_post(office, post_id, form.on).held_to} 结束")


def _revoke(office: Office, grant_id: int, form: forms.LastDay) -> Done:
    ended = people.revoke(office, grant_id, form.on).valid_to
    return Done(f"授权至 {ended} 结束" if form.on else "已收回，即时生效")


def _end_lending(office: Office, delegation_id: int, _: Form) -> Done:
    people.end_delegation(office, delegation_id)
    return Done("委托已撤销，即时生效")


def _from_today(name: str) -> Callable[[Any, date], Mapping[str, Any]]:
    return lambda row, today: {name: today}


TASKS: Mapping[str, Mapping[str, Task]] = {
    "unit": {
        "add": Task("新增下级单位", "新增", forms.NewUnit, _add_unit),
        "rename": Task("更名", "更名", forms.NewName, _rename_unit, before=lambda row, today: {"name": row.name}),
        "move": Task("划转到其他上级单位", "划转", forms.NewParent, _move_unit,
                     "本单位及其全部下级单位一并划转。在原上级单位授予的角色不再适用于这里，在新上级单位授予的角色即时适用。"),
        "abolish": Task("撤销单位", "撤销", forms.OnDay, _abolish,
                        "撤销后不再受理新的事项和任职，历史记录保留。有未办结事项、在任人员、有效授权或下级单位时不能撤销。",
                        _from_today("on")),
        "restore": Task("恢复单位", "恢复", Form, _restore, "恢复后可以重新任职、授权和承办事项。"),
        "person": Task("新增人员", "新增", forms.NewPerson, _add_person,
                       "初始密码在首次登录时必须修改。", _from_today("held_from")),
        "appoint": Task("登记任职", "登记", forms.PostHere, _appoint_here, before=_from_today("held_from")),
        "grant": Task("授予角色", "授予", forms.GrantHere, _grant_here,
                      "角色适用于本单位及其全部下级单位。", _from_today("valid_from")),
    },
    "person": {
        "rename": Task("更正姓名", "更正", forms.NewName, _rename_person, before=lambda row, today: {"name": row.name}),
        "password": Task("重置密码", "重置", forms.NewPassword, _give_password,
                         "重置后本人的登录全部退出，须用初始密码登录并立即修改。"),
        "deactivate": Task("停用人员", "停用", Form, _deactivate,
                           "停用后不能登录，角色全部失效；已办理的记录保留，手上的待办会自动转给其他有权办理的人员。"),
        "reactivate": Task("重新启用", "启用", forms.NewPassword, _reactivate,
                           "启用后，尚未到期的任职和角色恢复有效；须使用新的初始密码登录。"),
        "appoint": Task("登记任职", "登记", forms.PostThere, _appoint, before=_from_today("held_from")),
        "grant": Task("授予角色", "授予", forms.GrantThere, _grant,
                      "角色适用于所选单位及其全部下级单位。", _from_today("valid_from")),
        "lend": Task("登记委托", "委托", forms.Lending, _lend,
                     "委托期内，受托人可以行使委托人本人的全部角色；委托人应回避的事项，受托人同样不能办理。",
                     _from_today("starts_on")),
    },
    "post": {"end": Task("结束任职", "结束任职", forms.OnDay, _end_post, "所填日期为任职的最后一天。",
                         _from_today("on"))},
    "grant": {"end": Task("收回角色", "收回", forms.LastDay, _revoke, "不填日期则立即收回。")},
    "delegation": {"end": Task("撤销委托", "撤销", Form, _end_lending, "撤销后立即失效。")},
}  # fmt: skip
"""What can be done, by what it is done to."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a deed is about: the row, and what it is called."""

    row: Any
    name: str


def subject_of(session: Session, actor: Actor, about: str, key: int, roles: Mapping[str, str]) -> Subject:
    """Return what a deed is about; raise NotFound, or NotPermitted for whoever has no say in it."""
    match about:
        case "unit":
            unit = administered_unit(session, actor, key)
            return Subject(unit, unit.name)
        case "person":
            refuse_unless_admin_of(session, actor, key)
            return Subject(get_person(session, key), get_person(session, key).name)
        case "post" if (post := session.get(Post, key)) is not None:
            unit = administered_unit(session, actor, post.unit_id)
            return Subject(post, f"{_name(session, post.person_id)}，{unit.name}{post.title}")
        case "grant" if (grant := session.get(Grant, key)) is not None:
            unit = administered_unit(session, actor, grant.unit_id)
            return Subject(
                grant, f"{_name(session, grant.person_id)}，{unit.name}“{roles.get(grant.role, grant.role)}”"
            )
        case "delegation" if (lent := session.get(Delegation, key)) is not None:
            refuse_unless_admin_of(session, actor, lent.from_id)
            return Subject(lent, f"{_name(session, lent.from_id)}委托{_name(session, lent.to_id)}")
    raise NotFound(f"there is no {about} {key}", "没有这条记录。")


def _name(session: Session, person_id: int) -> str:
    return session.get_one(Person, person_id).name


def task_of(about: str, deed: str) -> Task:
    """Return what is done; raise NotFound for anything else."""
    if (task := TASKS.get(about, {}).get(deed)) is None:
        raise NotFound(f"nothing is done to a {about} by {deed}", "没有这项操作。")
    return task


def kind_of(unit: Unit) -> str:
    return forms.KINDS.get(unit.kind, unit.kind)
