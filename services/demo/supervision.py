"""Supervision in the demo county: orders issued by a rung or by hand, spot checks, acknowledgements."""

from services.demo.beginnings import VERIFIED, accepted
from services.demo.cases import Case
from services.demo.places import COUNTY
from services.demo.telling import Story, Teller, wait_until
from services.engine.acknowledging import acknowledge, waiting_for


def supervised(teller: Teller, overdue_since: int, upto: str) -> Story:
    """Overdue until a rung opens supervised handling; that is then taken as far as `upto`."""
    case = Case(teller)
    yield from accepted(case)
    yield 1
    case.propose(VERIFIED, "date_given", teller.workday(-overdue_since))
    yield 1
    case.approve()
    yield from wait_until(teller.workday(-overdue_since + 4), teller)
    (order,) = teller.linked_to(case.id, "supervises")
    if upto == "issued":
        return
    handler = teller.one_of("handler", case.unit)
    signed = {"handler": teller.county.people[handler], "measures": "成立专班，三日内完成账目核对。"}
    teller.act(order, "sign_for", teller.one_of("unit_leader", case.unit), signed)
    yield 1
    teller.act(order, "note_progress", handler, {"content": "账目核对完成，正在形成报告。"})
    if upto == "handling":
        return
    yield 1
    case.complete()
    teller.act(order, "ask_strike_off", handler, {"done": "已办结并报送报告。"})
    if upto == "verification":
        return
    yield 1
    teller.act(order, "verify", teller.one_of("supervisor", COUNTY), {"opinion": "查看了佐证材料，情况属实。"})
    teller.act(order, "strike_off", teller.one_of("county_office", COUNTY), {"opinion": "同意销号。"})


def checked(teller: Teller, case: Case, upto: str) -> Story:
    """A spot check of a finished petition, by two people who did not handle it."""
    office, members = teller.one_of("county_office", COUNTY), teller.county.logins("rechecker", COUNTY)
    answers = {
        "summary": "函询了结情况抽查", "kind": "clean_reply", "subject": case.id,
        "drawn_on": teller.today.isoformat(), "sample": "信访室抽取",
    }  # fmt: skip
    check = teller.open("spot_check", office, COUNTY, answers).matter_id
    if upto == "drawn":
        return
    yield 1
    team = {"members": [teller.county.people[login] for login in members], "plan": "查阅函询材料，走访知情人。"}
    teller.act(check, "set_team", office, team)
    if upto == "checking":
        return
    yield 4
    finding = {"result": "confirmed", "quality": 88, "summary": "函询说明与核实情况一致。"}
    teller.act(check, "report", members[0], finding)
    if upto == "review":
        return
    yield 1
    teller.act(check, "confirm", office, {"opinion": "同意核实结论。"})


def ordered(teller: Teller, source: str, upto: str) -> Story:
    """Supervised handling issued by hand."""
    unit = teller.rng.choice(("water", "housing", "baishi", "hekou"))
    answers = {
        "summary": "群众反映集中问题限期整改", "demand": "请在期限内查清并报告整改情况。", "source": source,
        "handler_unit": teller.county.units[unit],
    }  # fmt: skip
    order = teller.open("supervised_handling", "songliqun", COUNTY, answers).matter_id
    if upto == "issued":
        return
    yield 1
    handler = teller.one_of("handler", unit)
    signed = {"handler": teller.county.people[handler], "measures": "逐项排查，建立台账。"}
    teller.act(order, "sign_for", teller.one_of("unit_leader", unit), signed)
    if upto == "handling":
        return
    yield 3
    teller.act(order, "ask_strike_off", handler, {"done": "问题已整改到位。"})
    if upto == "verification":
        return
    yield 1
    teller.act(order, "verify", teller.one_of("supervisor", COUNTY), {"opinion": "现场核验，问题已整改。"})
    teller.act(order, "strike_off", "lujing", {"opinion": "同意销号。"})


def acknowledged_by(teller: Teller, login: str) -> Story:
    """Somebody who looks through what was escalated to him every third working day."""
    while True:
        yield 3
        actor = teller.actor(login)
        for rung in waiting_for(teller.session, teller.engine, actor, teller.now):
            acknowledge(teller.session, teller.engine, rung.id, actor, teller.now, "已知悉，正在督促办理。")
