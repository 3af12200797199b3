"""From a clue to a sanction in the demo county: each step by somebody entitled to it, with answers to match."""

from collections.abc import Mapping
from typing import Any

from services.demo.places import TOWNSHIPS
from services.demo.telling import Story, Teller
from services.engine.perform import Performed

MANAGER, LEADER, HEAD = "hansong", "guchanghe", "shenmingyuan"
LEAD, CO, THIRD = "bianzheng", "jianghe", "lumingzhe"
"""Who reviews: the lead, the second reader, and one more of the office."""


class Thread:
    """A clue of one township and what came of it: `id` is the matter that the next step is taken on."""

    def __init__(self, teller: Teller, unit: str) -> None:
        self.teller, self.unit = teller, unit
        self.secretary, self.deputy = teller.county.logins("township_discipline", unit)
        (self.committee,) = teller.county.logins("township_committee", unit)
        others = [other for other in sorted(TOWNSHIPS) if other != unit]
        self.other = teller.rng.choice(others)
        self.subject = f"{teller.rng.choice('高龚段汤')}某"
        self.id = self.clue = 0

    def act(self, action: str, who: str, **answers: Any) -> Performed:
        return self.teller.act(self.id, action, who, answers)

    def people(self, *logins: str) -> list[int]:
        return [self.teller.county.people[login] for login in logins]

    @property
    def today(self) -> str:
        return self.teller.today.isoformat()

    @property
    def team(self) -> tuple[str, str]:
        return self.deputy, self.secretary

    def register(self) -> None:
        answers = {
            "source": "inspection", "received_on": self.today, "subject_name": self.subject, "subject_post": "村会计",
            "problem_fields": ["subsidies", "collective_assets"],
            "content": "交叉检查发现，该村两笔惠农补贴发放表签名笔迹一致，另有集体林地租金未入账。",
        }  # fmt: skip
        self.id = self.clue = self.teller.open("clue", self.deputy, self.unit, answers).matter_id

    def report(self) -> None:
        """To the committee of the township and to the county, both of whom confirm it."""
        self.act(
            "report", self.deputy, reported_on=self.today, summary="发现惠农补贴和集体资金问题线索，按规定双报告。"
        )
        self.act("acknowledge_committee", self.committee)
        self.act("acknowledge_county", MANAGER)

    def grade(self) -> None:
        (attendee,) = self.people("kangning")
        self.act(
            "record_meeting", self.secretary, held_on=self.today, county_attendee=attendee, grade="important",
            requirement="先查补贴发放原始凭证，一个月内提出处置意见。",
        )  # fmt: skip

    def dispose(self) -> None:
        opinion = "线索具体、可查性强，建议初步核实。"
        self.act("propose", self.deputy, disposition="preliminary_verification", opinion=opinion)

    def seat_team(self) -> None:
        self.act("set_team", MANAGER, members=self.people(*self.team), note="一人负责账目，一人负责走访。")

    def sign(self) -> None:
        for member in self.team:
            self.act("sign", member, note="情况属实。")

    def verify(self) -> None:
        self.act(
            "write_report", self.deputy, facts="代签领取补贴三千二百元，林地租金八千元存于个人账户。",
            evidence="发放表、银行流水、谈话笔录。", advice="case_filing",
        )  # fmt: skip
        self.sign()
        self.act("submit_report", self.secretary)

    def ask_for_case(self) -> None:
        self.act("conclude", LEADER, result="case_filing", opinion="违纪事实清楚，同意立案审查。")
        self.act(
            "propose_filing", self.deputy, subject_name=self.subject, subject_post="村会计", nature="masses",
            grounds="初步核实认定其侵占惠农补贴、挪用集体资金。",
        )  # fmt: skip

    def file_case(self) -> None:
        self.act("consent_filing", self.committee, agree=True, opinion="同意立案审查。")
        (case,) = self.act("file_case", HEAD, filed_on=self.today).opened
        self.act("archive", self.deputy, result="已立案审查。", archive_no=f"XS-{self.id:03d}", retention="years_30")
        self.id = case

    def investigate(self) -> None:
        self.act(
            "write_report", self.deputy, facts="侵占惠农补贴三千二百元，挪用集体资金八千元，均已退缴。",
            key_evidence="发放表、银行流水、本人供述、退缴凭证。", advice="warning",
        )  # fmt: skip
        self.sign()
        listeners = self.people(*self.team)
        self.act(
            "hear_subject", self.deputy, heard_on=self.today, listeners=listeners, statement="承认错误，已全部退缴。"
        )

    def transfer(self) -> int:
        """Hand the case over to the county's review; return the case, which waits for it."""
        case = self.id
        (self.id,) = self.act(
            "transfer", self.deputy, grounds="初步核实属实。", key_evidence="发放表、银行流水、退缴凭证。",
            proposed_sanction="warning",
        ).opened  # fmt: skip
        return case

    def take_into_review(self, checklist: Mapping[str, str]) -> None:
        self.act("accept", LEAD, present=list(checklist))
        lead, co = self.people(LEAD, CO)
        self.act("assign_reviewers", LEADER, lead_reviewer=lead, co_reviewer=co)

    def read(self) -> None:
        for reader in (LEAD, CO):
            self.act("record_reading", reader, notes="已审阅全部案卷。", opinion="事实清楚，证据确凿，手续完备。")
        self.act("finish_reading", LEAD)

    def talk(self) -> None:
        self.act(
            "record_talk", LEAD, talked_on=self.today, place="县纪委谈话室", talkers=self.people(LEAD, CO), signed=True,
            record=[self.teller.upload(LEAD, "审理谈话笔录.txt", f"案件{self.id}审理谈话笔录")],
            defence_statement="对违纪事实没有异议，请求从轻处理。",
        )  # fmt: skip

    def review(self) -> None:
        """Opinions of three, one of them from another township; then the county's answer."""
        cross = self.teller.county.logins("township_discipline", self.other)[0]
        member = {"person": self.teller.county.people[cross], "unit": self.teller.county.units[self.other]}
        self.act("convene", LEAD, held_on=self.today, members=self.people(THIRD), cross_members=[member])
        for reviewer in (LEAD, CO, THIRD, cross):
            self.act("give_position", reviewer, stance="agree", reason="定性准确，处理恰当。")
        self.act("conclude", LEAD)
        points = dict.fromkeys(("facts", "evidence", "character", "proportion", "procedure", "file"), 9)
        self.act("score_quality", LEAD, **points, comment="案卷规范，个别笔录要素不全。")
        self.act("issue_opinion", LEADER, opinion="同意给予党内警告处分的意见。")
        self.act(
            "feed_back", LEAD, told_on=self.today, method="letter", receiver="乡镇纪委",
            archive_no=f"SL-{self.id:03d}",
        )  # fmt: skip

    def decide(self) -> None:
        self.act(
            "put_to_decision", self.deputy, sanction="warning", facts="侵占惠农补贴三千二百元，挪用集体资金八千元。",
            basis="《中国共产党纪律处分条例》有关规定", responsibility_facts="村党支部书记监督不力。",
        )  # fmt: skip
        for member in self.team:
            self.act("vote", member, position="agree")
        self.act(
            "decide", self.secretary, decided_on=self.today, document_no=f"纪〔{self.teller.today.year}〕{self.id}号"
        )


def clue(teller: Teller, upto: str, unit: str) -> Story:
    """A clue from its registration on, as far as `upto`."""
    thread = Thread(teller, unit)
    thread.register()
    if upto == "registered":
        return
    yield 1
    thread.report()
    yield 2
    thread.grade()
    if upto == "graded":
        return
    yield 2
    thread.dispose()
    yield 1
    thread.act("approve", LEADER, note="同意。")
    thread.seat_team()
    if upto == "verification":
        return
    yield 6
    thread.verify()
    if upto == "conclusion":
        return
    yield 1
    thread.ask_for_case()
    if upto == "consent":
        return
    yield 1
    thread.file_case()
    yield from _case(thread, upto)


def _case(thread: Thread, upto: str) -> Story:
    yield 1
    thread.seat_team()
    if upto == "investigation":
        return
    yield 6
    thread.investigate()
    yield 1
    case = thread.transfer()
    if upto == "form_check":
        return
    yield 2
    policy = thread.teller.engine.registry.current("case_review", thread.teller.today).policy
    thread.take_into_review(policy.codes("form_checklist"))
    yield 2
    thread.read()
    if upto == "talk":
        return
    yield 1
    thread.talk()
    yield 1
    thread.review()
    yield 1
    thread.id = case
    thread.decide()
