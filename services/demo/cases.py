"""A petition of the demo county: each verb is one action by somebody entitled to it, with answers to match."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select

from services.demo import subjects
from services.demo.places import COUNTY, DEPARTMENTS, GRASSROOTS, TOWNSHIPS, parent_of
from services.demo.telling import Teller
from services.engine.loading import TURN
from services.engine.models import WorkItem
from services.engine.perform import Performed
from services.engine.work import claim, urge

CHANNELS = ("visit", "call", "letter", "letter", "online", "handed_down")


class Case:
    """One petition on its way. Verbs are called inside stories, at the simulated time."""

    def __init__(self, teller: Teller, *, named: bool | None = None, subject: subjects.Subject | None = None) -> None:
        self.teller, self.rng = teller, teller.rng
        self.place = self.rng.choice(sorted(GRASSROOTS))
        self.unit = parent_of(self.place)
        self.named = self.rng.random() < 0.6 if named is None else named
        self.subject = subject or self.rng.choice(subjects.OURS)
        self.desk = self._desk()
        self.id = 0

    def register(self, **more: Any) -> None:
        """Take it down at the county or, now and then, at a township."""
        channel = self.rng.choice(CHANNELS)
        answers: dict[str, Any] = {
            "channel": channel, "received_on": self.teller.today.isoformat(), "anonymous": not self.named,
            "summary": self._filled(self.subject.title), "content": self._filled(self.subject.content),
            "problem_fields": [self.subject.field], "superior": "市纪委信访室" if channel == "handed_down" else None,
            "reported": [{**subjects.reported(self.rng), "unit": self.teller.county.units[self.place]}],
        }  # fmt: skip
        if self.named:
            answers["complainant"] = subjects.complainant(self.rng)
        clerk = self.teller.one_of("petition_clerk", self.desk)
        self.id = self.teller.open("petition", clerk, self.desk, answers | more).matter_id

    def accept(self, **more: Any) -> None:
        self._as("petition_clerk", self.desk, "accept", more)

    def tell_of_acceptance(self) -> None:
        """Nothing where there is nobody to tell."""
        if self.named:
            self._as("petition_clerk", self.desk, "give_acceptance_notice", self._told())

    def refuse(self, ground: str, organ: str, **more: Any) -> None:
        answers = {"ground": ground, "reason": "经甄别，符合不予受理情形。", "receiving_organ": organ, **more}
        self._as("petition_clerk", self.desk, "refuse", answers)

    def hand_over(self) -> None:
        today = self.teller.today.isoformat()
        told = {"told_on": today, "method": "letter"} if self.named else {}
        self._as("petition_clerk", self.desk, "hand_over", {"handed_on": today, "receipt": "已签收", **told})

    def propose(self, disposition: str, petition_class: str = "general", due: date | None = None) -> None:
        self._as("petition_clerk", self.desk, "propose", {
            "disposition": disposition, "petition_class": petition_class,
            "class_reason": "依据反映事项的性质和复杂程度。", "given_due": due.isoformat() if due else None,
            "handler_unit": self.teller.county.units[self.unit], "opinion": "线索较具体，建议按所列方式处置。",
        })  # fmt: skip

    def approve(self) -> None:
        self._as("unit_leader", self.desk, "approve", {"note": "同意。"})

    def send_back(self) -> None:
        self._as("unit_leader", self.desk, "send_back", {"reason": "请补充被反映人基本情况后再报。"})

    def progress(self, text: str = "已到实地走访，调取了有关账目。") -> None:
        self._as("handler", self.unit, "note_progress", {"content": text})

    def reply(self, *, no_problem: bool) -> None:
        self._as("handler", self.unit, "record_reply", {
            "mode": self.rng.choice(("letter", "talk")), "replied_on": self.teller.today.isoformat(),
            "no_problem": no_problem, "content": "本人就反映的问题逐条作了书面说明。",
        })  # fmt: skip

    def complete(self) -> None:
        team = [self.teller.county.people[login] for login in self.teller.county.logins("handler", self.unit)]
        self._as("handler", self.unit, "complete", {
            "result": self.rng.choice(("substantiated", "partly", "unfounded", "unfounded", "unverifiable")),
            "finished_on": self.teller.today.isoformat(), "team": team,
            "summary": "经走访、查账，事实已查清，处理意见已落实。",
        })  # fmt: skip

    def recheck(self, *, passed: bool) -> None:
        members = [self.teller.county.people[login] for login in self.teller.county.logins("rechecker", COUNTY)]
        opinion = "事实清楚，同意。" if passed else "关键账目未调取，请补充核实。"
        action = "pass_recheck" if passed else "fail_recheck"
        self._as("rechecker", COUNTY, action, {"members": members, "opinion": opinion})

    def feed_back(self) -> None:
        """Nothing where there is nobody to tell."""
        if self.named:
            self._as("petition_clerk", self.desk, "feed_back", self._told())

    def archive(self) -> None:
        number = f"{self.teller.today.year}-XF-{self.id:03d}"
        self._as("petition_clerk", COUNTY, "archive", {
            "archive_no": number, "retention": self.rng.choice(("years_10", "years_30", "permanent")),
            "pages": self.rng.randrange(8, 60),
        })  # fmt: skip

    def ask_extension(self) -> None:
        answers = {"amount": 20, "unit": "day", "reason": "涉及多年账目，需逐笔核对。"}
        self._as("handler", self.unit, "ask_extension", answers)

    def claim(self) -> None:
        """One of the handlers takes the work item for himself."""
        teller = self.teller
        waiting = WorkItem.matter_id == self.id, WorkItem.closed_at.is_(None), WorkItem.kind == TURN
        item = teller.session.scalars(select(WorkItem.id).where(*waiting)).one()
        claim(teller.session, teller.engine, item, teller.actor(teller.one_of("handler", self.unit)), teller.now)

    def urge(self, text: str) -> None:
        """The county office presses whoever has it."""
        teller = self.teller
        office = teller.actor(teller.one_of("county_office", COUNTY))
        urge(teller.session, teller.engine, self.id, office, text, teller.now)

    def by_county_leader(self, action: str, **answers: Any) -> None:
        self._as("county_leader", COUNTY, action, answers)

    def by_office(self, action: str, **answers: Any) -> None:
        self._as("county_office", COUNTY, action, answers)

    def by_leader(self, action: str, **answers: Any) -> None:
        """By the leader of the unit that handles it."""
        self._as("unit_leader", self.unit, action, answers)

    def by_clerk(self, action: str, **answers: Any) -> Performed:
        return self._as("petition_clerk", self.desk, action, answers)

    def _as(self, role: str, unit: str, action: str, answers: Mapping[str, Any]) -> Performed:
        return self.teller.act(self.id, action, self.teller.one_of(role, unit), answers)

    def _desk(self) -> str:
        """Where it is registered: a fourth at the township concerned."""
        return self.unit if self.unit in TOWNSHIPS and self.rng.random() < 0.25 else COUNTY

    def _filled(self, text: str) -> str:
        return text.format(place=GRASSROOTS[self.place][0])

    def _told(self) -> dict[str, str]:
        return {"method": self.rng.choice(("phone", "in_person", "message")), "told_on": self.teller.today.isoformat()}


def handled_at_county(case: Case) -> Case:
    """The county handles it itself."""
    case.unit = case.desk = COUNTY
    return case


def handled_by_department(case: Case) -> Case:
    """A department handles it, and no township has a desk for it."""
    case.unit, case.desk = case.rng.choice(sorted(DEPARTMENTS)), COUNTY
    return case
