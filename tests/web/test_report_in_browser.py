"""An accountability report by clicking: plan, own report, questioning, a secret ballot, comment, score counted."""

from datetime import date

from playwright.sync_api import Locator, Page, expect

from services.engine.sweep import sweep_all
from tests.web.browsing import Live, choose, pick, refused, submit
from tests.web.walking import Walk

SUBJECT = "township_committee"
VOTERS = {"standing1": "优秀", "standing2": "良好", "clerk": "良好", "clerk2": "一般"}
"""Two of three of the committee, two of three of the branch; the committee weighs 40, the branch 30."""
GROUPS = {
    "党委（党组）班子成员": (("卫常", "卫常委"), ("蒋常", "蒋常委"), ("沈常", "沈常委")),
    "党支部党员": (("赵信", "赵信访"), ("钱信", "钱信访"), ("郑案", "郑案管")),
}  # fmt: skip


def test_a_report_is_given_rated_commented_and_counted(live: Live) -> None:
    walk = Walk(live, "conduct", "conduct2", SUBJECT, "leader", *VOTERS)
    _plan(walk)
    _report(walk)
    _question(walk)
    _vote(walk)
    _conclude(walk)

    score = walk.at("conduct2").locator(".linked li", has_text="考核计分").get_by_role("link")
    score.click()
    walk.take_address(walk.pages["conduct2"])
    page = walk.act("leader", "确认计分")
    page.get_by_role("textbox").first.fill("与测评结果一致")
    refused(page, "确认计分", "提出人不得确认同一计分")
    page = walk.act("conduct2", "确认计分")
    page.get_by_role("textbox").first.fill("与测评结果一致")
    submit(page, "确认计分")
    walk.stands(SUBJECT, "异议期")
    assert walk.deadline(SUBJECT, "异议期") == "2016-03-08"
    expect(_figures(walk)).not_to_contain_text("86.07")  # listed, and not counted before its window is over

    live.on(date(2016, 3, 10))
    assert sweep_all(live.county.database, live.county.engine, live.county.now)["set_aside"] == 0
    walk.stands("conduct2", "已计分")
    expect(_figures(walk)).to_contain_text("86.07")


def _figures(walk: Walk) -> Locator:
    """The figures that the page of scores tells a supervisor of the subject."""
    return walk.at("conduct", "/scores?period=2016-H1").locator("details.score", has_text="何书记").locator("summary")


def _plan(walk: Walk) -> None:
    page = walk.at("conduct", "/worklist")
    page.get_by_role("navigation", name="功能").get_by_role("link", name="登记新事项").click()
    page.get_by_role("link", name="述责述廉").click()
    choose(page, "mode", "集中述")
    page.get_by_label("述评提交期限").fill("2016-06-30")
    page.get_by_label("年度").fill("2016")
    pick(page, "unit", "lhx", "柳河乡")
    pick(page, "subject", "何书", "何书记")
    choose(page, "duty", "主体责任")
    page.get_by_label("列入计划日期").fill("2016-03-01")
    page.locator(".act-foot").get_by_role("button", name="登记").click()
    page.get_by_role("link", name="查看事项").click()
    walk.take_address(page)
    assert walk.deadline("conduct", "述评提交期限") == "2016-06-30"


def _report(walk: Walk) -> None:
    """It waits for the subject, and nobody else can hand it in for him."""
    walk.cannot("conduct", "个人述评")
    walk.from_worklist(SUBJECT, "2016年述责述廉")
    page = walk.act(SUBJECT, "个人述评")
    page.get_by_label("述责：履行责任情况").fill("与班子成员签订责任书")
    page.get_by_label("述廉：廉洁自律情况").fill("没有违反廉洁纪律")
    submit(page, "个人述评")
    walk.stands("conduct", "待询评")
    expect(walk.at("conduct").locator("main")).to_contain_text("与班子成员签订责任书")


def _question(walk: Walk) -> None:
    """Two groups of raters, each a row with a list of people in it."""
    page = walk.act("conduct", "大会询评")
    page.get_by_label("述职大会日期").fill("2016-03-01")
    page.locator("[name='a.questions.0.question']").fill("账目公开了吗")
    page.locator("[name='a.questions.0.answer']").fill("已公开")
    pick(page, "attended_by", "韩书", "韩书记")
    page.get_by_role("button", name="添加测评人员").click()
    for row, (group, people) in enumerate(GROUPS.items()):
        choose(page, f"raters.{row}.group", group)
        for typed, name in people:
            pick(page, f"raters.{row}.people", typed, name)
    submit(page, "大会询评")
    walk.stands("conduct", "测评中")
    assert walk.deadline("conduct", "民主测评期限") == "2016-03-15"


def _vote(walk: Walk) -> None:
    """The page says that it is anonymous; all learn who took part, nobody what he chose."""
    refused(walk.act("conduct", "结束测评"), "结束测评", "测评人数未达到规定")
    for nth, (who, level) in enumerate(VOTERS.items()):
        walk.from_worklist(who, "2016年述责述廉")
        expect(walk.panel(who, "民主测评")).to_contain_text(f"{nth}/6")
        page = walk.act(who, "民主测评")
        expect(page.locator("#act")).to_contain_text("匿名")
        for field in ("responsibility", "integrity"):
            choose(page, field, level)
        submit(page, "民主测评")
        expect(page.locator("#act").get_by_role("button", name="民主测评")).to_have_count(0)
        _tells_no_ballot(walk.at("conduct"))
        _tells_no_ballot(walk.at(who))
    card = walk.panel("conduct", "民主测评")
    expect(card).to_contain_text("4/6")
    expect(card).to_contain_text("匿名测评，不显示个人填写情况")
    walk.cannot(SUBJECT, "结束测评")
    submit(walk.act("conduct", "结束测评"), "结束测评")
    walk.stands("leader", "待点评")
    expect(walk.panel("leader", "民主测评")).to_contain_text("党委（党组）班子成员2/3")


def _tells_no_ballot(page: Page) -> None:
    """The timeline has who took part, the card how many: neither what anybody chose."""
    for level in set(VOTERS.values()):
        expect(page.locator("#aside")).not_to_contain_text(level)
    for name in ("卫常委", "蒋常委", "赵信访", "钱信访"):
        expect(page.locator("#aside .panel")).not_to_contain_text(name)


def _conclude(walk: Walk) -> None:
    page = walk.act("leader", "组织点评")
    page.locator("[name='a.comment']").fill("总体较好，公开不及时")
    if not page.locator("[name='a.findings.0.problem']").count():
        page.get_by_role("button", name="添加需整改的问题").click()
    page.locator("[name='a.findings.0.problem']").fill("村级账目未按月公开")
    choose(page, "findings.0.level", "轻微")
    submit(page, "组织点评")
    walk.stands("conduct", "整改中")
    page = walk.at("conduct")
    expect(page.locator("main")).to_contain_text("86.07")
    linked = page.locator(".linked")
    expect(linked.locator("li", has_text="整改：村级账目未按月公开")).to_contain_text("待定方案")
    expect(linked.locator("li", has_text="考核计分")).to_contain_text("待确认")
