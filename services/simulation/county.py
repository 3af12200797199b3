"""The simulated county: units, people, posts and roles, all drawn from one seed. No name is a real one's."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import product
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.identity.access import Actor, load_actor
from services.identity.models import Grant, Unit, UnitKind
from services.identity.people import add_post, create_person, grant
from services.identity.units import create_unit

COUNTY_STAFF = {
    "petition_clerk": 3, "handler": 5, "unit_leader": 3, "rechecker": 5, "county_office": 3, "county_leader": 5,
    "supervisor": 3, "case_manager": 3, "investigator": 7, "reviewer": 6, "standing_committee": 5,
    "party_committee": 3, "conduct_office": 4,
}  # fmt: skip
OTHER_ROLE = 3
"""How many people at the county hold a role of the pack that is not listed."""

TOWNSHIP_STAFF = (
    ("党委书记", ("township_committee", "unit_head")),
    ("纪委书记", ("unit_leader", "township_discipline", "investigator")),
    ("纪委副书记", ("handler", "township_discipline", "investigator")),
    ("纪检干事", ("handler", "township_discipline", "investigator")),
    ("纪检干事", ("handler",)),
    ("信访员", ("petition_clerk",)),
)
DEPARTMENT_STAFF = (
    ("局长", ("unit_head",)),
    ("纪检监察组组长", ("unit_leader",)),
    ("纪检监察组副组长", ("handler", "investigator")),
    ("纪检监察组干部", ("handler", "investigator")),
)
VILLAGE_STAFF = (("村党支部书记", ("unit_head",)),)
STAFF = {
    UnitKind.TOWNSHIP: TOWNSHIP_STAFF, UnitKind.DEPARTMENT: DEPARTMENT_STAFF, UnitKind.GRASSROOTS: VILLAGE_STAFF,
}  # fmt: skip
_REASON = "模拟运行"
_LED_BEFORE = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Holding:
    """A role that somebody holds on a unit and all below it, for these days."""

    role: str
    person: int
    path: str
    first: date
    last: date | None

    def counts(self, path: str, on: date) -> bool:
        return path.startswith(self.path) and self.first <= on and (self.last is None or on <= self.last)


@dataclass
class County:
    """Ids of units by kind and path, of people, and who holds what."""

    root: int
    units: dict[UnitKind, list[int]]
    paths: dict[int, str]
    people: list[int]
    holdings: list[Holding]
    changes_on: date
    _actors: dict[tuple[int, bool], Actor] = field(default_factory=dict)

    @property
    def offices(self) -> list[int]:
        """Units that handle matters: every one but villages."""
        return [self.root, *self.units[UnitKind.TOWNSHIP], *self.units[UnitKind.DEPARTMENT]]

    def holders(self, roles: frozenset[str], path: str, on: date, away: frozenset[int]) -> list[int]:
        """Return everyone who holds one of these roles at or above the path and is not kept away, each once."""
        held = (h.person for h in self.holdings if h.role in roles and h.counts(path, on))
        return [p for p in dict.fromkeys(held) if p not in away]

    def actor(self, session: Session, person: int, on: date) -> Actor:
        """Return somebody with his roles of that day: they change on one day only."""
        key = person, on >= self.changes_on
        if key not in self._actors:
            self._actors[key] = load_actor(session, person, on)
        return self._actors[key]


def build_county(
    session: Session, roles: list[str], size: int, begins: date, ends: date, now: datetime, rng: Random
) -> County:
    """Make a county with `size` units below it; half way to `ends` one township changes its head."""
    names = _names(rng)
    root = create_unit(session, "county", "长宁县", UnitKind.COUNTY).id
    units = _make_units(session, root, size, rng)
    since = begins - _LED_BEFORE
    people: list[int] = []

    def appoint(
        unit: int, title: str, held: tuple[str, ...], head: bool, first: date = since, last: date | None = None
    ) -> None:
        login = f"p{len(people) + 1:04d}"
        person = create_person(session, next(names), now, login=login).id
        people.append(person)
        add_post(session, person, unit, title, first, last, head=head)
        for role in held:
            grant(session, person, role, unit, first, None, _REASON, valid_to=last)

    for role in sorted(
        set(roles) - {r for staff in STAFF.values() for _, held in staff for r in held} | {*COUNTY_STAFF}
    ):
        for n in range(COUNTY_STAFF.get(role, OTHER_ROLE)):
            appoint(root, f"县级人员（{role}）", (role,), head=role == "county_leader" and n == 0)
    changes = units[UnitKind.TOWNSHIP][0]
    half_way = begins + (ends - begins) / 2
    for kind, staff in STAFF.items():
        for unit in units[kind]:
            for n, (title, held) in enumerate(staff):
                leaves = unit == changes and n == 0
                appoint(unit, title, held, n == 0, last=half_way if leaves else None)
                if leaves:
                    appoint(unit, title, held, True, first=half_way + timedelta(days=1))
    return _read(session, root, units, people, half_way + timedelta(days=1))


def _make_units(session: Session, root: int, size: int, rng: Random) -> dict[UnitKind, list[int]]:
    """Make three tenths townships, two tenths departments, and villages in the townships."""
    places = _places(rng)
    townships, departments = max(1, round(size * 0.3)), max(1, round(size * 0.2))
    made: dict[UnitKind, list[int]] = {UnitKind.COUNTY: [root]}
    made[UnitKind.TOWNSHIP] = [
        create_unit(session, f"t{n}", f"{next(places)}{rng.choice('乡镇')}", UnitKind.TOWNSHIP, root).id
        for n in range(1, townships + 1)
    ]
    made[UnitKind.DEPARTMENT] = [
        create_unit(session, f"d{n}", f"县{name}局", UnitKind.DEPARTMENT, root).id
        for n, name in enumerate(_departments(departments), 1)
    ]
    made[UnitKind.GRASSROOTS] = [
        create_unit(
            session, f"v{n}", f"{next(places)}村", UnitKind.GRASSROOTS, made[UnitKind.TOWNSHIP][n % townships]
        ).id
        for n in range(1, max(1, size - townships - departments) + 1)
    ]
    return made


def _read(session: Session, root: int, units: dict[UnitKind, list[int]], people: list[int], changes_on: date) -> County:
    paths = dict(session.execute(select(Unit.id, Unit.path).order_by(Unit.id)).tuples().all())
    granted = select(Grant.role, Grant.person_id, Unit.path, Grant.valid_from, Grant.valid_to)
    rows = session.execute(granted.join(Unit, Unit.id == Grant.unit_id).order_by(Grant.id)).tuples()
    return County(root, units, paths, people, [Holding(*row) for row in rows], changes_on)


_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎"
_GIVEN = (
    "文清", "志远", "德明", "建安", "海宁", "秋实", "春和", "立新", "国安", "永康", "思源", "向阳", "晓岚", "静怡",
    "书敏", "宗林", "长风", "元亮", "守正", "克勤", "景行", "怀瑾", "若谷", "知行", "致和", "维新", "兆丰", "望舒",
)  # fmt: skip
_FIRST, _SECOND = "柳石青白云松梅竹桃杏枫槐清双龙凤金银南北", "溪岭桥口湾坪沟塘洲岩坡泉"
_DEPARTMENTS = ("水利", "教育", "民政", "财政", "农业", "住建", "交通", "卫生", "林业", "人社", "文旅", "国土")


def _names(rng: Random) -> Iterator[str]:
    made = [surname + given for surname, given in product(_SURNAMES, _GIVEN)]
    rng.shuffle(made)
    yield from made
    yield from (f"{name}{n}" for n in range(2, 1000) for name in made)


def _places(rng: Random) -> Iterator[str]:
    made = [first + second for first, second in product(_FIRST, _SECOND)]
    rng.shuffle(made)
    yield from made
    yield from (f"{name}{n}" for n in range(2, 1000) for name in made)


def _departments(count: int) -> list[str]:
    return [f"{_DEPARTMENTS[n % len(_DEPARTMENTS)]}{n // len(_DEPARTMENTS) or ''}" for n in range(count)]
