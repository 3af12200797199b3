"""A township's case reviewed by the county and decided at home, by clicking: each member votes in his own browser."""

import re
from datetime import date
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support.casework import go_on, open_case
from tests.web.browsing import Live, choose, pick, refused, submit
from tests.web.walking import Walk

LEAD, CO, CROSS = "reviewer", "reviewer2", "baishi_discipline"
SECRETARY, DEPUTY = "township_discipline", "township_discipline2"
PAPERS = ("立案依据", "关键证据", "处理意见", "审查调查报告", "违纪事实见面材料", "乡镇内审意见", "案卷目录")
REASONS = {LEAD: "事实清楚，量纪适当", CO: "同意主审意见", CROSS: "与同类案件一致"}


def test_a_case_is_transferred_reviewed_and_decided(live: Live, tmp_path: Path) -> None:
    case = open_case(live.county)
    go_on(live.county, case, "set_team", "write_report", "sign", "hear_subject")
    walk = Walk(live, SECRETARY, DEPUTY, LEAD, CO, CROSS, "leader", "manager")
    walk.address = case_address = f"/matters/{case}"
    _transfer(walk)

    live.on(date(2016, 3, 3))
    walk.from_worklist(LEAD, "乡案县审：高某案")
    _accept(walk)
    _read(walk)
    _talk(walk, tmp_path)
    _convene(walk)
    _deliberate(walk)

    live.on(date(2016, 3, 10))
    _opinion(walk)

    walk.address = case_address
    walk.stands(SECRETARY, "待提请决定")
    expect(walk.latest(SECRETARY)).to_contain_text("收到审理结果")
    expect(walk.latest(SECRETARY)).to_contain_text("系统 · 县级审理中 → 待提请决定")
    assert walk.deadline(SECRETARY, "集体决定期限") == "2016-04-11"  # 04-10 is a Sunday
    _decide(walk)


def _transfer(walk: Walk) -> None:
    page = walk.act(SECRETARY, "移送审理")
    page.get_by_label("立案依据").fill("初核属实")
    page.get_by_label("关键证据").fill("账册、证人证言")
    choose(page, "proposed_sanction", "警告")
    submit(page, "移送审理")
    walk.stands(DEPUTY, "县级审理中")
    expect(walk.at(DEPUTY).locator(".clocks li", has_text="审查调查期限")).to_contain_text("已中止")


def _accept(walk: Walk) -> None:
    """Not without every paper on the list; what is ticked stays ticked."""
    page = walk.act(LEAD, "受理")
    for paper in PAPERS[:-1]:
        choose(page, "present", paper)
    refused(page, "受理", "材料未齐备")
    expect(page.locator("#act input:checked")).to_have_count(len(PAPERS) - 1)
    choose(page, "present", PAPERS[-1])
    submit(page, "受理")
    walk.stands("leader", "待定主协审")
    assert walk.deadline("leader", "审理期限") == "2016-04-05"  # 04-03 is a Sunday, 04-04 a holiday
    page = walk.act("leader", "确定主协审")
    pick(page, "lead_reviewer", "cs", "陈审理")
    pick(page, "co_reviewer", "褚审", "褚审理")
    submit(page, "确定主协审")


def _read(walk: Walk) -> None:
    """Each reads for himself; what one wrote is kept from the other until both are done."""
    page = walk.act(LEAD, "阅卷意见")
    page.get_by_label("阅卷笔录").fill("摘录账册第三页")
    page.locator("[name='a.opinion']").fill("主审认为事实清楚")
    submit(page, "阅卷意见")
    refused(walk.act(LEAD, "阅卷完毕"), "阅卷完毕", "主审人、协审人均须提交阅卷意见")
    card = walk.panel(CO, "主协审阅卷")
    expect(card).to_contain_text("1/2")
    expect(card).not_to_contain_text("主审认为事实清楚")
    page = walk.act(CO, "阅卷意见")
    page.get_by_label("阅卷笔录").fill("核对证言")
    page.locator("[name='a.opinion']").fill("协审同意")
    submit(page, "阅卷意见")
    submit(walk.act(LEAD, "阅卷完毕"), "阅卷完毕")
    expect(walk.panel(CO, "主协审阅卷")).to_contain_text("主审认为事实清楚")


def _talk(walk: Walk, folder: Path) -> None:
    """The signed record is uploaded as soon as it is chosen, and hangs on the matter afterwards."""
    record = folder / "审理谈话笔录.txt"
    record.write_text("问：……答：……")
    page = walk.act(LEAD, "审理谈话")
    page.get_by_label("谈话日期").fill("2016-03-03")
    page.get_by_label("谈话地点").fill("县纪委谈话室")
    pick(page, "talkers", "陈", "陈审理")
    pick(page, "talkers", "褚审", "褚审理")
    page.get_by_label("谈话笔录（附件）：选择文件").set_input_files(record)
    expect(page.locator("[data-files] li")).to_contain_text("审理谈话笔录.txt")
    choose(page, "signed", "是")
    page.get_by_label("被审查人的申辩").fill("系家庭困难所致")
    submit(page, "审理谈话")
    expect(walk.at(CO).locator(".attached")).to_contain_text("审理谈话笔录.txt")


def _convene(walk: Walk) -> None:
    page = walk.act(LEAD, "召集审议")
    page.get_by_label("审议日期").fill("2016-03-03")
    page.get_by_role("button", name="添加交叉审理人员").click()
    pick(page, "cross_members.0.person", "吕", "吕纪委")
    pick(page, "cross_members.0.unit", "白石", "白石镇")
    submit(page, "召集审议")
    walk.stands("leader", "集体审议")


def _deliberate(walk: Walk) -> None:
    """Who has spoken is known to all, what he said to nobody but him until it is over."""
    for nth, (who, reason) in enumerate(REASONS.items()):
        walk.cannot("leader", "发表意见")
        expect(walk.panel("leader", "集体审议")).to_contain_text(f"{nth}/3")
        page = walk.act(who, "发表意见")
        choose(page, "stance", "同意")
        page.get_by_label("理由").fill(reason)
        submit(page, "发表意见")
        expect(walk.panel(who, "集体审议")).to_contain_text(reason)
        kept_from = {CO, CROSS} - {who} if nth < 2 else set()  # reviewers may conclude, and know once all have spoken
        for other in ("leader", *kept_from):
            expect(walk.at(other).locator("main")).not_to_contain_text(reason)
    card = walk.panel("leader", "集体审议")
    expect(card.locator(".tag", has_text="已表态")).to_have_count(3)
    expect(card).to_contain_text("环节结束后可见他人意见")
    submit(walk.act(LEAD, "形成结论"), "形成结论")
    card = walk.panel("leader", "集体审议")
    expect(card).to_contain_text("意见：同意 3")
    for reason in REASONS.values():
        expect(card).to_contain_text(reason)


def _opinion(walk: Walk) -> None:
    page = walk.act("leader", "出具审核意见")
    page.get_by_label("审核意见").fill("同意给予警告处分")
    refused(page, "出具审核意见", "请先完成“质量点评”")
    page = walk.act(LEAD, "质量点评")
    for name in ("facts", "evidence", "character", "proportion", "procedure", "file"):
        page.locator(f"[name='a.{name}']").fill("90")
    page.locator("[name='a.comment']").fill("总体较好")
    submit(page, "质量点评")
    page = walk.act("leader", "出具审核意见")
    page.get_by_label("审核意见").fill("同意给予警告处分")
    submit(page, "出具审核意见")
    assert walk.deadline(LEAD, "审核意见反馈") == "2016-03-17"
    page = walk.act(LEAD, "反馈并归档")
    page.get_by_label("反馈日期").fill("2016-03-10")
    choose(page, "method", "书面")
    page.get_by_label("接收人").fill("柳河乡纪委")
    page.get_by_label("档案号").fill("审2016-1")
    submit(page, "反馈并归档")
    walk.stands("leader", "已归档")


def _decide(walk: Walk) -> None:
    """Two sit in the township's discipline organ; a majority is more than one of them."""
    page = walk.act(SECRETARY, "提请集体决定")
    choose(page, "sanction", "警告")
    page.get_by_label("认定的事实").fill("截留低保金3000元")
    page.get_by_label("处分依据").fill("条例第一百一十二条")
    submit(page, "提请集体决定")
    walk.stands(DEPUTY, "乡镇纪委审议")
    for who, opinion in ((SECRETARY, "同意拟处理意见"), (DEPUTY, "处分适当")):
        walk.cannot("manager", "表决")
        page = _decision(walk, SECRETARY)
        refused(page, "作出决定", "表决人数未达到规定要求")
        page = walk.act(who, "表决")
        choose(page, "position", "同意")
        page.get_by_label("意见", exact=True).fill(opinion)
        submit(page, "表决")
        expect(walk.panel("manager", "集体表决")).not_to_contain_text(opinion)
    submit(_decision(walk, SECRETARY), "作出决定")
    walk.stands("manager", "执行和回访")
    expect(walk.panel("manager", "集体表决")).to_contain_text("表决：同意 2")
    due = {title: walk.deadline(SECRETARY, title) for title in ("宣布处分期限", "执行处分期限", "处分影响期")}
    assert due == {"宣布处分期限": "2016-04-11", "执行处分期限": "2016-04-11", "处分影响期": "2017-03-10"}
    told = walk.at("manager").locator(".timeline").inner_text()
    walked = ["作出决定", "表决", "提请集体决定", "收到审理结果", "移送审理"]
    places = [re.search(rf"^{action}$", told, re.M) for action in walked]
    assert [p.start() for p in places if p] == sorted(p.start() for p in places if p)
    assert all(places)


def _decision(walk: Walk, who: str) -> Page:
    page = walk.act(who, "作出决定")
    page.get_by_label("决定日期").fill("2016-03-10")
    page.get_by_label("文号").fill("柳纪〔2016〕1号")
    return page
