"""The invented county 清河县: its units and its people. No name here is a real person's or a real place's."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from services.identity.models import UnitKind
from services.identity.passwords import set_password
from services.identity.people import add_post, create_person, grant
from services.identity.units import create_unit

PASSWORD = "qinghe-demo-2026"
"""Everybody's password in the demo county, shown wherever its log-ins are. It protects nothing."""

COUNTY = "qinghe"
TOWNSHIPS = {
    "liuhe": "柳河乡", "baishi": "白石镇", "qingshan": "青山镇", "chengguan": "城关镇",
    "shiqiao": "石桥镇", "hekou": "河口乡", "yunling": "云岭乡",
}  # fmt: skip
DEPARTMENTS = {
    "water": "县水利局", "education": "县教育局", "housing": "县住建局",
    "civil": "县民政局", "finance": "县财政局", "agriculture": "县农业农村局",
}  # fmt: skip
GRASSROOTS = {
    "shanghe": ("上河村", "liuhe"), "xiahe": ("下河村", "liuhe"), "nongban": ("镇农办", "baishi"),
    "dongfeng": ("东风社区", "chengguan"), "erxiao": ("县二小", "education"), "qinglong": ("青龙村", "qingshan"),
    "shiqiaocun": ("石桥村", "shiqiao"), "dukou": ("渡口村", "hekou"), "yunlingcun": ("云岭村", "yunling"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the cast: log-in, name, code of the unit, post, roles there, and whether he heads it."""

    login: str
    name: str
    unit: str
    post: str
    roles: tuple[str, ...]
    head: bool = False


def _cast() -> tuple[Member, ...]:
    at_county = [
        ("shenmingyuan", "沈明远", "县纪委书记、监委主任", ("county_leader", "standing_committee")),
        ("guchanghe", "顾长河", "县纪委副书记", ("county_leader", "unit_leader", "standing_committee")),
        ("qintao", "秦韬", "县纪委常委", ("standing_committee",)),
        ("suwanqing", "苏晚晴", "县纪委常委", ("standing_committee",)),
        ("jixueyan", "纪雪岩", "县监委委员", ("standing_committee",)),
        ("hezhiyuan", "何致远", "县委书记", ("party_committee",)),
        ("liangyu", "梁宇", "县委副书记", ("party_committee",)),
        ("shaoqiming", "邵启明", "县委组织部部长", ("party_committee",)),
        ("lujing", "陆静", "信访室主任", ("county_office",)),
        ("fangwen", "方文", "信访室干部", ("petition_clerk",)),
        ("yexiaohe", "叶小禾", "信访室干部", ("petition_clerk",)),
        ("kangning", "康宁", "第一纪检监察室主任", ("handler", "investigator")),
        ("tongwei", "童伟", "第一纪检监察室干部", ("handler", "investigator")),
        ("hansong", "韩松", "案件监督管理室主任", ("rechecker", "case_manager")),
        ("luomin", "罗敏", "案件监督管理室干部", ("rechecker", "case_manager")),
        ("songliqun", "宋立群", "党风政风监督室主任", ("supervisor", "conduct_office")),
        ("yanhui", "颜慧", "党风政风监督室干部", ("conduct_office",)),
        ("bianzheng", "卞正", "案件审理室主任", ("reviewer",)),
        ("jianghe", "姜禾", "案件审理室干部", ("reviewer",)),
        ("lumingzhe", "陆明哲", "案件审理室干部", ("reviewer",)),
        ("dingyiming", "丁一鸣", "信息中心管理员", ("admin",)),
    ]
    county = [Member(who, name, COUNTY, post, roles, who == "shenmingyuan") for who, name, post, roles in at_county]
    return (*county, *_township_staff(), *_department_staff())


def _township_staff() -> list[Member]:
    staff = {
        "liuhe": (("chenjianguo", "陈建国"), ("zhaoyun", "赵芸"), ("wangdahe", "王大河"), ("fenglei", "冯磊")),
        "baishi": (("baizhiqiang", "白志强"), ("tianye", "田野"), ("shikai", "石凯"), ("yuanfang", "袁芳")),
        "qingshan": (("linguodong", "林国栋"), ("muqing", "穆青"), ("xuhui", "徐辉"), ("gaoyan", "高燕")),
        "chengguan": (("chengweimin", "程卫民"), ("jiangxue", "江雪"), ("maochao", "毛超"), ("denglan", "邓岚")),
        "shiqiao": (("qiaozhen", "乔振"), ("duxiaoyue", "杜小月"), ("longtao", "龙涛"), ("panyu", "潘玉")),
        "hekou": (("hejinshan", "何金山"), ("yanhua", "严华"), ("caojun", "曹军"), ("weilan", "魏兰")),
        "yunling": (("yunzhengming", "云正明"), ("shuman", "舒曼"), ("jiaoyang", "焦阳"), ("baolin", "鲍琳")),
    }  # fmt: skip
    secretaries = {
        "liuhe": ("liuzhongyuan", "柳忠远"), "baishi": ("shipinyan", "石品言"), "qingshan": ("qingfeng", "卿峰"),
        "chengguan": ("guanshan", "关山"), "shiqiao": ("shimo", "施默"), "hekou": ("jiangliu", "江流"),
        "yunling": ("lingyun", "凌云"),
    }  # fmt: skip
    posts = (
        ("纪委书记", ("unit_leader", "township_discipline")), ("信访员", ("petition_clerk",)),
        ("纪委副书记", ("handler", "township_discipline")), ("纪检干事", ("handler",)),
    )  # fmt: skip
    heads = [
        Member(login, name, unit, f"{TOWNSHIPS[unit]}党委书记", ("township_committee", "unit_head"), True)
        for unit, (login, name) in secretaries.items()
    ]
    return heads + [
        Member(login, name, unit, TOWNSHIPS[unit] + post, roles)
        for unit, people in staff.items()
        for (login, name), (post, roles) in zip(people, posts, strict=True)
    ]


def _department_staff() -> list[Member]:
    staff = {
        "water": (("shuizhiyuan", "水志远"), ("gexin", "葛欣"), ("tangbo", "唐波")),
        "education": (("wenhua", "文华"), ("linshu", "蔺舒"), ("kongli", "孔立")),
        "housing": (("zhuangcheng", "庄诚"), ("xiapeng", "夏鹏"), ("anran", "安然")),
        "civil": (("heping", "贺平"), ("juan", "居安"), ("minlan", "闵岚")),
        "finance": (("qianyi", "钱毅"), ("jinshu", "金书"), ("yinhong", "尹红")),
        "agriculture": (("tiangeng", "田耕"), ("miaowen", "苗文"), ("hequn", "禾群")),
    }  # fmt: skip
    directors = {
        "water": ("yuanquan", "原泉"), "education": ("shudao", "舒道"), "housing": ("anju", "安居"),
        "civil": ("minsheng", "闵生"), "finance": ("caiwei", "蔡威"), "agriculture": ("fengnian", "丰年"),
    }  # fmt: skip
    heads = [
        Member(login, name, unit, f"{DEPARTMENTS[unit]}局长", ("unit_head",), True)
        for unit, (login, name) in directors.items()
    ]
    posts = ("纪检监察组组长", ("unit_leader",)), ("纪检监察组副组长", ("handler",)), ("纪检监察组干部", ("handler",))
    return heads + [
        Member(login, name, unit, f"派驻{DEPARTMENTS[unit]}{post}", roles)
        for unit, people in staff.items()
        for (login, name), (post, roles) in zip(people, posts, strict=True)
    ]


CAST = _cast()


@dataclass(frozen=True)
class County:
    """The ids of units by code and of people by log-in, and who is there in which role."""

    units: dict[str, int]
    people: dict[str, int]

    def logins(self, role: str, unit: str) -> list[str]:
        """The log-ins of those who hold the role at this very unit."""
        return [member.login for member in CAST if member.unit == unit and role in member.roles]


def parent_of(code: str) -> str:
    """The code of the unit above: a village's township, a school's department, else the county."""
    return GRASSROOTS[code][1] if code in GRASSROOTS else COUNTY


def settle(session: Session, since: date, now: datetime) -> County:
    """Make all units and people; posts and roles hold from `since` on."""
    units = {COUNTY: create_unit(session, COUNTY, "清河县", UnitKind.COUNTY).id}
    for code, name in TOWNSHIPS.items():
        units[code] = create_unit(session, code, name, UnitKind.TOWNSHIP, units[COUNTY]).id
    for code, name in DEPARTMENTS.items():
        units[code] = create_unit(session, code, name, UnitKind.DEPARTMENT, units[COUNTY]).id
    for code, (name, above) in GRASSROOTS.items():
        units[code] = create_unit(session, code, name, UnitKind.GRASSROOTS, units[above]).id
    return County(units, _appoint(session, units, since, now))


def _appoint(session: Session, units: dict[str, int], since: date, now: datetime) -> dict[str, int]:
    people: dict[str, int] = {}
    password_hash: str | None = None
    for member in CAST:
        person = create_person(session, member.name, now, login=member.login)
        if password_hash is None:
            set_password(person, PASSWORD)
            password_hash = person.password_hash
        person.password_hash = password_hash  # one password, hashed once: each hash costs a noticeable time
        people[member.login] = person.id
        add_post(session, person.id, units[member.unit], member.post, since, head=member.head)
        for role in member.roles:
            grant(session, person.id, role, units[member.unit], since, None, "演示数据")
    return people
