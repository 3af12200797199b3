"""Who decides together, and how far somebody decides alone, in Chinese words: panels and authority of a policy."""

from collections.abc import Callable, Iterator

from services.engine.registry import Definition
from statemachines.kit.authority import AuthorityRule
from statemachines.kit.panels import PanelRule

_UNLISTED = {"entry": "计分", "veto": "一票否决"}
"""Steps of a scale that stand in no list of codes."""


def deciding_in_words(
    definition: Definition, role: Callable[[str], str]
) -> Iterator[tuple[PanelRule | AuthorityRule, str]]:
    """Yield every panel and rule of authority with the sentence that says what it takes; `role` names a role."""
    policy = definition.policy
    yield from ((rule, _panel(definition, name, rule)) for name, rule in policy.panels.items())
    labels = _UNLISTED | {code: label for made in policy.lists.values() for code, label in made.values.items()}
    for rule in policy.authority.values():
        caps = (f"{role(key)}可决定至“{labels.get(code, code)}”" for key, code in rule.caps.items())
        yield rule, "；".join(caps)


def _panel(definition: Definition, name: str, rule: PanelRule) -> str:
    enough = {"all": "全部成员提交即可", "any": "任一成员提交即可"}.get(
        rule.rule, f"至少 {_share(rule.quorum)}的成员提交即可"
    )
    at_least = f"，且不少于 {rule.at_least} 人" if rule.at_least > 1 else ""
    hidden = "；不记名" if definition.procedure.panels[name].anonymous else ""
    weights = "、".join(f"{group.title} {group.weight}" for group in rule.groups.values())
    return f"{enough}{at_least}{hidden}{f'；按组加权：{weights}' if weights else ''}"


def _share(quorum: str | None) -> str:
    """Write a share: 2/3 as 3 分之 2, 0.5 as 50%."""
    above, _, below = (quorum or "1").partition("/")
    return f"{below} 分之 {above} " if below else f"{float(above):.0%} "
