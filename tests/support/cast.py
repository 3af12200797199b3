"""A small county with a fixed cast, and matters that reach a state by being walked there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Table, func, insert, select
from sqlalchemy.orm import Session

from services.db.base import Base
from services.db.session import Database
from services.engine.core import Engine
from services.engine.opening import Opened, open_matter
from services.engine.perform import Performed, perform
from services.identity.access import Actor, load_actor
from services.identity.models import UnitKind
from services.identity.people import create_person, grant
from services.identity.units import create_unit

START = datetime(2016, 3, 1, 2, tzinfo=UTC)
"""Tuesday 2016-03-01, 10:00 in Shanghai."""

UNITS = {
    "county": ("清河县", UnitKind.COUNTY, None),
    "liuhe": ("柳河乡", UnitKind.TOWNSHIP, "county"),
    "baishi": ("白石镇", UnitKind.TOWNSHIP, "county"),
    "water": ("县水利局", UnitKind.DEPARTMENT, "county"),
    "upper": ("上河村", UnitKind.GRASSROOTS, "liuhe"),
}
CAST = {
    "clerk": ("赵信访", "county", ["petition_clerk"]),
    "manager": ("郑案管", "county", ["case_manager"]),
    "investigator": ("王审查", "county", ["investigator"]),
    "investigator2": ("冯审查", "county", ["investigator"]),
    "reviewer": ("陈审理", "county", ["reviewer"]),
    "reviewer2": ("褚审理", "county", ["reviewer"]),
    "standing1": ("卫常委", "county", ["standing_committee"]),
    "standing2": ("蒋常委", "county", ["standing_committee"]),
    "standing3": ("沈常委", "county", ["standing_committee"]),
    "party_secretary": ("韩书记", "county", ["party_committee"]),
    "conduct": ("杨党风", "county", ["conduct_office"]),
    "conduct2": ("朱党风", "county", ["conduct_office"]),
    "township_discipline": ("秦纪委", "liuhe", ["township_discipline", "investigator"]),
    "township_discipline2": ("许纪委", "liuhe", ["township_discipline", "investigator"]),
    "township_committee": ("何书记", "liuhe", ["township_committee", "unit_head"]),
    "baishi_discipline": ("吕纪委", "baishi", ["township_discipline", "investigator"]),
    "baishi_head": ("施书记", "baishi", ["township_committee", "unit_head"]),
    "water_head": ("张局长", "water", ["unit_head"]),
    "clerk2": ("钱信访", "county", ["petition_clerk"]),
    "leader": ("孙领导", "county", ["unit_leader", "county_leader"]),
    "office": ("李主任", "county", ["county_office"]),
    "checker": ("周复核", "county", ["rechecker"]),
    "checker2": ("吴复核", "county", ["rechecker"]),
    "supervisor": ("郑督查", "county", ["supervisor"]),
    "handler": ("王承办", "liuhe", ["handler"]),
    "handler2": ("冯承办", "liuhe", ["handler"]),
    "township_leader": ("陈书记", "liuhe", ["unit_leader"]),
    "township_clerk": ("褚信访", "liuhe", ["petition_clerk"]),
    "elsewhere": ("卫承办", "baishi", ["handler", "unit_leader", "petition_clerk"]),
    "nobody": ("蒋某", "upper", []),
}


@dataclass
class County:
    """The county in one database: ids by key, and short ways to open and to act."""

    database: Database
    engine: Engine
    units: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    now: datetime = START

    def actor(self, who: str, session: Session) -> Actor:
        return load_actor(session, self.people[who], (self.now + timedelta(hours=8)).date())

    def open(self, who: str = "clerk", procedure: str = "petition", unit: str = "county", **answers: Any) -> Opened:
        data = {**PETITION, "received_on": self.today.isoformat(), **answers} if procedure == "petition" else answers
        with self.database.write() as session:
            return open_matter(
                self.engine,
                session,
                procedure,
                data,
                self.actor(who, session),
                self.now,
                unit_id=self.units[unit],
            )

    def act(
        self, matter_id: int, action: str, who: str, data: Mapping[str, Any] | None = None, **more: Any
    ) -> Performed:
        with self.database.write() as session:
            return perform(
                self.engine,
                session,
                matter_id,
                action,
                self.actor(who, session),
                dict(data or {}),
                self.now,
                **more,
            )

    def walk(self, *steps: str, disposition: str = "preliminary_verification", **answers: Any) -> int:
        """Open a petition and take these steps with the cast's usual answers; return its id."""
        matter_id = self.open(**answers).matter_id
        for step in steps:
            self.act(matter_id, step, *self.usual(step, disposition))
        return matter_id

    def usual(self, step: str, disposition: str = "preliminary_verification") -> tuple[str, dict[str, Any]]:
        """Return who takes a step of a petition, and a valid form."""
        today = self.today.isoformat()
        proposal = {
            "disposition": disposition, "petition_class": "general", "class_reason": "情况清楚",
            "handler_unit": self.units["liuhe"], "opinion": "拟转柳河乡办理",
        }  # fmt: skip
        completion = {
            "result": "substantiated", "finished_on": today, "summary": "已查清",
            "team": [self.people["handler"], self.people["handler2"]],
        }  # fmt: skip
        members = {"members": [self.people["checker"], self.people["checker2"]], "opinion": "同意"}
        told = {"method": "phone", "told_on": today}
        return {
            "accept": ("clerk", {}),
            "refuse": ("clerk", {"ground": "out_of_scope", "reason": "不属本机关受理", "receiving_organ": "县信访局"}),
            "hand_over": ("clerk", {"handed_on": today, **told}),
            "propose": ("clerk", proposal),
            "approve": ("leader", {"note": "同意"}),
            "send_back": ("leader", {"reason": "请补充"}),
            "record_reply": ("handler", {"mode": "letter", "replied_on": today, "no_problem": True, "content": "无"}),
            "record_meeting_report": ("handler", {}),
            "note_progress": ("handler", {"content": "已走访"}),
            "complete": ("handler", completion),
            "pass_recheck": ("checker", members),
            "fail_recheck": ("checker", members),
            "give_acceptance_notice": ("clerk", told),
            "feed_back": ("clerk", told),
            "take_up": ("clerk", {"reason": "有新线索"}),
            "close_held": ("leader", {"reason": "无可查性"}),
            "archive": ("clerk", {"archive_no": "2016-1", "retention": "years_10", "pages": 12}),
            "take_charge": ("leader", {"leader": self.people["leader"], "basis": "major", "plan": "专班化解"}),
            "reclassify": ("township_leader", {"petition_class": "complex", "reason": "涉及多年账目"}),
            "reassign": ("office", {"handler_unit": self.units["water"], "reason": "属水利局职责"}),
            "ask_extension": ("handler", {"amount": 1, "unit": "month", "reason": "账目繁杂"}),
            "grant_extension": ("office", {}),
            "refuse_extension": ("office", {"reason": "理由不足"}),
            "suspend": ("office", {"reason": "等待鉴定"}),
            "resume": ("office", {"reason": "鉴定完成"}),
            "recuse": ("office", {"person": self.people["handler2"], "reason": "亲属关系"}),
            "waive_acceptance_notice": ("office", {"reason": "无法联系"}),
            "waive_feedback": ("leader", {"reason": "无法联系"}),
            "split": ("clerk", {"reason": "混合", "parts": [
                {"summary": "甲", "content": "甲", "problem_fields": ["subsidies"]},
                {"summary": "乙", "content": "乙", "problem_fields": ["land_requisition"]},
            ]}),
            "withdraw": ("clerk", {"reason": "填错"}),
        }[step]  # fmt: skip

    @property
    def today(self) -> date:
        return (self.now + timedelta(hours=8)).date()

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


PETITION: dict[str, Any] = {
    "channel": "letter", "summary": "反映上河村低保问题", "content": "反映上河村截留低保金。",
    "problem_fields": ["subsidies"], "anonymous": False,
    "complainant": {"name": "林举报", "phone": "13900000000"}, "reported": [{"name": "某村干部", "post": "村支书"}],
}  # fmt: skip


def build_county(database: Database, engine: Engine) -> County:
    """Make the units and the cast; in an empty database by laying down what was made in the first one."""
    county = County(database, engine)
    with database.write() as session:
        empty = not any(session.execute(select(table).limit(1)).first() for table in _tables())
        if not (empty and _LAID):
            _make(county, session)
            if empty:
                _LAID.append((county.units, county.people, _everything(session)))
            return county
        units, people, rows = _LAID[0]
        for table, laid in rows:
            session.execute(insert(table), laid)
        _count_on(session, [table for table, _ in rows])
    county.units, county.people = dict(units), dict(people)
    return county


_LAID: list[tuple[dict[str, int], dict[str, int], list[tuple[Table, list[dict[str, Any]]]]]] = []


def _make(county: County, session: Session) -> None:
    since = date(2010, 1, 1)
    for key, (name, kind, parent) in UNITS.items():
        county.units[key] = create_unit(session, key, name, kind, county.units[parent] if parent else None).id
    for key, (name, unit, roles) in CAST.items():
        county.people[key] = create_person(session, name, START, login=key).id
        for role in roles:
            grant(session, county.people[key], role, county.units[unit], since, None, "测试")
    session.flush()


def _tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name in ("unit", "person", "role_grant")]


def _everything(session: Session) -> list[tuple[Table, list[dict[str, Any]]]]:
    return [(table, [dict(row) for row in session.execute(select(table)).mappings()]) for table in _tables()]


def _count_on(session: Session, tables: list[Table]) -> None:
    """Numbers were given, not drawn: on PostgreSQL the sequences must be told."""
    if session.get_bind().dialect.name == "postgresql":
        for table in tables:
            last = func.pg_get_serial_sequence(table.name, "id")
            session.execute(select(func.setval(last, select(func.max(table.c.id)).scalar_subquery())))
