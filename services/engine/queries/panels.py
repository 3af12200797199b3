"""Panels as a page shows them: who sits, who has answered, and what was said once it may be known.

Members answer independently: what the others said stays withheld while the panel is open. Whoever would take the next
step sees it as soon as the rule is met; everyone who sees the matter, once it has left the panel. Of an anonymous panel
only figures are ever shown, and a mean only where a group has answers enough to hide each of them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy.orm import Session

from services.db.errors import DubanError
from services.engine.loading import Loaded
from services.engine.permission import right_to
from services.engine.queries.labels import action_title
from services.engine.sittings import Sitting
from services.identity.access import Actor
from services.identity.names import people_by_id
from statemachines.kit.forms import Coded, Mark, marks
from statemachines.kit.panels import Panel, PanelRule, SeatState, Tally
from statemachines.kit.procedure import Kind

HIDES_ONE = 3
"""Fewer answers in a group give no mean: it would come close to telling them apart."""


@dataclass(frozen=True, slots=True)
class SeatView:
    """A member. `answers` are JSON values, null while they are withheld or not given."""

    person_id: int
    name: str
    group: str
    group_title: str
    state: str
    answers: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class GroupView:
    """Members whose answers weigh together; `means` holds, per field that is a figure, the mean to two decimals."""

    group: str
    title: str
    members: int
    answered: int
    means: dict[str, str]


@dataclass(frozen=True, slots=True)
class PanelView:
    """The present round of a panel. `open` while members may answer; `seats` stay empty where it is anonymous.

    `shown` tells whether this reader may know what others said; `counts` holds, per coded field, how often each code.
    """

    name: str
    title: str
    action: str
    action_title: str
    rule_zh: str
    source: str
    verified: bool
    round: int
    anonymous: bool
    open: bool
    enough: bool
    shown: bool
    members: int
    answered: int
    absent: int
    seats: list[SeatView]
    groups: list[GroupView]
    counts: dict[str, dict[str, int]]


def panels_of(session: Session, loaded: Loaded, actor: Actor) -> list[PanelView]:
    """Return every panel that was convened on a matter, in the procedure's order."""
    asked, sittings = _Asked(loaded, actor), loaded.sittings
    names = people_by_id(session, {s["person_id"] for sitting in sittings.values() for s in sitting.seats})
    panels = loaded.definition.procedure.panels.values()
    return [_view(asked, panel, sittings[panel.name], names) for panel in panels if panel.name in sittings]


def withheld(loaded: Loaded, actor: Actor) -> frozenset[tuple[str, int]]:
    """Return (panel, round) of everything whose answers this actor may not know yet, but for his own."""
    asked, definition = _Asked(loaded, actor), loaded.definition
    panels = definition.procedure.panels
    return frozenset(
        (name, sitting.round)
        for name, sitting in loaded.sittings.items()
        if not asked.may_know(panels[name], sitting.tally(definition, panels[name]))
    )


def rule_in_words(rule: PanelRule) -> str:
    match rule.rule:
        case "any":
            said = "任一成员表态即可"
        case "all":
            said = "全体成员表态，缺席的登记"
        case _:
            said = f"全体成员的{rule.quorum}以上表态"
    return said + (f"，至少{rule.at_least}人" if rule.at_least > 1 else "")


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asks about which matter."""

    loaded: Loaded
    actor: Actor

    def is_open(self, panel: Panel) -> bool:
        sources = {str(s) for s in self.loaded.definition.procedure.actions[panel.action].sources}
        return self.loaded.row["closed_at"] is None and self.loaded.row["state"] in sources

    def may_know(self, panel: Panel, tally: Tally) -> bool:
        if self.actor.system or not self.is_open(panel):
            return True
        return not panel.anonymous and tally.enough and self._takes_the_next_step()

    def _takes_the_next_step(self) -> bool:
        possible = self.loaded.definition.procedure.open_actions(self.loaded.row["state"])
        return any(_may(self.loaded, a.name, self.actor) for a in possible if a.kind is Kind.FORWARD)


def _may(loaded: Loaded, action: str, actor: Actor) -> bool:
    try:
        right_to(loaded, action, actor)
    except DubanError:
        return False
    return True


def _view(asked: _Asked, panel: Panel, sitting: Sitting, names: Mapping[int, str]) -> PanelView:
    definition = asked.loaded.definition
    rule = definition.policy.panels[panel.name]
    tally = sitting.tally(definition, panel)
    shown, titles = asked.may_know(panel, tally), {key: group.title for key, group in rule.groups.items()}
    seats = [
        SeatView(
            s["person_id"], names[s["person_id"]], s["group_key"], titles.get(s["group_key"], ""), s["state"],
            s["answers"] if shown or s["person_id"] == asked.actor.id else None,
        )
        for s in sitting.seats
        if not panel.anonymous and s["state"] != SeatState.REMOVED
    ]  # fmt: skip
    told = shown and not (panel.anonymous and len(tally.votes) < HIDES_ONE)
    coded = [name for name, found in marks(definition.procedure.actions[panel.action].form).items() if _is_code(found)]
    return PanelView(
        panel.name, rule.title, panel.action, action_title(definition, panel.action), rule_in_words(rule), rule.source,
        rule.verified, sitting.round, panel.anonymous, asked.is_open(panel), tally.enough, shown, len(tally.members),
        tally.seats_in(SeatState.ANSWERED), tally.seats_in(SeatState.ABSENT), seats,
        _groups(tally, titles, panel.anonymous and shown), _counts(tally, coded) if told else {},
    )  # fmt: skip


def _is_code(found: Iterable[Mark]) -> bool:
    return any(isinstance(mark, Coded) for mark in found)


def _counts(tally: Tally, fields: Iterable[str]) -> dict[str, dict[str, int]]:
    said = {name: [v.answers[name] for v in tally.votes if isinstance(v.answers.get(name), str)] for name in fields}
    return {name: dict(Counter(given)) for name, given in said.items() if given}


def _groups(tally: Tally, titles: Mapping[str, str], with_means: bool) -> list[GroupView]:
    sitting = [s for s in tally.seats if s.state is not SeatState.REMOVED]
    return [
        GroupView(
            key, titles.get(key, ""), sum(s.group == key for s in sitting),
            sum(s.group == key and s.state is SeatState.ANSWERED for s in sitting),
            _means([v.answers for v in tally.votes if v.group == key]) if with_means else {},
        )
        for key in dict.fromkeys([*titles, *(s.group for s in sitting)])
        if any(s.group == key for s in sitting)
    ]  # fmt: skip


def _means(ballots: list[Mapping[str, Any]]) -> dict[str, str]:
    if len(ballots) < HIDES_ONE:
        return {}
    figures = [name for name in ballots[0] if all(_is_figure(b.get(name)) for b in ballots)]
    exact = {name: sum((Fraction(str(b[name])) for b in ballots), Fraction(0)) / len(ballots) for name in figures}
    return {name: f"{float(round(mean, 2)):.2f}" for name, mean in exact.items()}


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
