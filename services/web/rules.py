"""Procedures and their policies in Chinese words, for the page that shows them.

`services.engine.describing` says the same in English, for terminals.
"""

from collections.abc import Iterable, Mapping
from functools import partial

from services.engine.core import Engine
from services.engine.queries.labels import role_title
from services.engine.registry import Definition
from services.web.deciding import deciding_in_words
from services.web.rulebook import Period, Rules, Sourced, Step
from services.web.standing import standing_in_words
from statemachines.kit import effects as fx
from statemachines.kit.periods import Budget
from statemachines.kit.policy import GIVEN, ClockRule, clock_effects
from statemachines.kit.procedure import Action, Kind, Opening

_UNSOURCED = "not in the source"
_VERBS: Mapping[type[fx.Effect], str] = {
    fx.StartClock: "开始计算「{clock}」", fx.StopClock: "结束「{clock}」", fx.Rebudget: "按新的件类重算「{clock}」",
    fx.Owe: "产生义务「{duty}」", fx.Settle: "履行义务「{duty}」", fx.Waive: "免除义务「{duty}」",
    fx.AskExtension: "申请延长「{clock}」", fx.GrantExtension: "延长「{clock}」",
    fx.RefuseExtension: "「{clock}」不予延长", fx.Suspend: "中止计算「{clock}」", fx.Resume: "恢复计算「{clock}」",
    fx.MoveTo: "事项转到「{field}」所填单位", fx.Assign: "交由「{field}」所填人员办理",
    fx.Open: "产生新的{procedure}", fx.LinkTo: "与「{field}」所填事项关联", fx.Tell: "通知{role}",
    fx.MoveUp: "事项上提至{to}", fx.Convene: "召集{panel}", fx.AddMember: "增补{panel}成员",
    fx.RemoveMember: "减去{panel}成员", fx.MarkAbsent: "{panel}成员缺席，不再等候",
}  # fmt: skip
_DEEDS = {
    "remind": "提醒{}", "tell": "通知{}", "raise": "升级至{}", "reassign": "改派{}", "open": "产生{}",
    "perform": "执行{}",
}  # fmt: skip
_LISTS = {
    "channels": "来访渠道", "problem_fields": "问题类别", "out_of_scope": "非受理范围",
    "refusal_grounds": "不予受理情形", "dispositions": "处置方式", "petition_classes": "件类",
    "inquiry_modes": "函询方式", "charge_grounds": "包案情形", "results": "办理结果", "notice_methods": "告知方式",
    "retention_periods": "保管期限", "check_results": "抽查结论", "sample_kinds": "抽查种类",
    "supervision_sources": "督办来源",
}  # fmt: skip
_SETTINGS = {
    "repeat_window": "重复件认定期限", "representatives_at_most": "走访代表人数上限",
    "clean_reply_sample": "函询了结抽查比例", "quality_samples_a_year": "每年质量抽检次数",
    "quality_sample": "质量抽检比例",
}  # fmt: skip
_LEVELS = {"county": "县级", "township": "乡镇", "department": "县直部门"}
_STAYS = {
    Kind.RETURN: "退回经过的环节",
    Kind.WITHDRAW: "回到本人上一步之前",
    Kind.NOTE: "环节不变",
    Kind.VOTE: "环节不变",
}


def tell(engine: Engine, definition: Definition) -> Rules:
    """Say everything one version holds."""
    procedure, policy = definition.procedure, definition.policy
    role, roles, source = partial(role_title, engine), partial(_roles, engine), policy.source
    return Rules(
        title=procedure.title,
        basis=Sourced(source.title, f"{definition.effective.isoformat()} 起施行", source.article, source.verified),
        number=policy.number.format(unit="（单位）", year="（年份）", n="（序号）"),
        may_open=roles(policy.open) or "由系统产生，不能手工登记",
        may_view=roles(sorted(policy.viewers)),
        turns=[
            (procedure.label(str(s)), role(policy.work[s]) if s in policy.work else "", str(s) in procedure.final)
            for s in procedure.states
        ],
        steps=[
            _step("登记", roles(policy.open) or "系统", "", procedure.label(str(procedure.initial)), procedure.opening,
                  engine, definition),
            *(_action(engine, definition, action, roles(policy.roles.get(name, ()))) for name, action in
              procedure.actions.items()),
        ],
        periods=[_period(engine, definition, name, rule) for name, rule in policy.clocks.items()],
        deciding=[
            Sourced(made.title, text, basis_of(made.source), made.verified)
            for made, text in deciding_in_words(definition, role)
        ],
        standing=[
            Sourced(made.title, text, basis_of(made.source), made.verified)
            for made, text in standing_in_words(engine.registry, policy)
        ],
        lists=[
            Sourced(
                made.title or _LISTS.get(name, name),
                "、".join(made.values.values()),
                basis_of(made.source),
                made.verified,
            )
            for name, made in policy.lists.items()
        ],
        settings=[
            Sourced(made.title or _SETTINGS.get(name, name), _figure(made.value), basis_of(made.source), made.verified)
            for name, made in policy.settings.items()
        ],
    )  # fmt: skip


def _roles(engine: Engine, names: Iterable[str]) -> str:
    return "、".join(role_title(engine, name) for name in names)


def _action(engine: Engine, definition: Definition, action: Action, who: str) -> Step:
    procedure = definition.procedure
    source = "、".join(procedure.label(str(state)) for state in action.sources)
    target = "、".join(procedure.label(str(state)) for state in action.targets()) or _STAYS.get(action.kind, "环节不变")
    who = {Kind.WITHDRAW: "上一步办理人本人", Kind.VOTE: "成员本人"}.get(action.kind, who or "系统")
    return _step(action.title, who, source, target, action, engine, definition)


def _step(
    title: str, who: str, source: str, target: str, declared: Action | Opening, engine: Engine, definition: Definition
) -> Step:
    fields = declared.form.model_fields.items()
    form = [f"{field.title or name}{'' if field.is_required() else '（可不填）'}" for name, field in fields]
    guards = [guard.zh for guard in declared.guards]
    effects = [_effect(engine, definition, declared, effect) for effect in declared.effects]
    return Step(title, who, source, target, form, guards, effects)


def _effect(engine: Engine, definition: Definition, declared: Action | Opening, effect: fx.Effect) -> str:
    given = {name: getattr(effect, name) for name in effect.__dataclass_fields__}
    clocks, procedures = definition.policy.clocks, engine.registry.procedures
    for name in ("clock", "duty"):
        if given.get(name) in clocks:
            given[name] = clocks[given[name]].title
    if "procedure" in given:
        opened = procedures.get(given["procedure"])
        given["procedure"] = f"{opened.title}事项" if opened else "尚未启用的事项"
    if given.get("panel") in definition.policy.panels:
        given["panel"] = definition.policy.panels[given["panel"]].title
    if "to" in given:
        given["to"] = _LEVELS.get(given["to"], given["to"])
    if "field" in given:
        given["field"] = _field(definition, declared, given["field"])
    if "role" in given:
        given["role"] = "登记人" if given["role"] == "opener" else role_title(engine, given["role"])
    return _VERBS[type(effect)].format(**given) + ("（符合条件时）" if effect.when else "")


def _period(engine: Engine, definition: Definition, name: str, rule: ClockRule) -> Period:
    owed = {clock for clock, effect in clock_effects(definition.procedure) if isinstance(effect, fx.Owe)}
    sourced = Sourced(rule.title, _budget(definition, rule), basis_of(rule.source), rule.verified)
    ladder = [
        (rung_in_words(rung.at), deeds_in_words(engine, definition.procedure.key, rung.do)) for rung in rule.ladder
    ]
    return Period(sourced, name in owed, _anchor(definition, rule.anchor), _extension(rule), ladder)


def _extension(rule: ClockRule) -> str:
    more = rule.extension
    if more is None:
        return ""
    at_most = "原期限" if more.at_most == "same as budget" else Budget.parse(more.at_most).zh
    basis = f"（{basis_of(more.source)}）" if basis_of(more.source) else ""
    return f"可延长 {more.times} 次，每次不超过{at_most}{basis}"


def _budget(definition: Definition, rule: ClockRule) -> str:
    if isinstance(rule.budget, str):
        return _length(rule.budget)
    known = (made.values for made in definition.policy.lists.values())
    labels = next((values for values in known if values.keys() >= rule.budget.keys()), {})
    return "；".join(f"{labels.get(key, key)} {_length(text)}" for key, text in rule.budget.items())


def _length(budget: str) -> str:
    return "办理时指定日期" if budget == GIVEN else Budget.parse(budget).zh


def _anchor(definition: Definition, anchor: str) -> str:
    """Say from which day a clock runs: "open.received_on" is a field of the form of the opening."""
    return "，没有则".join(_anchored(definition, part.strip()) for part in anchor.split(" or "))


def _anchored(definition: Definition, path: str) -> str:
    name, _, key = path.partition(".")
    procedure = definition.procedure
    if not key:
        return "开始计算的当日"
    declared, title = (procedure.opening, "登记") if name == "open" else _named(definition, name)
    return f"「{title}」所填的{_field(definition, declared, key)}"


def _field(definition: Definition, declared: Action | Opening, path: str) -> str:
    """Return the title of a field of this form, or of the form of an earlier action: "propose.handler_unit"."""
    name, _, key = path.rpartition(".")
    form = (definition.procedure.opening if name == "open" else _named(definition, name)[0] if name else declared).form
    field = form.model_fields.get(key)
    return (field.title if field else None) or key


def _named(definition: Definition, name: str) -> tuple[Action, str]:
    action = definition.procedure.actions[name]
    return action, action.title


def rung_in_words(at: str) -> str:
    """Write a place on a ladder: "-3 workday" as 到期前 3个工作日, "0" as 到期当日."""
    number, _, unit = at.partition(" ")
    if int(number) == 0:
        return "到期当日"
    return f"{'到期前' if number.startswith('-') else '超期后'} {Budget.parse(f'{abs(int(number))} {unit}').zh}"


def deeds_in_words(engine: Engine, procedure: str, deeds: Iterable[str]) -> str:
    """Write what a rung of a procedure does: "tell unit_leader" as 通知分管领导."""
    return "，".join(_deed(engine, procedure, deed) for deed in deeds)


def _deed(engine: Engine, procedure: str, deed: str) -> str:
    verb, _, what = deed.partition(" ")
    named = {"holder": "承办人", **{key: p.title for key, p in engine.registry.procedures.items()}}
    if verb == "perform":
        named = {name: action.title for name, action in engine.registry.procedures[procedure].actions.items()}
    return _DEEDS[verb].format(named.get(what) or role_title(engine, what))


def _figure(value: int | str) -> str:
    """Write a setting: a share as a percentage, a period in words, anything else as it is."""
    text = str(value)
    if text.startswith("0."):
        return f"{float(text):.0%}"
    return Budget.parse(text).zh if " " in text else text


def basis_of(source: str) -> str:
    """Return where a figure is written as people are told; nothing where it is written nowhere."""
    return "" if source == _UNSOURCED else source.replace(_UNSOURCED, "原文未载明")
