"""Which obligations fall due, for whom and when, as the policies, the units and the posts say. Only reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.engine.core import Engine
from services.engine.models import Obligation
from services.identity.models import Post, Unit
from statemachines.kit.obligations import ObligationRule, Occasion, Period, occasions, period_named, periods
from statemachines.kit.posts import Tenure, UnitLife

_LOOK_BACK = timedelta(days=800)
"""No period is longer, its deadline included."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One occasion with the rule that makes it."""

    procedure: str
    rule: ObligationRule
    period: Period
    occasion: Occasion

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        """What is unique in the table of obligations."""
        one = self.occasion
        return (self.procedure, one.name, one.period, one.unit_id, one.person_id or 0)


@dataclass(frozen=True)
class House:
    """All units, abolished ones too, and everybody who ever headed one."""

    units: dict[int, UnitLife]
    heads: list[Tenure]

    @classmethod
    def read(cls, session: Session) -> "House":
        units = session.execute(select(Unit.id, Unit.kind, Unit.founded_on, Unit.abolished_on)).tuples()
        return cls({row[0]: UnitLife(*row) for row in units}, read_heads(session))

    def owed(self, procedure: str, name: str, rule: ObligationRule, period: Period) -> list[Owed]:
        found = occasions(name, rule, period, self.units.values(), self.heads)
        return [Owed(procedure, rule, period, one) for one in found]


def read_heads(session: Session) -> list[Tenure]:
    """Return everybody who ever headed a unit."""
    posts = select(Post.person_id, Post.unit_id, Post.held_from, Post.held_to).where(Post.head).order_by(Post.id)
    return [Tenure(*row) for row in session.execute(posts).tuples()]


def declared(engine: Engine) -> list[tuple[str, str]]:
    """Return (procedure, obligation) for every obligation of any version in the pack."""
    registry = engine.registry
    versions = ((key, version) for key in registry.procedures for version in registry.versions(key))
    return sorted({(key, name) for key, version in versions for name in version.policy.obligations})


def due_periods(
    session: Session, engine: Engine, procedure: str, name: str, today: date
) -> list[tuple[ObligationRule, Period]]:
    """Return the periods to see to, in order: from the last one seen to on; the present one where there is none."""
    seen = select(func.max(Obligation.first_day)).where(
        Obligation.procedure == procedure, Obligation.name == name, Obligation.waived_by.is_(None)
    )
    last = session.scalar(seen)
    found = between(engine, procedure, name, last or today - _LOOK_BACK, today)
    if last is not None:
        return [(rule, period) for rule, period in found if period.first >= last]
    return [(rule, period) for rule, period in found if today <= max(period.last, period.due)]


def between(
    engine: Engine, procedure: str, name: str, start: date, end: date
) -> Iterator[tuple[ObligationRule, Period]]:
    """Yield the periods opened from `start` to `end`, each by the policy in force on its first day, in order."""
    rules = [version.policy.obligations.get(name) for version in engine.registry.versions(procedure)]
    found = ((rule, period) for rule in rules if rule for period in periods(rule, start, end, engine.calendar))
    yield from sorted((both for both in found if both[0] is _rule(engine, procedure, name, both[1])), key=_first_day)


def find_period(engine: Engine, procedure: str, name: str, key: str) -> tuple[ObligationRule, Period] | None:
    """Return the period with this key and the rule it is under; None where there is no such period."""
    if (procedure, name) not in declared(engine):
        return None
    for version in engine.registry.versions(procedure):
        rule = version.policy.obligations.get(name)
        period = period_named(rule, key, engine.calendar) if rule else None
        if rule and period and rule is _rule(engine, procedure, name, period):
            return rule, period
    return None


def _rule(engine: Engine, procedure: str, name: str, period: Period) -> ObligationRule | None:
    return engine.registry.current(procedure, period.first).policy.obligations.get(name)


def _first_day(both: tuple[ObligationRule, Period]) -> date:
    return both[1].first
