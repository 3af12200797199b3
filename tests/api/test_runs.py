"""Runs of flows, samples, procedures, the journal of all: what supervisors and administrators look at."""

from datetime import timedelta

import pytest

from services.engine.models import Entry
from services.runs.models import RunState, Via
from services.runs.record import Outcome, begin_run, end_run
from services.sampling.draws import draw_due_samples
from tests.api.web import TestClient, Web
from tests.support.on_disk import ON_DISK


@pytest.fixture
def run(web: Web) -> int:
    """One run that ended."""
    with web.county.database.write() as session:
        number = begin_run(session, "escalate_overdue", web.county.now, web.county.now)
        outcome = Outcome(RunState.COMPLETED, Via.CLOCK, {"due": 3, "fired": 2})
        end_run(session, number, outcome, web.county.now + timedelta(seconds=2))
    return number


def test_runs_are_listed_shown_and_asked_for_again(web: Web, admin: TestClient, run: int) -> None:
    (listed,) = admin.get("/api/v1/runs").json()["items"]
    assert (listed["id"], listed["state"], listed["result"]) == (run, "completed", {"due": 3, "fired": 2})
    assert admin.get(f"/api/v1/runs/{run}").json() == listed
    assert admin.get("/api/v1/runs?flow=draw_samples").json() == {"items": [], "next": None}
    assert admin.get(f"/api/v1/runs/{run}/log").json() == []
    asked = admin.post("/api/v1/runs", json={"flow": "escalate_overdue"})
    assert (asked.status_code, asked.json()["state"]) == (202, "requested")
    assert asked.json()["requested_by"] == web.county.people["office"]
    again = admin.post("/api/v1/runs", json={"flow": "escalate_overdue"})
    assert again.json()["id"] == asked.json()["id"]
    unknown = admin.post("/api/v1/runs", json={"flow": "rule_the_world"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_flow")
    page = admin.get("/api/v1/runs?limit=1").json()
    rest = admin.get(f"/api/v1/runs?limit=1&cursor={page['next']}").json()
    assert [r["id"] for p in (page, rest) for r in p["items"]] == [asked.json()["id"], run]


def test_logs_without_the_prefect_server_say_so(web: Web, admin: TestClient, run: int) -> None:
    with web.county.database.write() as session:
        outcome = Outcome(RunState.COMPLETED, Via.PREFECT, {}, prefect_run_id="5f1b5a7e-0000-4000-8000-000000000000")
        end_run(session, run, outcome, web.county.now)
    answer = admin.get(f"/api/v1/runs/{run}/log")
    assert (answer.status_code, answer.json()["code"]) == (503, "prefect_unreachable")
    assert answer.headers["retry-after"] == "5"
    assert admin.get("/api/v1/runs/scheduler").json() == {"up": False}


def test_tampering_is_found_and_named(web: Web, admin: TestClient) -> None:
    one, two = (web.register()["matter_id"] for _ in range(2))
    sound = admin.get("/api/v1/journal/verification").json()
    assert sound.pop("administration") == {"ok": True, "entries": 0, "broken": []}
    assert sound == {"ok": True, "matters": 2, "entries": 2, "broken": []}
    with web.county.database.write() as session:
        entry = session.query(Entry).filter_by(matter_id=two).one()
        entry.content = {**entry.content, "number": "1"}
    found = admin.get("/api/v1/journal/verification").json()
    assert (found["ok"], found["broken"]) == (False, [{"matter_id": two, "seq": 1, "why": "content was changed"}])
    assert admin.get(f"/api/v1/matters/{one}/journal/verification").json()["ok"] is True
    assert admin.get(f"/api/v1/matters/{two}/journal/verification").json()["ok"] is False


def test_samples_name_only_what_the_caller_may_know_of(web: Web) -> None:
    for _ in range(2):
        reported = [{"name": "郑督查", "person": web.county.people["supervisor"]}]
        matter = web.register(reported=reported)["matter_id"]
        web.walk(matter, "accept", "propose", "approve", "record_reply", disposition="letter_inquiry")
    web.county.now += timedelta(days=35)
    draw_due_samples(web.app.state.service.runtime, web.county.now)
    seen = {}
    for who in ("office", "supervisor"):
        drawn = web.by(who).get("/api/v1/samples").json()
        (seen[who],) = [s for s in drawn if (s["kind"], s["period"]) == ("clean_reply", "2016-03")]
    assert [(s["population_size"], s["drawn_size"]) for s in seen.values()] == [(2, 1), (2, 1)]
    assert len(seen["office"]["drawn"]) == 1 and seen["supervisor"]["drawn"] == []
    assert web.by("handler").get("/api/v1/samples").status_code == 403


def test_procedures_are_told_with_their_rules_and_sources(web: Web) -> None:
    client = web.by("nobody")
    lines = {p["key"]: p for p in client.get("/api/v1/procedures").json()}
    assert lines.keys() == ON_DISK
    now = client.get("/api/v1/procedures/petition").json()
    later = client.get("/api/v1/procedures/petition?on=2017-06-01").json()
    early = client.get("/api/v1/procedures/petition?on=2015-06-01").json()
    assert [len(p["policy"]["lists"]["dispositions"]["values"]) for p in (now, later)] == [5, 4]
    assert early["before_first"] and not now["before_first"]
    assert now["opening"]["properties"]["channel"]["enum"] == ["visit", "call", "letter", "online", "handed_down"]
    accept = next(a for a in now["actions"] if a["name"] == "accept")
    assert accept["roles"] and accept["guards"] and accept["targets"] == ["triage"]
    assert now["policy"]["clocks"]["handling"]["source"].startswith("通城 2016")
