"""What changed between two versions of a procedure's rules, in the words of its page."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.web.rulebook import Rules, Sourced, Step


@dataclass(frozen=True, slots=True)
class Change:
    """What is otherwise in the later of two versions; an empty side was not there."""

    name: str
    before: str
    after: str


def compare(before: Rules, after: Rules) -> list[Change]:
    """Say what differs, in the order of the page; whatever only one side has is new or gone."""
    old, new = dict(_flat(before)), dict(_flat(after))
    names = [*old, *(name for name in new if name not in old)]
    return [Change(name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name) != new.get(name)]


def _flat(rules: Rules) -> Iterator[tuple[str, str]]:
    yield "依据", f"{rules.basis.name}（{rules.basis.text}）"
    yield from (("编号", rules.number), ("可登记", rules.may_open), ("可查看", rules.may_view))
    yield from ((f"环节「{state}」由谁办理", role) for state, role, _ in rules.turns)
    for step in rules.steps:
        yield from _flat_step(step)
    for period in rules.periods:
        yield f"期限「{period.rule.name}」", f"{period.rule.text}，自{period.anchor}起算"
        yield f"期限「{period.rule.name}」的依据", _basis(period.rule)
        yield f"期限「{period.rule.name}」的延长", period.extension
        yield from ((f"期限「{period.rule.name}」{when}", did) for when, did in period.ladder)
    for made in (*rules.deciding, *rules.standing, *rules.lists, *rules.settings):
        yield made.name, made.text
        yield f"{made.name}的依据", _basis(made)


def _flat_step(step: Step) -> Iterator[tuple[str, str]]:
    sides: Iterable[tuple[str, str]] = (
        ("由谁办理", step.who), ("从哪一环节", step.source), ("到哪一环节", step.target),
        ("填写", "、".join(step.form)), ("条件", "；".join(step.guards)), ("效果", "；".join(step.effects)),
    )  # fmt: skip
    yield from ((f"操作「{step.title}」{name}", text) for name, text in sides)


def _basis(made: Sourced) -> str:
    return (made.source or "原文未载明") + ("" if made.verified else "（待核实）")
