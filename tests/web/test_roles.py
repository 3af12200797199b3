"""角色与权限: the matrix, who holds what, delegations, the record with its export, and why."""

import re
from datetime import date
from io import BytesIO

import pytest
from openpyxl import load_workbook

from services.identity.people import delegate, grant
from tests.support.dump import dump
from tests.web.site import Site

TODAY = "2016-03-01"
PAGES = ["/roles", "/roles/holders", "/roles/delegations", "/roles/log", "/roles/log/export", "/roles/why"]


@pytest.fixture
def admins(site: Site) -> Site:
    """`office` administers the county, `township_clerk` 柳河乡."""
    with site.county.database.write() as session:
        for who, unit in (("office", "county"), ("township_clerk", "liuhe")):
            grant(session, site.county.people[who], "admin", site.county.units[unit], date(2010, 1, 1), None, "测试")
    return site


def test_who_has_no_business_here_is_refused(admins: Site) -> None:
    admins.by("clerk"), admins.by("supervisor")
    before = dump(admins.county.database)
    for path in PAGES:
        answer = admins.by("clerk").get(path)
        assert answer.status_code == 403 and "没有权限" in answer.text, path
    for path in PAGES[1:5]:
        assert admins.by("supervisor").get(path).status_code == 403, path
    assert dump(admins.county.database) == before
    assert 'href="/roles"' in admins.by("supervisor").get("/profile").text
    assert 'href="/roles"' not in admins.by("clerk").get("/profile").text


def test_the_matrix_says_what_the_policy_says(admins: Site) -> None:
    page = admins.by("office").get("/roles").text
    policy = admins.county.engine.registry.current("petition", admins.county.today).policy
    titles = admins.county.engine.registry.pack.roles
    heads = re.findall(r'<th scope="col">([^<]+)</th>', page)[1:]
    for action, roles in policy.roles.items():
        title = admins.county.engine.registry.procedures["petition"].actions[action].title
        row = re.search(rf'<th scope="row">{title}(<small>|</th>).*?</tr>', page, re.S)
        assert row, title
        cells = re.findall(r"<td>(.*?)</td>", row[0], re.S)
        may = {heads[i] for i, cell in enumerate(cells) if "可以" in cell}
        assert may == {titles[role] for role in roles if role != "system"}, title
    assert "上一步办理人本人" in page and "2016-02-16 起（现行）" in page
    assert admins.by("office").get("/roles?procedure=spot_check").status_code == 200
    assert "2017-01-01 起" in admins.by("office").get("/roles?version=2017-01-01").text


def test_who_holds_what_where_on_which_day(admins: Site) -> None:
    county, browser = admins.county, admins.by("office")

    def names(query: str) -> set[str]:
        page = browser.get(f"/roles/holders{query}", headers={"HX-Request": "true"}).text
        return set(re.findall(r'href="/units/people/\d+">([^<]+)</a>', page))

    assert names("?role=handler") == {"王承办", "冯承办", "卫承办"}
    assert names(f"?role=handler&unit={county.units['upper']}") == {"王承办", "冯承办"}
    assert names("?q=wcb") == {"王承办", "卫承办"}
    assert names("?role=handler&on=2009-01-01") == set()
    own = admins.by("township_clerk").get("/roles/holders").text
    assert "王承办" in own and "卫承办" not in own and "孙领导" not in own


def test_long_lists_come_in_pages_that_neither_repeat_nor_skip(admins: Site) -> None:
    county = admins.county
    with county.database.write() as session:
        for number in range(55):
            grant(session, county.people["nobody"], f"role_{number}", county.units["county"], county.today, None, "测")
    seen: list[str] = []
    path = "/roles/holders"
    while path:
        page = admins.by("office").get(path, headers={"HX-Request": "true"}).text
        seen += re.findall(r"/units/do/grant/(\d+)/end", page)
        following = re.search(r'href="(/roles/holders\?cursor=\d+)"', page)
        path = following[1] if following else ""
    assert len(seen) == len(set(seen)) and len(seen) >= 55 + 16


def test_delegations_in_force_and_over(admins: Site) -> None:
    county = admins.county
    with county.database.write() as session:
        a, b = county.people["leader"], county.people["clerk"]
        delegate(session, a, b, county.today, county.today, "出差", None)
        delegate(session, b, a, date(2015, 1, 1), date(2015, 1, 9), "休假", None)
    page = admins.by("office").get("/roles/delegations").text
    running, over = page.split("已到期或已撤销的委托（1 条）")
    assert "出差" in running and "休假" not in running and "休假" in over


def test_the_record_is_filtered_told_in_words_and_exported(admins: Site) -> None:
    liuhe = admins.county.units["liuhe"]
    admins.post("office", f"/units/do/unit/{liuhe}/rename", {"a.name": "柳河镇"})
    admins.post("office", f"/units/do/unit/{admins.county.units['baishi']}/rename", {"a.name": "=白石()"})
    page = admins.by("office").get("/roles/log").text
    assert "<del>柳河乡</del><ins>柳河镇</ins>" in page and "单位更名" in page and "李主任" in page
    only = admins.by("office").get(f"/roles/log?unit={liuhe}", headers={"HX-Request": "true"}).text
    assert "柳河镇" in only and "白石" not in only
    assert "没有符合条件的记录" in admins.by("office").get("/roles/log?action=role_granted").text
    own = admins.by("township_clerk").get("/roles/log", headers={"HX-Request": "true"}).text
    assert "柳河镇" in own and "白石" not in own
    answer = admins.by("office").get("/roles/log/export")
    sheet = load_workbook(BytesIO(answer.content)).active
    rows = list(sheet.iter_rows(values_only=True))
    assert [row[6] for row in rows[1:]] == ["名称：白石镇 → =白石()", "名称：柳河乡 → 柳河镇"]
    assert sheet.freeze_panes == "A2"


def test_why_is_told_step_by_step_and_only_to_who_may_know(admins: Site) -> None:
    matter = admins.county.walk("accept", reported=[{"name": "孙领导", "post": "副书记"}])
    path = f"/roles/why?person={admins.county.people['leader']}&matter={matter}"
    page = admins.by("office").get(path).text
    assert "应回避" in page and "孙领导" in page
    assert admins.by("leader").get(path).status_code == 404
    assert admins.by("checker").get(path).status_code == 403
    clerk = admins.by("office").get(f"/roles/why?person={admins.county.people['clerk']}&matter={matter}").text
    assert "具有所需角色：信访员" in clerk and "在清河县担任信访员" in clerk


def test_an_administrator_without_a_viewing_role_finds_no_matter(site: Site) -> None:
    matter = site.county.walk("accept")
    with site.county.database.write() as session:
        grant(session, site.county.people["nobody"], "admin", site.county.units["county"], date(2010, 1, 1), None, "测")
    answer = site.by("nobody").get(f"/roles/why?person={site.county.people['clerk']}&matter={matter}")
    assert answer.status_code == 404
    assert "不能查看任何事项" in site.by("nobody").get("/roles/why").text
