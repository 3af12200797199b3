"""What things are called on a page: states, actions, roles, by the version a matter is bound to."""

from services.engine.core import Engine
from services.engine.loading import TURN
from services.engine.registry import Definition
from services.identity.access import SYSTEM
from statemachines.kit.policy import MEMBER

_OF_THE_ENGINE = {
    "open": "登记", "rung": "到期提醒", "rung_failed": "到期措施未能执行", "claim": "签收", "release": "释放",
    "transfer": "转办", "urge": "催办", "copy": "抄送", "export_files": "下载全部附件",
    "acknowledge": "确认知悉", "seal_opened": "查看密封信息",
    "rerouted": "改由他人办理", "recomputed": "重新计算期限", "rules_changed": "调整适用规则",
    "reaction_failed": "后续措施未能执行", "grounds": "增加依据",
    "export": "导出台账",
}  # fmt: skip
_LINKED = {
    "supervises": ("所督办事项", "督办"),
    "checks": ("被抽查事项", "抽查"),
    "opened_by": ("由其产生", "由此产生"),
    "grounds": ("所依据的事项", "据此提出的事项"),
}
"""Links that the engine makes; a procedure names its own."""


def state_label(definition: Definition, state: str | None) -> str:
    return "" if state is None else definition.procedure.label(state)


def action_title(definition: Definition, action: str) -> str:
    """Return what a journal entry's action is called; one that nobody named keeps its own name."""
    declared = definition.procedure.actions.get(action)
    return declared.title if declared else _OF_THE_ENGINE.get(action, action)


def item_title(definition: Definition, kind: str, state: str) -> str:
    """Return what a work item asks for: its state's label, or the action that answers a side request."""
    return state_label(definition, state) if kind == TURN else action_title(definition, kind)


def clock_title(definition: Definition, clock: str) -> str:
    rule = definition.policy.clocks.get(clock)
    return rule.title if rule else clock


def role_title(engine: Engine, role: str) -> str:
    return {MEMBER: "成员", SYSTEM: "系统"}.get(role) or engine.registry.pack.roles.get(role, role)


def link_title(engine: Engine, kind: str, outgoing: bool) -> str:
    """Return what the matter at the other end of a link is to this one."""
    to, back = (engine.registry.link_titles | _LINKED).get(kind, (kind, kind))
    return to if outgoing else back
