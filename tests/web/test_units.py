"""机构与人员: what administrators see and change; everybody else is refused, by address and by form."""

import re
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from services.administration.models import Deed
from services.identity.models import Grant, Person, Post, Unit, UnitKind
from services.identity.people import grant
from services.identity.units import create_unit
from tests.support.dump import dump
from tests.web.site import Site

TODAY = "2016-03-01"


@pytest.fixture
def office(site: Site) -> Site:
    """`office` administers the county, `township_clerk` 柳河乡; in `spare` there is nobody."""
    with site.county.database.write() as session:
        spare = create_unit(session, "spare", "县备用局", UnitKind.DEPARTMENT, site.county.units["county"])
        site.county.units["spare"] = spare.id
        for who, unit in (("office", "county"), ("township_clerk", "liuhe")):
            grant(session, site.county.people[who], "admin", site.county.units[unit], date(2010, 1, 1), None, "测试")
    return site


def do(site: Site, who: str, about: str, key: int, deed: str, **answers: Any) -> Any:
    data = {f"a.{name}": str(value) for name, value in answers.items()}
    return site.post(who, f"/units/do/{about}/{key}/{deed}", data)


def one(site: Site, query: Any) -> Any:
    with site.county.database.read() as session:
        return session.scalars(query).one()


def requests(site: Site) -> list[tuple[str, int, str, dict[str, Any]]]:
    """Every deed, as it could be asked for about what there is."""
    u, p = site.county.units, site.county.people
    post = {"title": "科员", "held_from": TODAY}
    role = {"role": "rechecker", "valid_from": TODAY, "reason": "分工"}
    given = one(site, select(Grant.id).where(Grant.person_id == p["elsewhere"], Grant.role == "handler"))
    return [
        ("unit", u["baishi"], "add", {"name": "新村", "code": "new", "kind": "grassroots"}),
        ("unit", u["baishi"], "rename", {"name": "白石乡"}),
        ("unit", u["baishi"], "move", {"parent_id": u["liuhe"]}),
        ("unit", u["spare"], "abolish", {"on": TODAY}),
        ("unit", u["baishi"], "restore", {}),
        ("unit", u["baishi"], "person", {"name": "新人", **post}),
        ("unit", u["baishi"], "appoint", {"person_id": p["nobody"], **post}),
        ("unit", u["baishi"], "grant", {"person_id": p["nobody"], **role}),
        ("person", p["elsewhere"], "rename", {"name": "卫新"}),
        ("person", p["elsewhere"], "password", {}),
        ("person", p["elsewhere"], "deactivate", {}),
        ("person", p["elsewhere"], "reactivate", {}),
        ("person", p["elsewhere"], "appoint", {"unit_id": u["baishi"], **post}),
        ("person", p["elsewhere"], "grant", {"unit_id": u["baishi"], **role}),
        ("person", p["leader"], "lend", {"to_id": p["clerk"], "starts_on": TODAY, "ends_on": TODAY, "reason": "出差"}),
        ("grant", given, "end", {}),
    ]


def test_nobody_else_sees_or_changes_anything(office: Site) -> None:
    asked = requests(office)
    for who in ("clerk", "leader", "supervisor", "township_clerk"):
        office.by(who).get("/profile")
    before = dump(office.county.database)
    for who in ("clerk", "supervisor", "township_clerk"):
        for about, key, deed, answers in asked:
            path = f"/units/do/{about}/{key}/{deed}"
            assert office.by(who).get(path).status_code == 403, path
            assert do(office, who, about, key, deed, **answers).status_code == 403, path
    for path in ("/units", f"/units/{office.county.units['liuhe']}", "/units/tree", "/units/people/1"):
        answer = office.by("clerk").get(path)
        assert answer.status_code == 403 and "没有权限" in answer.text and "柳河乡" not in answer.text, path
    assert office.by("township_clerk").get(f"/units/{office.county.units['baishi']}").status_code == 403
    assert office.by("township_clerk").get(f"/units/people/{office.county.people['leader']}").status_code == 404
    assert dump(office.county.database) == before


def test_a_form_without_the_page_s_token_changes_nothing(office: Site) -> None:
    before = one(office, select(Unit.name).where(Unit.code == "liuhe"))
    path = f"/units/do/unit/{office.county.units['liuhe']}/rename"
    answer = office.by("office").post(path, data={"a.name": "假乡"}, headers={"Origin": "http://elsewhere"})
    assert answer.status_code == 403
    assert one(office, select(Unit.name).where(Unit.code == "liuhe")) == before


def test_the_tree_shows_what_one_administers_and_counts_people(office: Site) -> None:
    u, p = office.county.units, office.county.people
    do(office, "office", "unit", u["upper"], "appoint", person_id=p["nobody"], title="主任", held_from=TODAY)
    page = office.by("office").get("/units").text
    rows = re.findall(r'aria-level="(\d)".*?<span>([^<]+)</span>.*?<small>(\d+) 人', page)
    assert rows == [
        ("1", "清河县", "1"), ("2", "白石镇", "0"), ("2", "柳河乡", "1"), ("3", "上河村", "1"), ("2", "县备用局", "0"),
        ("2", "县水利局", "0"),
    ]  # fmt: skip
    own = office.by("township_clerk").get("/units").text
    assert "柳河乡" in own and "上河村" in own and "白石镇" not in own
    assert '"/units"' in own  # the navigation leads here
    assert '"/units"' not in office.by("clerk").get("/profile").text


@pytest.mark.parametrize(
    ("q", "found"), [("lhx", "柳河乡"), ("柳河", "柳河乡"), ("wcb", "王承办"), ("handler2", "冯承办")]
)
def test_units_and_people_are_found_by_initials(office: Site, q: str, found: str) -> None:
    answer = office.by("office").get(f"/units/tree?q={q}", headers={"HX-Request": "true"}).text
    assert found in answer
    nothing = office.by("office").get("/units/tree?q=zzzz", headers={"HX-Request": "true"}).text
    assert "没有找到" in nothing and found not in nothing


def test_a_person_is_added_with_post_role_and_a_password_to_change(office: Site) -> None:
    answer = do(
        office, "office", "unit", office.county.units["liuhe"], "person", name="新来", title="干事", held_from=TODAY,
        role="handler", login="xinlai", head="true",
    )  # fmt: skip
    password = re.search(r"<code>([^<]+)</code>", answer.text)
    assert answer.status_code == 200 and password and "xinlai" in answer.text
    person = one(office, select(Person).where(Person.login == "xinlai"))
    assert person.password_temporary
    assert one(office, select(Post.title).where(Post.person_id == person.id)) == "干事"
    assert one(office, select(Grant.role).where(Grant.person_id == person.id)) == "handler"
    browser = office.browser()
    assert office.log_in(browser, "xinlai", password[1]).status_code == 303
    assert browser.get("/worklist").headers["location"] == "/profile#password"
    assert "请先修改密码" in browser.get("/profile").text
    with office.county.database.read() as session:
        told = str(session.scalars(select(Deed.content)).all())
    assert password[1] not in told


def test_all_of_a_newcomer_or_nothing(office: Site) -> None:
    """A log-in that is taken is told at its field; neither person nor post stays, and nothing typed is lost."""
    answer = do(
        office, "office", "unit", office.county.units["liuhe"], "person", name="重名人", title="干事",
        held_from=TODAY, login="handler",
    )  # fmt: skip
    assert answer.status_code == 422
    assert re.search(r'id="f-a.login-e">.*?已被使用', answer.text, re.S)
    assert 'value="重名人"' in answer.text and 'value="干事"' in answer.text
    with office.county.database.read() as session:
        assert session.scalars(select(Person).where(Person.name == "重名人")).all() == []


def test_what_is_wrong_is_said_in_place(office: Site) -> None:
    unit = office.county.units["liuhe"]
    missing = do(office, "office", "unit", unit, "add", kind="grassroots").text
    assert missing.count("请填写此项") == 2 and "有 2 处需要修改" in missing
    bad = do(office, "office", "unit", unit, "abolish", on="某日").text
    assert "请按 年-月-日 填写日期" in bad and 'value="某日"' in bad
    assert "1950 至 2099" in do(office, "office", "unit", unit, "abolish", on="1012-01-01").text
    cycle = do(office, "office", "unit", unit, "move", parent_id=office.county.units["upper"])
    assert re.search(r'id="f-a.parent_id-e">.*?不能移动到本单位', cycle.text, re.S)
    assert do(office, "office", "unit", unit, "grant", person_id=office.county.people["nobody"], role="emperor",
              valid_from=TODAY, reason="x").status_code == 422  # fmt: skip


def test_every_deed_by_its_administrator_changes_something_and_is_on_record(office: Site) -> None:
    for about, key, deed, answers in requests(office):
        if deed in ("add", "rename", "person", "lend"):
            continue  # told apart below: their order matters for nothing else
        path = f"/units/do/{about}/{key}/{deed}"
        assert office.by("office").get(path, headers={"HX-Request": "true"}).status_code == 200
        answer = do(office, "office", about, key, deed, **answers)
        assert answer.status_code in (200, 204), (path, answer.text)
    actions = set(_actions(office))
    assert {"unit_moved", "unit_abolished", "post_added", "role_granted", "role_revoked", "person_deactivated",
            "person_reactivated", "password_given"} <= actions  # fmt: skip


def _actions(site: Site) -> list[str]:
    with site.county.database.read() as session:
        return list(session.scalars(select(Deed.action)))


def test_a_moved_unit_keeps_its_own_below_it(office: Site) -> None:
    u = office.county.units
    assert do(office, "office", "unit", u["liuhe"], "move", parent_id=u["baishi"]).status_code == 204
    assert one(office, select(Unit.path).where(Unit.id == u["upper"])) == (
        f"/{u['county']}/{u['baishi']}/{u['liuhe']}/{u['upper']}/"
    )


def test_a_unit_in_use_says_what_is_left(office: Site) -> None:
    answer = do(office, "office", "unit", office.county.units["baishi"], "abolish", on=TODAY)
    assert answer.status_code == 422 and "项有效授权" in answer.text and "收回" in answer.text


def test_the_page_of_a_unit_tells_people_roles_reach_and_history(office: Site) -> None:
    u, p = office.county.units, office.county.people
    do(
        office,
        "office",
        "unit",
        u["liuhe"],
        "appoint",
        person_id=p["handler"],
        title="纪委副书记",
        held_from="2015-01-01",
    )
    post = one(office, select(Post.id))
    page = office.by("office").get(f"/units/{u['liuhe']}").text
    assert "纪委副书记" in page and "本单位及下属 1 个单位" in page and "在上级单位授予" in page
    do(office, "office", "post", post, "end", on="2016-02-28")
    page = office.by("office").get(f"/units/{u['liuhe']}").text
    assert "历史任职与授权（1 条）" in page and "没有在任人员" in page and "结束任职" in page
    person = office.by("office").get(f"/units/people/{p['handler']}").text
    assert "纪委副书记" in person and "柳河乡" in person
