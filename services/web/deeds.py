"""The record of administration in Chinese words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.administration.models import Deed
from services.identity.models import Person, Unit
from services.web.administration_forms import KINDS

DEEDS = {
    "unit_added": "新增单位", "unit_renamed": "单位更名", "unit_moved": "单位划转", "unit_abolished": "撤销单位",
    "unit_restored": "恢复单位", "person_added": "新增人员", "person_renamed": "更正姓名",
    "person_deactivated": "停用人员", "person_reactivated": "重新启用", "password_given": "重置密码",
    "post_added": "登记任职", "post_ended": "结束任职", "role_granted": "授予角色", "role_revoked": "收回角色",
    "roles_lent": "登记委托", "delegation_ended": "撤销委托", "flow_paused": "暂停自动任务",
    "flow_resumed": "恢复自动任务", "time_confirmed": "确认服务器时间",
}  # fmt: skip
_FIELDS = {
    "name": "名称", "login": "用户名", "active": "在用", "code": "编码", "kind": "类别", "parent_id": "上级单位",
    "founded_on": "成立日期", "abolished_on": "撤销日期", "title": "职务", "head": "负责人", "held_from": "任职自",
    "held_to": "任职至", "role": "角色", "valid_from": "生效日期", "valid_to": "截止日期", "reason": "理由",
    "to_id": "受托人", "starts_on": "起始日期", "ends_on": "截止日期", "revoked_at": "撤销时间",
    "flow": "任务", "at": "时间",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """A deed as a page shows it; `changes` are (field, before, after), a text empty where there was nothing."""

    seq: int
    at: datetime
    by: str
    title: str
    unit_id: int | None
    unit: str
    person_id: int | None
    person: str
    changes: list[tuple[str, str, str]]

    @property
    def text(self) -> str:
        """The changes in one line, for a table."""
        return "；".join(
            f"{name}：{before} → {after or '（空）'}" if before else f"{name}：{after}"
            for name, before, after in self.changes
        )


def tell(session: Session, deeds: Iterable[Deed], roles: Mapping[str, str]) -> list[Told]:
    """Say in words what each deed changed."""
    listed = list(deeds)
    names = _names(session, listed)
    return [
        Told(
            deed.seq, deed.at, deed.actor_name, DEEDS.get(deed.action, deed.action), deed.unit_id,
            deed.content["unit"] or "", deed.person_id, deed.content["person"] or "",
            list(_changes(deed.content, roles, names)),
        )
        for deed in listed
    ]  # fmt: skip


def _changes(
    content: Mapping[str, Any], roles: Mapping[str, str], names: Mapping[str, str]
) -> Iterable[tuple[str, str, str]]:
    before, after = content["before"] or {}, content["after"] or {}
    for field, title in _FIELDS.items():
        old, new = before.get(field), after.get(field)
        if old != new:
            yield title, _said(field, old, roles, names), _said(field, new, roles, names)


def _said(field: str, value: Any, roles: Mapping[str, str], names: Mapping[str, str]) -> str:
    match value:
        case None | "":
            return ""
        case bool():
            return "是" if value else "否"
    if field in ("parent_id", "to_id"):
        return names.get(f"{field} {value}", str(value))
    return {"role": roles, "kind": KINDS}.get(field, {}).get(value, str(value))


def _names(session: Session, deeds: list[Deed]) -> dict[str, str]:
    """What the units and people are called today to whose ids the contents refer."""
    found: dict[str, str] = {}
    for field, table in (("parent_id", Unit), ("to_id", Person)):
        rows = [deed.content[side] or {} for deed in deeds for side in ("before", "after")]
        ids = {row[field] for row in rows if row.get(field)}
        known = session.execute(select(table.id, table.name).where(table.id.in_(ids)))
        found |= {f"{field} {row.id}": row.name for row in known}
    return found
