"""Less ordinary lives: returned, withdrawn, split, refused, repeated, recused."""

from services.demo import subjects
from services.demo.beginnings import CLOSED, VERIFIED, accepted, handled
from services.demo.cases import Case, handled_at_county
from services.demo.telling import Story, Teller


def returned(teller: Teller, *, again: bool) -> Story:
    """The leader sends the proposal back; the same clerk may then propose anew."""
    case = Case(teller)
    yield from accepted(case)
    yield 1
    clerk = teller.one_of("petition_clerk", case.desk)
    proposal = {
        "disposition": VERIFIED, "petition_class": "general", "class_reason": "情况清楚。", "opinion": "建议初步核实。",
        "handler_unit": teller.county.units[case.unit],
    }  # fmt: skip
    teller.act(case.id, "propose", clerk, proposal)
    yield 1
    case.send_back()
    if again:
        yield 1
        teller.act(case.id, "propose", clerk, proposal | {"opinion": "已补充基本情况，建议初步核实。"})
        yield 1
        case.approve()


def withdrawn(teller: Teller) -> Story:
    """Proposed, and taken back the same day by the one who proposed it."""
    case = Case(teller)
    yield from accepted(case)
    yield 1
    clerk = teller.one_of("petition_clerk", case.desk)
    teller.act(case.id, "propose", clerk, {
        "disposition": CLOSED, "petition_class": "general", "class_reason": "情况清楚。", "opinion": "拟了结。",
        "handler_unit": teller.county.units[case.unit],
    })  # fmt: skip
    yield 0
    teller.act(case.id, "withdraw", clerk, {"reason": "处置方式选错。"})


def split(teller: Teller, *, onward: bool) -> Story:
    """A mixed letter: its parts are registered apart, one is ours and one is not."""
    case, other = Case(teller, named=True), teller.rng.choice(subjects.NOT_OURS)
    fields = [case.subject.field, other.field]
    case.register(problem_fields=fields, summary="来信反映两类问题")
    if not onward:
        return
    yield 1
    parts = [
        {"summary": f"（分件{n}）{subject.title.format(place='本地')}", "content": subject.content.format(place="本地"),
         "problem_fields": [subject.field]}
        for n, subject in enumerate((case.subject, other), 1)
    ]  # fmt: skip
    ours, theirs = case.by_clerk("split", reason="一信多事，其中一项不属受理范围。", parts=parts).opened
    yield 1
    case.id = ours
    case.accept()
    yield 0
    case.id = theirs
    case.refuse("out_of_scope", "县信访局")


def refused(teller: Teller, *, handed_over: bool = False, archived: bool = False) -> Story:
    case = Case(teller, subject=teller.rng.choice(subjects.NOT_OURS))
    case.register()
    yield 2
    case.refuse("out_of_scope", teller.rng.choice(("县信访局", "县人社局", "县自然资源局")))
    if handed_over:
        yield 2
        case.hand_over()
    if archived:
        yield 3
        case.archive()


def repeated(teller: Teller, *, new_evidence: bool) -> Story:
    """The same complaint again within three months: linked, and accepted only with new evidence."""
    first = Case(teller, named=True)
    yield from handled(first, VERIFIED, "complex")
    yield 5
    again = Case(teller, named=True, subject=first.subject)
    again.place, again.unit, again.desk = first.place, first.unit, first.desk
    again.register(repeat_of=first.id, new_evidence=new_evidence)
    yield 1
    if new_evidence:
        again.accept(note="附有新的收据复印件。")
    else:
        again.refuse("repeated", "县纪委监委信访室（并入原件）", earlier=first.id)


def reclassified(teller: Teller) -> Story:
    case = Case(teller)
    yield from handled(case, VERIFIED, "general")
    yield 3
    case.by_county_leader("reclassify", petition_class="major", reason="涉及多个村组，情况复杂。")


def taken_charge(teller: Teller) -> Story:
    case = Case(teller, named=True)
    case.register(group_size=23, representatives=4, channel="visit", superior=None)
    yield 1
    case.accept()
    yield 1
    case.tell_of_acceptance()
    leader = teller.county.people["guchanghe"]
    case.by_county_leader("take_charge", leader=leader, basis="group", plan="包案领导牵头，每周调度一次。")
    yield 1
    case.propose(VERIFIED, "complex")


def reassigned(teller: Teller) -> Story:
    case = Case(teller)
    yield from handled(case, VERIFIED, "general")
    yield 2
    case.by_office("reassign", handler_unit=teller.county.units["finance"], reason="属财政资金监管职责。")


def recused(teller: Teller) -> Story:
    """One of the two handlers keeps away; the other goes on."""
    case = Case(teller)
    yield from handled(case, VERIFIED, "complex")
    yield 1
    away, stays = teller.county.logins("handler", case.unit)
    case.by_office("recuse", person=teller.county.people[away], reason="与被反映人系亲属。")
    yield 1
    teller.act(case.id, "note_progress", stays, {"content": "已接手继续核实。"})


def reported_colleague(teller: Teller) -> Story:
    """It names a handler of the very unit: he never learns of it, and the county handles it."""
    case = handled_at_county(Case(teller, named=True))
    case.place = "shanghe"
    handler = teller.county.people["fenglei"]
    case.register(reported=[{"name": "冯某", "person": handler, "post": "干部"}], summary="反映柳河乡干部冯某接受宴请")
    yield 1
    case.accept()
    yield 1
    case.propose(VERIFIED, "complex")
    yield 1
    case.approve()
