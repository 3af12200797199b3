"""Who may do what under one version of a policy: actions against roles."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from services.engine.core import Engine
from services.engine.registry import Definition
from services.identity.access import SYSTEM
from statemachines.kit.procedure import Kind

_BY_NAME = {Kind.WITHDRAW: "上一步办理人本人", Kind.VOTE: "合议、会签的成员本人"}


@dataclass(frozen=True, slots=True)
class Line:
    """A row: `roles` may; where nobody may, `note` says who does it."""

    title: str
    where: str
    roles: frozenset[str]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """`roles` are the columns: (key, title), those that the version knows, in the pack's order."""

    title: str
    basis: str
    article: str
    verified: bool
    roles: list[tuple[str, str]]
    lines: list[Line]


def matrix_of(engine: Engine, definition: Definition) -> Matrix:
    """Lay out one version."""
    procedure, policy = definition.procedure, definition.policy
    lines = [
        _line("查看", "全部环节", policy.viewers),
        _line("登记", "", policy.open, "由系统产生"),
        *(
            Line(action.title, _states(definition, action.sources), frozenset(), _BY_NAME[action.kind])
            if action.kind in _BY_NAME
            else _line(action.title, _states(definition, action.sources), policy.roles.get(name, ()), "由系统办理")
            for name, action in procedure.actions.items()
        ),
        *(_line(f"查看密封信息（{_field(definition, name)}）", "", may) for name, may in policy.sealed.items()),
    ]
    used = {role for line in lines for role in line.roles}
    columns = [(key, title) for key, title in engine.registry.pack.roles.items() if key in used]
    source = policy.source
    return Matrix(procedure.title, source.title, source.article, source.verified, columns, lines)


def _line(title: str, where: str, roles: Collection[str], nobody: str = "") -> Line:
    people = frozenset(roles) - {SYSTEM}
    return Line(title, where, people, "" if people else nobody)


def _states(definition: Definition, sources: Iterable[object]) -> str:
    """Where it can be done; all states but the final ones are not listed one by one."""
    procedure = definition.procedure
    names = [str(state) for state in sources]
    if len(names) >= len(list(procedure.states)) - len(procedure.final):
        return "办结前各环节"
    return "、".join(procedure.label(name) for name in names)


def _field(definition: Definition, name: str) -> str:
    forms = [definition.procedure.opening.form, *(a.form for a in definition.procedure.actions.values())]
    return next((f.model_fields[name].title or name for f in forms if name in f.model_fields), name)
