"""Who acts when a ledger is imported: people who hold the roles today, as the guards ask for them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from services.identity.access import Actor, load_actor
from services.identity.models import Grant, Person, Unit
from services.identity.people import id_of_login
from services.ledgers.errors import ImportRefused, NobodyToAct
from statemachines.kit.policy import Policy

PARTS: dict[str, tuple[str, ...]] = {
    "registrar": ("accept", "refuse", "hand_over", "propose"),
    "approver": ("approve", "close_held"),
    "handler": ("record_reply", "complete"),
    "rechecker": ("pass_recheck",),
}
"""Each part in an import and the actions that it takes; the registrar opens the petitions too."""

_APART = {"registrar": "approver", "approver": "registrar"}
"""Parts that one person cannot take both."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Log-ins of those who shall take a part; whoever holds the role, nearest first, where none is given."""

    registrar: str | None = None
    approver: str | None = None
    handler: str | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """A role that a person holds today on the subtree at `path`."""

    person_id: int
    name: str
    role: str
    path: str


@dataclass
class Cast:
    """The people of one import. Units are given by path, people kept away by name and id.

    `acted` collects, per part, the names of all who were put on record.
    """

    session: Session
    today: date
    holdings: list[Holding]
    roles: dict[str, tuple[str, ...]]
    chosen: dict[str, int]
    acted: dict[str, set[str]] = field(default_factory=dict)
    _actors: dict[int, Actor] = field(default_factory=dict)
    _sorted: dict[tuple[str | None, str], list[Holding]] = field(default_factory=dict)

    def actor(self, part: str, path: str, names: Collection[str] = (), but: Collection[int] = ()) -> Actor:
        """Whoever takes this part at the unit; `NobodyToAct` if no one can."""
        if part in self.chosen:
            return self._load(part, self.chosen[part])
        people = self.able(part, path, names, but)
        if not people:
            roles = ", ".join(self.roles[part])
            raise NobodyToAct(
                f"nobody free to act as {part} holds {roles} here; grant it to someone",
                f"承办单位及上级没有可办理此环节的人员（{roles}），请先授权",
            )
        return self._load(part, people[0])

    def able(self, part: str, path: str, names: Collection[str] = (), but: Collection[int] = ()) -> list[int]:
        """Everyone who could take the part at the unit, the fittest role and the nearest unit first."""
        away = {*but, self.chosen.get(_APART.get(part, ""))}
        return _ids(h for h in self._fitting(part, path) if h.name not in names and h.person_id not in away)

    def team(self, path: str, first: int, names: Collection[str] = ()) -> list[int]:
        """The acting handler and one more: another handler if there is one, else who is nearest to the unit."""
        around = [*self._fitting("handler", path), *self._fitting(None, path)]
        return [first, *_ids(h for h in around if h.name not in names and h.person_id != first)[:1]]

    def enlist(self, part: str, people: Collection[int]) -> list[int]:
        """Note that these people are put on record in a part; return them."""
        self.acted.setdefault(part, set()).update(h.name for h in self.holdings if h.person_id in people)
        return list(people)

    def _fitting(self, part: str | None, path: str) -> list[Holding]:
        """Who holds a role for the part (None: any role) at the unit, fittest first."""
        if (part, path) not in self._sorted:
            ranks = {role: rank for rank, role in enumerate(self.roles[part])} if part else {}
            found = [h for h in self.holdings if path.startswith(h.path) and (part is None or h.role in ranks)]
            found.sort(key=lambda h: (ranks.get(h.role, 0), -len(h.path), h.person_id))
            self._sorted[part, path] = found
        return self._sorted[part, path]

    def _load(self, part: str, person_id: int) -> Actor:
        if person_id not in self._actors:
            self._actors[person_id] = load_actor(self.session, person_id, self.today)
        actor = self._actors[person_id]
        self.acted.setdefault(part, set()).add(actor.name)
        return actor


def find_cast(session: Session, policy: Policy, unit_path: str, wishes: Wishes, today: date) -> Cast:
    """The cast for petitions registered at this unit.

    Raises `ImportRefused` for unknown log-ins, for parts that nobody can take there, and for one person in both
    of the parts that must be two.
    """
    chosen = {
        part: _person(session, login)
        for part in ("registrar", "approver", "handler")
        if (login := getattr(wishes, part)) is not None
    }
    cast = Cast(session, today, _holdings(session, today), _roles(policy), chosen)
    if "registrar" in chosen and chosen["registrar"] == chosen.get("approver"):
        raise ImportRefused(
            "same_person",
            "whoever registers and proposes does not approve: name two people with --as and --approver",
            "拟处置人不得审批，登记人和审批人须为两人。",
        )
    registrar = _settle(cast, "registrar", unit_path, but=())
    _settle(cast, "approver", unit_path, but={registrar})
    return cast


def _settle(cast: Cast, part: str, path: str, but: Collection[int]) -> int:
    """Check that somebody can take the part at the registering unit; return who comes first."""
    able = cast.able(part, path, but=but)
    wish = cast.chosen.get(part)
    if (wish is None and able) or wish in cast.able(part, path):
        return wish if wish is not None else able[0]
    roles = " or ".join(cast.roles[part])
    who = "nobody else" if wish is None else "the person named"
    raise ImportRefused(
        "nobody_to_act",
        f"{who} can act as {part} at the registering unit; grant {roles} there to someone",
        f"登记单位没有具备“{roles}”角色的人员，请先授权。",
    )


def _roles(policy: Policy) -> dict[str, tuple[str, ...]]:
    """Per part the roles that permit all its actions, in the policy's order."""
    allowed = {part: [policy.roles[action] for action in actions] for part, actions in PARTS.items()}
    allowed["registrar"].append(policy.open)
    return {
        part: tuple(role for role in lists[0] if all(role in others for others in lists))
        for part, lists in allowed.items()
    }


def _person(session: Session, login: str) -> int:
    if (found := id_of_login(session, login)) is None:
        raise ImportRefused(
            "unknown_person", f"nobody active logs in as {login!r}", f"没有用户名为“{login}”的在用人员。"
        )
    return found


def _holdings(session: Session, today: date) -> list[Holding]:
    held = (
        select(Person.id, Person.name, Grant.role, Unit.path)
        .join(Grant, Grant.person_id == Person.id)
        .join(Unit, Unit.id == Grant.unit_id)
        .where(
            Person.active,
            Grant.valid_from <= today,
            or_(Grant.valid_to.is_(None), Grant.valid_to >= today),
        )
    )
    return [Holding(*row) for row in session.execute(held)]


def _ids(holdings: Iterable[Holding]) -> list[int]:
    return list(dict.fromkeys(h.person_id for h in holdings))
