"""What a policy makes happen by itself, in Chinese words: obligations and candidates."""

from collections.abc import Iterator

from services.engine.registry import Registry
from statemachines.kit.candidates import PARENT_UNIT, TENURE, UNIT, YEAR, CandidateRule, find_field
from statemachines.kit.forms import Coded
from statemachines.kit.obligations import Every, ObligationRule
from statemachines.kit.periods import Budget
from statemachines.kit.policy import Policy
from statemachines.kit.procedure import Procedure

_EVERY = {
    Every.WEEK: "每周", Every.MONTH: "每月", Every.QUARTER: "每季度", Every.HALF_YEAR: "每半年", Every.YEAR: "每年",
}  # fmt: skip
_KINDS = {"county": "县级", "township": "乡镇", "department": "县直部门", "grassroots": "村（社区）"}


def standing_in_words(registry: Registry, policy: Policy) -> Iterator[tuple[ObligationRule | CandidateRule, str]]:
    """Yield every obligation and candidate rule with the sentence that says what it does."""
    yield from ((rule, _obligation(rule)) for rule in policy.obligations.values())
    yield from ((rule, _candidate(registry, rule)) for rule in policy.candidates.values())


def _obligation(rule: ObligationRule) -> str:
    kinds = "、".join(_KINDS[kind] for kind in rule.each.unit_kind)
    whom = "全县" if rule.each.county else f"各{kinds}{'主要负责人' if rule.each.post else ''}"
    span = f"，自{rule.begins.isoformat()}" if rule.begins else ""
    span += f"，至{rule.ends.isoformat()}止" if rule.ends else ""
    lies = "，由县级办理" if rule.at == "county" and not rule.each.county else ""
    when = f"{_place(rule.opens)}产生，{_place(rule.due)}到期"
    return f"{_EVERY[rule.every]}，{whom}：{when}{lies}{span}；没有工作日的期间免除"


def _place(place: str | tuple[str, ...]) -> str:
    """Write a place in a period: "end -10 workday" as 期末前10个工作日, "02-26" as 2月26日."""
    if not isinstance(place, str):
        return "、".join(f"{int(text[:2])}月{int(text[3:])}日" for text in place)
    end = "期末" if place.startswith("end") else "期初"
    moved = place[3:].strip() if end == "期末" else place[5:].strip()
    if not moved or not int(moved.split()[0]):
        return end
    return f"{end}{'前' if moved[0] == '-' else '后'}{Budget.parse(moved[1:]).zh}"


def _candidate(registry: Registry, rule: CandidateRule) -> str:
    known = registry.procedures[rule.procedure]
    action = "登记" if rule.action == "open" else known.actions[rule.action].title
    where = "，且".join(_condition(registry, known, rule, path) for path in rule.where)
    within = {None: "", YEAR: "同一年度内", TENURE: "现任主要负责人任期内"}
    span = within[rule.within] if rule.within in within else f"{Budget.parse(rule.within or '').zh}内"
    fact = f"“{known.title}”经“{action}”{f'，{where}' if where else ''}"
    return f"{_per(known, rule)}{span}有{rule.count}件{fact}的，提出一件由人研判，不作任何处理"


def _per(known: Procedure, rule: CandidateRule) -> str:
    if rule.per in (UNIT, PARENT_UNIT):
        return {UNIT: "同一单位", PARENT_UNIT: "同一上级单位"}[rule.per]
    field = find_field(rule, rule.per, known)
    return f"「{field.title if field else rule.per}」为同一单位"


def _condition(registry: Registry, known: Procedure, rule: CandidateRule, path: str) -> str:
    field = find_field(rule, path, known)
    listed = next((mark.list for mark in field.metadata if isinstance(mark, Coded)), "") if field else ""
    lists = registry.versions(known.key)[-1].policy.lists
    labels = lists[listed].values if listed in lists else {}
    values = (labels.get(str(value), _value(value)) for value in rule.where[path])
    return f"「{(field.title if field else None) or path}」为{'或'.join(values)}"


def _value(value: bool | int | str) -> str:
    return {True: "是", False: "否"}[value] if isinstance(value, bool) else str(value)
