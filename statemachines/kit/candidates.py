"""Candidates: a rule over facts of other matters proposes one for human judgement, and never does more than that."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from dateutil.relativedelta import relativedelta
from pydantic import BaseModel, Field, field_validator
from pydantic.fields import FieldInfo

from statemachines.kit.period_terms import Budget, Unit
from statemachines.kit.posts import Tenure
from statemachines.kit.strict import Strict

if TYPE_CHECKING:
    from statemachines.kit.procedure import Procedure

TENURE, YEAR, UNIT, PARENT_UNIT = "tenure", "year", "unit", "parent_unit"
OPEN = "open"


class CandidateRule(Strict):
    """Proposes a matter once `count` different matters hold a fact: the action of `fact` ("case.decide") was taken
    (its latest answers stand on record) and every path of `where` has one of its values.

    A path is a field of that action's answers ("result", "sanction.kind"; in a list any element will do), or of
    another step's, named first ("open.channel"). `within`: all while the present head of the unit headed it
    ("tenure"), in one calendar year ("year"), in any span so long ("12 month"), or ever (left out).
    `per`: the unit where the fact's matter began ("unit"), the one above it ("parent_unit"), or the unit in an
    answer of the matter, by path ("open.subject_unit"). `tags` are passed on.
    """

    title: str
    source: str
    verified: bool = True
    fact: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    where: dict[str, tuple[bool | int | str, ...]] = Field(default_factory=dict)
    count: int = Field(1, ge=1)
    within: str | None = None
    per: str = UNIT
    tags: dict[str, str] = Field(default_factory=dict)

    @field_validator("within")
    @classmethod
    def _readable(cls, within: str | None) -> str | None:
        if within not in (None, TENURE, YEAR) and Budget.parse(within or "").unit is Unit.WORKDAY:
            raise ValueError(f"cannot look back {within}; count it in month or day")
        return within

    @field_validator("per")
    @classmethod
    def _known(cls, per: str) -> str:
        if per not in (UNIT, PARENT_UNIT) and "." not in per:
            raise ValueError(f'{per!r} is neither "unit", "parent_unit" nor a path like "open.subject_unit"')
        return per

    @property
    def procedure(self) -> str:
        return self.fact.partition(".")[0]

    @property
    def action(self) -> str:
        return self.fact.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Fact:
    """One action on record: its day and latest answers, and those of the matter's other steps.

    `unit_id` is the unit it counts for, as the rule's `per` says.
    """

    matter_id: int
    number: str
    procedure: str
    action: str
    unit_id: int
    on: date
    answers: Mapping[str, Any]
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a rule found: the facts by day, for a unit, and its head where the rule looks at tenure."""

    name: str
    rule: CandidateRule
    unit_id: int
    head_person_id: int | None
    facts: tuple[Fact, ...]

    @property
    def newest(self) -> Fact:
        return self.facts[-1]


def propose(name: str, rule: CandidateRule, facts: Iterable[Fact], tenures: Iterable[Tenure]) -> list[Proposal]:
    """Return at most one proposal per unit and head: of several spans that are full, the latest.

    `tenures` are those of the units' present heads, their earlier ones included.
    """
    matching = sorted((f for f in facts if matches(rule, f)), key=lambda f: (f.unit_id, f.on, f.matter_id))
    grouped = {unit: list(found) for unit, found in groupby(matching, key=lambda f: f.unit_id)}
    if rule.within == TENURE:
        return list(_by_head(name, rule, grouped, tenures))
    made = ((unit, _latest_full(rule, found)) for unit, found in grouped.items())
    return [Proposal(name, rule, unit, None, tuple(found)) for unit, found in made if found]


def matches(rule: CandidateRule, fact: Fact) -> bool:
    """Whether it is such a fact."""
    if (fact.procedure, fact.action) != (rule.procedure, rule.action):
        return False
    return all(any(value in wanted for value in read(fact, path)) for path, wanted in rule.where.items())


def read(fact: Fact, path: str) -> list[Any]:
    """Return every value at a path: of the fact's own answers, or of another step's."""
    head, _, rest = path.partition(".")
    if head in fact.answers:
        return list(_leaves(fact.answers[head], rest))
    return list(_leaves(fact.steps.get(head, {}), rest)) if rest else []


def candidate_problems(
    rules: Mapping[str, CandidateRule], procedure: "Procedure", procedures: Mapping[str, "Procedure"]
) -> Iterator[str]:
    """Say in what the candidate rules of a policy and the procedures disagree."""
    for name, rule in rules.items():
        if procedure.opening.on_candidate is None:
            yield f"candidate {name}: no rule can propose {procedure.key}"
        yield from (f"candidate {name}: {problem}" for problem in _rule_problems(rule, procedures))


def _by_head(
    name: str, rule: CandidateRule, grouped: Mapping[int, list[Fact]], tenures: Iterable[Tenure]
) -> Iterator[Proposal]:
    heads: dict[tuple[int, int], list[Tenure]] = {}
    for tenure in tenures:
        heads.setdefault((tenure.unit_id, tenure.person_id), []).append(tenure)
    for (unit, person), held in sorted(heads.items()):
        found = [f for f in grouped.get(unit, ()) if any(tenure.holds(f.on) for tenure in held)]
        if _full(rule, found):
            yield Proposal(name, rule, unit, person, tuple(found))


def _latest_full(rule: CandidateRule, found: list[Fact]) -> list[Fact]:
    """Return the facts of the latest span that holds enough of them; none where there is no such span."""
    for end in reversed(found):
        if _full(rule, within := [f for f in found if f.on <= end.on and _same_span(rule.within, f.on, end.on)]):
            return within
    return []


def _same_span(within: str | None, earlier: date, later: date) -> bool:
    if within is None:
        return True
    if within == YEAR:
        return earlier.year == later.year
    length = Budget.parse(within)
    back = relativedelta(months=length.amount) if length.unit is Unit.MONTH else timedelta(length.amount)
    return earlier > later - back


def _full(rule: CandidateRule, found: Sequence[Fact]) -> bool:
    return len({f.matter_id for f in found}) >= rule.count


def _leaves(value: Any, path: str) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping):
        head, _, rest = path.partition(".")
        yield from _leaves(value.get(head), rest)


def find_field(rule: CandidateRule, path: str, known: "Procedure") -> FieldInfo | None:
    """Return the form's field that a path of the rule means; None where there is no such answer."""
    head, _, rest = path.partition(".")
    own = _field_at(_form_of(known, rule.action), path)
    return own or (_field_at(_form_of(known, head), rest) if rest else None)


def _rule_problems(rule: CandidateRule, procedures: Mapping[str, "Procedure"]) -> Iterator[str]:
    known = procedures.get(rule.procedure)
    if known is None:
        yield f"there is no procedure {rule.procedure}"
    elif _form_of(known, rule.action) is None:
        yield f"{rule.procedure} has no action {rule.action}"
    else:
        paths = [*rule.where, *([rule.per] if "." in rule.per else [])]
        yield from (f"{rule.fact} has no answer {p}, nor its matter" for p in paths if not find_field(rule, p, known))


def _form_of(known: "Procedure", action: str) -> type[BaseModel] | None:
    if action == OPEN:
        return known.opening.form
    return known.actions[action].form if action in known.actions else None


def _field_at(form: type[BaseModel] | None, path: str) -> FieldInfo | None:
    head, _, rest = path.partition(".")
    found = form.model_fields.get(head) if form else None
    if found is None or not rest:
        return found
    return next((f for inner in _forms_in(found.annotation) if (f := _field_at(inner, rest))), None)


def _forms_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _forms_in(part)
