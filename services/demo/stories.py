"""Ordinary lives of petitions in the demo county. A story yields working days to wait; one that ends stays there."""

from services.demo.beginnings import CLOSED, HELD, INQUIRED, VERIFIED, accepted, handled, proposed
from services.demo.cases import Case, handled_at_county, handled_by_department
from services.demo.supervision import checked
from services.demo.telling import Story, Teller, wait_until


def registered(teller: Teller) -> Story:
    Case(teller).register()
    yield from ()


def triage(teller: Teller) -> Story:
    yield from accepted(Case(teller))


def approval(teller: Teller) -> Story:
    yield from proposed(Case(teller), VERIFIED)


def never_told(teller: Teller) -> Story:
    """A named petition whose acceptance notice was forgotten: the duty runs out while the handling goes on."""
    case = Case(teller, named=True)
    case.register()
    yield 2
    case.accept()
    yield 3
    case.propose(VERIFIED, "complex")
    yield 1
    case.approve()


def handling(teller: Teller, *, petition_class: str = "complex", notes: int = 1) -> Story:
    case = Case(teller) if petition_class != "complex" else handled_by_department(Case(teller))
    yield from handled(case, VERIFIED, petition_class)
    yield 0
    case.claim()
    for _ in range(notes):
        yield 2
        case.progress()


def due_in(teller: Teller, days: int) -> Story:
    """With a date given that lies so many working days after the end; already past when negative."""
    case = Case(teller)
    yield from accepted(case)
    yield 1
    case.propose(VERIFIED, "date_given", teller.workday(days))
    yield 1
    case.approve()
    yield 2
    case.progress()
    if days < 0:
        yield from wait_until(teller.workday(days - 1), teller)
        case.urge("时限将至，请抓紧办结。")


def extended(teller: Teller, decision: str | None) -> Story:
    """More time asked for, then granted, refused, or still waiting for a decision."""
    case = Case(teller)
    yield from handled(case, VERIFIED, "general")
    yield 3
    case.ask_extension()
    if decision is None:
        return
    yield 1
    if decision == "grant_extension":
        case.by_county_leader(decision, note="同意延期。")
    else:
        case.by_county_leader(decision, reason="理由不充分，请按期办结。")


def suspended(teller: Teller, *, resumed: bool = False) -> Story:
    case = Case(teller)
    yield from handled(case, VERIFIED, "complex")
    yield 2
    case.by_office("suspend", reason="等待司法鉴定意见。")
    if resumed:
        yield 5
        case.by_office("resume", reason="鉴定意见已收到。")
        yield 1
        case.progress("根据鉴定意见继续核实。")


def held(teller: Teller, onward: str | None = None) -> Story:
    case = Case(teller)
    yield from handled(case, HELD, "general")
    if onward == "take_up":
        yield 6
        case.by_clerk("take_up", reason="收到新的反映材料。")
    elif onward == "close_held":
        yield 6
        case.by_leader("close_held", reason="无可查性，转了结。")


def closed(teller: Teller) -> Story:
    yield from handled(Case(teller), CLOSED, "general")


def inquiry(teller: Teller) -> Story:
    yield from handled(Case(teller), INQUIRED, "general")


def inquired(teller: Teller, *, checked_upto: str | None = None) -> Story:
    """Answered by letter or talk and completed; a clean reply may then be spot-checked as far as `checked_upto`."""
    case = Case(teller)
    yield from handled(case, INQUIRED, "general")
    yield 4
    case.reply(no_problem=checked_upto is not None or teller.rng.random() < 0.5)
    yield 2
    case.complete()
    if checked_upto is not None:
        yield 2
        yield from checked(teller, case, checked_upto)


def whole(teller: Teller, upto: str = "archived", *, at_county: bool = False) -> Story:
    """From registration to the archive, or as far as `upto`."""
    case = handled_at_county(Case(teller)) if at_county else Case(teller)
    yield from handled(case, VERIFIED, "general")
    yield 3
    case.progress()
    yield 5
    case.complete()
    if not at_county:
        if upto == "recheck":
            return
        yield 2
        case.recheck(passed=upto != "failed")
        if upto == "failed":
            return
    if upto == "feedback":
        return
    yield 2
    case.feed_back()
    if upto == "filing":
        return
    yield 3
    case.archive()
