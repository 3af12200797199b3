"""Rectifications, tasks, accountability and its reports, and scores in the demo county."""

from datetime import timedelta

from services.demo.places import COUNTY
from services.demo.telling import Story, Teller

CONDUCT, CONDUCT_HEAD, LEADER = "yanhui", "songliqun", "guchanghe"


def rectified(teller: Teller, upto: str, unit: str) -> Story:
    """A problem found, put right with evidence, verified and struck off by others."""
    head, today = _head(teller, unit), teller.today
    answers = {
        "source": "covert_check", "level": "moderate", "handler_unit": teller.county.units[unit],
        "problem": "便民服务窗口上班时间无人值守，办事指南未更新。", "found_on": today.isoformat(),
    }  # fmt: skip
    problem = teller.open("rectification", CONDUCT, COUNTY, answers).matter_id
    if upto == "issued":
        return
    yield 2
    measure = {
        "content": "落实首问负责，更新办事指南，每周抽查一次。", "responsible": teller.county.people[head],
        "by": (teller.today + timedelta(days=25)).isoformat(),
    }  # fmt: skip
    teller.act(problem, "plan", head, {"measures": [measure], "goal": "窗口在岗率百分之百。"})
    yield 3
    teller.act(problem, "note_progress", head, {"content": "已公布首问责任人名单，办事指南正在印制。"})
    if upto == "rectifying":
        return
    yield 4
    evidence = [teller.upload(head, "整改照片说明.txt", f"{unit} {problem} 窗口整改前后对照")]
    teller.act(problem, "submit", head, {"done": "窗口已按时值守，办事指南已更新上墙。", "evidence": evidence})
    if upto == "verification":
        return
    yield 2
    verified = {"verified_on": teller.today.isoformat(), "opinion": "现场核查三次，均有人值守。"}
    teller.act(problem, "verify", CONDUCT, verified)
    yield 1
    teller.act(problem, "strike_off", CONDUCT_HEAD, {"opinion": "同意销号。", "return_inspection": True})


def assigned(teller: Teller, upto: str, unit: str) -> Story:
    """A task of the year, signed for by the head of the unit."""
    head, due = _head(teller, unit), teller.today + timedelta(days=45)
    answers = {
        "summary": f"{teller.today.year}年党风廉政建设年度任务", "kind": "regular", "due_on": due.isoformat(),
        "demand": "制定清单，逐项明确责任人和时限，年底前自查报告。", "handler_unit": teller.county.units[unit],
    }  # fmt: skip
    task = teller.open("task", "lujing", COUNTY, answers).matter_id
    if upto == "issued":
        return
    yield 1
    signed = {"handler": teller.county.people[head], "measures": "成立工作小组，按月推进。"}
    teller.act(task, "sign_for", head, signed)
    yield 4
    teller.act(task, "note_progress", head, {"content": "已完成第一阶段自查，列出问题四项。"})


def reported_on(teller: Teller, upto: str, unit: str) -> Story:
    """The head of a unit reports in person, is questioned, and is being rated in secret."""
    head, people = _head(teller, unit), teller.county.people
    answers = {
        "year": teller.today.year, "unit": teller.county.units[unit], "subject": people[head], "duty": "primary",
        "mode": "concentrated", "planned_on": teller.today.isoformat(),
        "report_by": (teller.today + timedelta(days=20)).isoformat(),
    }  # fmt: skip
    report = teller.open("accountability_report", CONDUCT, COUNTY, answers).matter_id
    if upto == "planned":
        return
    yield 4
    said = {
        "responsibility": "专题研究党风廉政建设四次，约谈十六人次。",
        "integrity": "本人及家属无违规经商办企业情况。",
    }
    teller.act(report, "submit", head, said)
    yield 3
    raters = [
        {"group": "service_users", "people": _ids(teller, "kangning", "tongwei", "fangwen", "yexiaohe")},
        {"group": _first_group(teller), "people": _ids(teller, "hezhiyuan", "liangyu", "shaoqiming")},
    ]
    asked = [{"question": "惠民补贴公示为何滞后？", "answer": "因汇总口径调整，现已补齐并上墙公示。"}]
    teller.act(report, "question", CONDUCT, {
        "held_on": teller.today.isoformat(), "questions": asked, "raters": raters, **_attending(teller),
    })  # fmt: skip
    yield 1
    for rater, level in (("hezhiyuan", "good"), ("liangyu", "excellent"), ("kangning", "good"), ("fangwen", "fair")):
        teller.act(report, "vote", rater, {"responsibility": level, "integrity": "good"})


def scored(teller: Teller, upto: str, unit: str) -> Story:
    """Points proposed, confirmed by another, open to objection, counted when nobody objected."""
    answers = {
        "period": str(teller.today.year), "unit": teller.county.units[unit], "item": "bulletin_criticism",
        "reason": "明察暗访发现窗口无人值守，被全县通报批评。",
    }  # fmt: skip
    score = teller.open("score", CONDUCT, COUNTY, answers).matter_id
    if upto == "proposed":
        return
    yield 1
    teller.act(score, "confirm", CONDUCT_HEAD, {"opinion": "情况属实，同意计分。"})


def accountable(teller: Teller, upto: str, unit: str) -> Story:
    """Whether the head of a unit answers for what happened there: people judge, inquire, decide."""
    answers = {
        "summary": "监督责任落实不力", "subject_unit": teller.county.units[unit], "subject_name": "钱某",
        "subject_post": "分管负责人", "responsibility": "supervisory", "trigger": _first(teller, "triggers"),
        "facts": "一年内该单位两名工作人员因同类问题受到处分，未开展警示教育。",
    }  # fmt: skip
    matter = teller.open("accountability", CONDUCT, COUNTY, answers).matter_id
    if upto == "candidate":
        return
    yield 2
    teller.act(matter, "propose_inquiry", CONDUCT, {"reason": "情形符合问责条件，建议调查。"})
    yield 1
    teller.act(matter, "approve_inquiry", LEADER, {"note": "同意调查。"})
    team = {"members": _ids(teller, "songliqun", "kangning"), "plan": "查阅会议记录，谈话了解。"}
    teller.act(matter, "set_team", CONDUCT, team)


def _head(teller: Teller, unit: str) -> str:
    return teller.county.logins("unit_head", unit)[0]


def _ids(teller: Teller, *logins: str) -> list[int]:
    return [teller.county.people[login] for login in logins]


def _first(teller: Teller, codes: str) -> str:
    """The first code of a list of the policy on accountability: packs have their own."""
    return next(iter(teller.engine.registry.current("accountability", teller.today).policy.codes(codes)))


def _first_group(teller: Teller) -> str:
    return next(iter(_report_codes(teller, "rater_groups")))


def _attending(teller: Teller) -> dict[str, int]:
    """Whoever guides the meeting, where the pack asks for one."""
    asked = "committee_member" in _report_codes(teller, "meeting_requirements")
    return {"attended_by": teller.county.people[LEADER]} if asked else {}


def _report_codes(teller: Teller, name: str) -> dict[str, str]:
    return teller.engine.registry.current("accountability_report", teller.today).policy.codes(name)
