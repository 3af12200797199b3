"""The whole life of a petition in real browsers: six people work on it by its pages alone, one is named in it."""

import re
from datetime import date
from pathlib import Path

from playwright.sync_api import expect

from services.engine.sweep import sweep_all
from tests.support.cast import County
from tests.web.browsing import Live, choose, pick, submit
from tests.web.walking import Walk

TITLE = "反映柳河乡干部违规发放补贴"
DESKS = ("clerk", "leader", "handler", "office", "checker", "township_clerk")
NAMED = "township_leader"


class Life(Walk):
    """The petition, and who must not know of it."""

    def __init__(self, live: Live) -> None:
        super().__init__(live, *DESKS, NAMED, "supervisor")
        live.browsers.provoked.add(404)  # what he must not see is not there for him

    def waits_for(self, *people: str) -> None:
        """It stands in these worklists and in no other."""
        for who in DESKS:
            row = self.at(who, "/worklist").locator("#list tr", has_text=TITLE)
            expect(row).to_have_count(1 if who in people else 0)
        expect(self.at(NAMED, "/worklist").locator("#list tr")).to_have_count(0)

    def unknown(self) -> None:
        """He finds the other matter of his unit and nothing of this one: not in lists, counts, searches, by address."""
        for path in ("/worklist", "/ledger", "/watching", "/done", "/messages", "/ledger?q=补贴", "/worklist?q=补贴"):
            page = self.at(NAMED, path)
            expect(page.locator("#list")).not_to_contain_text(TITLE)
            expect(page.locator("#list tbody tr")).to_have_count(1 if path == "/ledger" else 0)
        board = self.at(NAMED, "/board")
        expect(board.locator(".kpi", has_text="在办事项").locator(".kpi-n b")).to_have_text("1")
        expect(board.locator("main")).not_to_contain_text(TITLE)
        refused = [self.at(NAMED, path).locator("main").inner_html() for path in (self.address, "/matters/999999")]
        assert len({re.sub("[0-9a-f]{32}", "", text) for text in refused}) == 1


def test_six_people_walk_a_petition_to_its_archive(live: Live, tmp_path: Path) -> None:
    live.on(date(2016, 1, 5))
    _another_of_the_same_unit(live.county)
    life = Life(live)
    _register(life, tmp_path)
    life.waits_for("clerk")
    life.unknown()
    assert life.deadline("clerk", "登记甄别期限") == "2016-01-20"

    submit(life.act("clerk", "受理"), "受理")
    _tell(life, "clerk", "告知受理")
    assert life.deadline("office", "处置意见期限") == "2016-02-05"
    _propose(life, "拟转柳河乡办理")
    life.waits_for("leader")

    live.on(date(2016, 1, 6))
    page = life.act("leader", "退回")
    page.get_by_label("理由").fill("请补充被反映人情况")
    submit(page, "退回")
    life.waits_for("clerk")
    expect(life.at("clerk").locator(".timeline li").first).to_contain_text("请补充被反映人情况")
    _propose(life, "已补充情况，拟转柳河乡办理")

    live.on(date(2016, 1, 7))
    page = life.act("leader", "批准")
    page.get_by_label("说明").fill("同意，抓紧核实")
    submit(page, "批准")
    life.waits_for("handler")
    expect(life.at("handler").locator(".timeline")).to_contain_text("同意，抓紧核实")
    assert life.deadline("handler", "办理期限") == "2016-02-14"

    live.on(date(2016, 2, 5))
    page = life.act("handler", "申请延期")
    page.get_by_label("申请延长").fill("1")
    page.get_by_label("理由").fill("账目跨三个年度")
    submit(page, "申请延期")
    expect(life.at("office").locator(".clocks .asked")).to_have_text("已申请延期，待批准")
    submit(life.act("office", "批准延期"), "批准延期")
    assert life.deadline("handler", "办理期限") == "2016-03-07"
    _explained(life)

    live.on(date(2016, 3, 9))
    assert sweep_all(live.county.database, live.county.engine, live.county.now)["set_aside"] == 0
    _escalated(life)

    page = life.act("handler", "办结")
    choose(page, "result", "属实")
    page.get_by_label("办结日期").fill("2016-03-09")
    page.get_by_label("调查处理情况").fill("多发补贴已全部清退")
    pick(page, "team", "wcb", "王承办")
    pick(page, "team", "fcb", "冯承办")
    submit(page, "办结")
    life.waits_for("checker")
    page = life.act("checker", "复核通过")
    pick(page, "members", "zfh", "周复核")
    pick(page, "members", "wfh", "吴复核")
    page.get_by_label("复核意见").fill("事实清楚")
    submit(page, "复核通过")
    life.waits_for("township_clerk")
    assert life.deadline("clerk", "结果反馈") == "2016-03-30"

    _unsealed(life)
    _tell(life, "township_clerk", "反馈结果")
    life.waits_for("township_clerk")
    page = life.act("township_clerk", "归档")
    page.get_by_label("档案号").fill("2016-XF-001")
    choose(page, "retention", "10年")
    page.get_by_label("页数").fill("36")
    submit(page, "归档")
    life.waits_for()
    _archived(life)
    life.unknown()


def _another_of_the_same_unit(county: County) -> None:
    """Something that the one named may see, so that finding nothing of the petition means that it is kept from him."""
    other = county.walk("accept", summary="反映上河村道路问题")
    clerk, proposal = county.usual("propose")
    county.act(other, "propose", clerk, {**proposal, "petition_class": "major"})
    county.act(other, "approve", *county.usual("approve"))


def _register(life: Life, folder: Path) -> None:
    letter = folder / "举报信.txt"
    letter.write_text("反映多发补贴")
    page = life.at("clerk", "/matters/new")
    page.get_by_role("link", name="信访举报").click()
    page.get_by_label("来源").select_option(label="来信")
    page.get_by_label("收件日期").fill("2016-01-05")
    page.get_by_label("标题").fill(TITLE)
    page.get_by_label("主要内容").fill("反映陈书记多发补贴")
    pick(page, "problem_fields", "津补贴", "违规发放津补贴")
    choose(page, "anonymous", "否")
    sender = page.get_by_role("group", name=re.compile("举报人"))
    sender.get_by_label("姓名").fill("林举报")
    sender.get_by_label("联系电话").fill("13900000000")
    page.locator("[name='a.reported.0.name']").fill("陈书记")
    pick(page, "reported.0.person", "csj", "陈书记")
    page.get_by_label("附件：选择文件").set_input_files(letter)
    expect(page.locator("[data-files] li")).to_contain_text("举报信.txt")
    page.locator(".act-foot").get_by_role("button", name="登记").click()
    expect(page.locator(".receipt-code")).to_have_text(re.compile(r"^(\w{4}-){3}\w$"))
    page.get_by_role("link", name="查看事项").click()
    page.wait_for_url(re.compile(r"/matters/\d+$"))
    life.address = re.sub(r"https?://[^/]+", "", page.url)
    with page.expect_download() as download:
        page.locator(".attached").get_by_role("link", name="举报信.txt").click()
    assert Path(download.value.path()).read_text() == "反映多发补贴"
    for text in ("林举报", "13900000000"):
        expect(page.locator("main")).not_to_contain_text(text)


def _tell(life: Life, who: str, action: str) -> None:
    page = life.act(who, action)
    choose(page, "method", "电话")
    page.get_by_label("告知日期").fill(life.live.county.today.isoformat())
    submit(page, action)


def _propose(life: Life, opinion: str) -> None:
    page = life.act("clerk", "拟处置")
    choose(page, "disposition", "初步核实")
    choose(page, "petition_class", "一般")
    page.get_by_label("定类理由").fill("情况清楚")
    pick(page, "handler_unit", "lhx", "柳河乡")
    page.get_by_label("拟处置意见").fill(opinion)
    submit(page, "拟处置")


def _explained(life: Life) -> None:
    """The date says where it comes from: the nominal day, then the extension, then the working day it rolled to."""
    page = life.at("handler")
    page.locator(".clocks li", has_text="办理期限").get_by_role("button").click()
    reckoning = page.locator("#dialog .reckoning")
    for text in ("2016-02-07", "2016-03-07"):
        expect(reckoning).to_contain_text(text)
    expect(page.locator("#dialog")).to_be_visible()  # it opens after its content has come
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()


def _escalated(life: Life) -> None:
    """Late by two days: raised to the county's office, who answers for it; the supervisor sees that it is open."""
    expect(life.at("handler", "/worklist").locator("#list tr", has_text=TITLE)).to_contain_text("超期 2 天")
    expect(life.at("handler", "/messages").locator("#list")).to_contain_text("已超期2天")
    board = life.at("supervisor", "/board")
    board.get_by_role("link", name="待确认提醒与升级").click()
    for_others = board.locator("#list tr", has_text=TITLE)
    expect(for_others.first).to_contain_text("待收到提醒的人员确认")
    board = life.at("office", "/board")
    mine = board.locator("#mine tr", has_text=TITLE)
    mine.get_by_role("button", name="确认知悉").click()
    board.get_by_label("处理意见").fill("已约谈承办人，限三日办结")
    board.locator("#dialog").get_by_role("button", name="确认知悉").click()
    expect(board.locator("#toasts")).to_contain_text("已确认知悉")
    expect(mine).to_have_count(0)
    expect(life.at("supervisor").locator(".timeline")).to_contain_text("已约谈承办人，限三日办结")
    life.unknown()


def _unsealed(life: Life) -> None:
    """Who complained is told to the one who gives feedback, for a purpose, and to nobody else at all."""
    for who in ("leader", "handler", "checker", "supervisor"):
        page = life.at(who)
        expect(page.locator("main")).not_to_contain_text("林举报")
        if page.locator(".facts").get_by_role("button", name="查看").count():
            page.locator(".facts").get_by_role("button", name="查看").click()
            page.get_by_label("查看用途").fill("了解情况以便办理")
            page.locator("#dialog").get_by_role("button", name="查看").click()
            expect(page.locator("#dialog .alarm")).to_be_visible()
            expect(page.locator("body")).not_to_contain_text("林举报")
    page = life.at("township_clerk")
    page.locator(".facts").get_by_role("button", name="查看").click()
    page.locator("#dialog").get_by_role("button", name="查看").click()
    expect(page.locator("#dialog .wrong")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("林举报")
    page.get_by_label("查看用途").fill("向举报人反馈办理结果")
    page.locator("#dialog").get_by_role("button", name="查看").click()
    expect(page.locator("#dialog")).to_contain_text("林举报")
    page.get_by_role("button", name="看完，关闭").click()
    expect(page.locator(".timeline li").first).to_contain_text("查看密封信息")
    expect(page.locator("body")).not_to_contain_text("林举报")


def _archived(life: Life) -> None:
    page = life.at("clerk")
    expect(page.locator("#matter-head")).to_contain_text("已归档")
    expect(page.locator("#act")).to_contain_text("本事项已办结")
    told = page.locator(".timeline").inner_text()
    walked = ["归档", "反馈结果", "复核通过", "办结", "批准延期", "申请延期", "批准", "拟处置", "退回"]
    places = [told.index(f"{action}\n") for action in walked]
    assert places == sorted(places)
    expect(life.at("clerk", "/done?status=closed").locator("#list")).to_contain_text(TITLE)
    expect(life.at("handler", "/done").locator("#list")).to_contain_text(TITLE)
