"""Several machines as an operator sets them up, and what becomes of deadlines when parts of them die.

The tests share one cluster and build on each other, in this order.
"""

import re
import sys
import time
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import func, select

from flows.schedule import SCHEDULE
from services.engine.core import engine_for
from services.engine.models import FiredRung, Message
from services.identity.credentials import change_password
from services.runs.models import FlowIncident, FlowRun, RunState, Via
from tests.machines.cluster import Cluster, until
from tests.support.cast import START, County, build_county

pytestmark = pytest.mark.timeout(600)
PASSWORD = "correct horse 1979"
SWEEP = "escalate_overdue"


class Installation:
    """The cluster, with people and matters in its database."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.works = cluster.works
        self.county: County = build_county(self.works.database, engine_for(self.works))
        with self.works.database.write() as session:
            change_password(session, self.county.people["supervisor"], PASSWORD, START)
        self.deployed = cluster.duban("flows", "deploy")
        self.only_when_asked()
        cluster.start_worker("worker1")
        cluster.start_worker("worker2")

    def runs(self, **equal: Any) -> list[FlowRun]:
        with self.works.database.read() as session:
            wanted = select(FlowRun).where(FlowRun.flow == SWEEP).filter_by(**equal).order_by(FlowRun.id)
            return list(session.scalars(wanted))

    def run(self, run_id: int) -> FlowRun:
        (found,) = self.runs(id=run_id)
        return found

    def rungs(self, matter_id: int) -> int:
        """How many were fired on the matter's clocks; the database allows each once."""
        fired = select(func.count(FiredRung.id)).where(FiredRung.matter_id == matter_id)
        with self.works.database.read() as session:
            return session.scalar(fired) or 0

    def told(self) -> list[str]:
        """What the supervisor was told of the machine."""
        theirs = Message.kind == "machine", Message.person_id == self.county.people["supervisor"]
        with self.works.database.read() as session:
            return list(session.scalars(select(Message.text).where(*theirs).order_by(Message.id)))

    def open_incidents(self) -> list[str]:
        with self.works.database.read() as session:
            return list(session.scalars(select(FlowIncident.trouble).where(FlowIncident.closed_at.is_(None))))

    def deployment(self, flow: str = SWEEP) -> dict[str, Any]:
        found: dict[str, Any] = self.cluster.prefect("GET", f"deployments/name/{flow.replace('_', '-')}/duban")
        return found

    def only_when_asked(self) -> None:
        """No sweep of the table's own comes between: ten minutes may be over at any moment."""
        self.cluster.prefect("PATCH", f"deployments/{self.deployment()['id']}", {"paused": True})

    def sweep_now(self, state: RunState) -> FlowRun:
        """Ask Prefect for a run of the deployment; our record of it once it is in this state."""
        deployment = self.deployment()["id"]
        theirs = self.cluster.prefect("POST", f"deployments/{deployment}/create_flow_run", {})["id"]
        return next(iter(until(lambda: self.runs(prefect_run_id=theirs, state=state))))

    def log_in(self, browser: httpx.Client) -> httpx.Response:
        page = browser.get("/login").text
        found = re.search(r'name="csrf" (?:content|value)="([\w-]+)"', page)
        assert found
        data = {"login": "supervisor", "password": PASSWORD, "csrf": found[1]}
        origin = str(browser.base_url).rstrip("/")
        return browser.post("/login", data=data, headers={"Origin": origin})


@pytest.fixture(scope="module")
def installation(cluster: Cluster) -> Installation:
    return Installation(cluster)


def test_one_command_brings_the_table_to_prefect_and_says_what_it_changed(installation: Installation) -> None:
    names = [item.name for item in SCHEDULE]
    assert installation.deployed["deployments"] == [{"flow": name, "change": "created"} for name in names]

    cluster, deployment = installation.cluster, installation.deployment("verify_journal")
    cluster.prefect("PATCH", f"deployments/{deployment['id']}", {"paused": True})
    other = installation.deployment("close_periods")
    schedule = {"active": True, "schedule": {"cron": "0 12 * * *", "timezone": "UTC"}}
    cluster.prefect("PATCH", f"deployments/{other['id']}", {"schedules": [schedule], "concurrency_limit": 1})
    stray = {"name": "duban", "flow_id": other["flow_id"], "tags": ["duban"], "entrypoint": "flows.gone.gone"}
    cluster.prefect("POST", "deployments/", stray | {"name": "gone"})

    changes = {each["flow"]: each for each in cluster.duban("flows", "deploy")["deployments"]}

    assert changes.pop("gone")["change"] == "removed"
    assert changes.pop("close_periods")["fields"] == ["concurrency_limit", "schedules"]
    assert {each["change"] for each in changes.values()} == {"unchanged"} and len(changes) == len(names) - 1
    assert installation.deployment("verify_journal")["paused"], "whoever paused it had a reason"
    (mended,) = installation.deployment("close_periods")["schedules"]
    cron = next(item.cron for item in SCHEDULE if item.name == "close_periods")
    assert (mended["schedule"]["cron"], mended["schedule"]["timezone"]) == (cron, "Asia/Shanghai")


def test_people_log_in_through_nginx(installation: Installation) -> None:
    cluster = installation.cluster
    until(lambda: cluster.web_is_up("web1") and cluster.web_is_up("web2"))
    with cluster.browser() as browser:
        answer = installation.log_in(browser)
        assert answer.status_code == 303
        assert "Secure" in answer.headers["set-cookie"] and "HttpOnly" in answer.headers["set-cookie"]
        page = browser.get("/flows")
        assert page.status_code == 200 and "自动任务" in page.text
        assert page.headers["strict-transport-security"].startswith("max-age=")
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert len(page.headers.get_list("x-content-type-options")) == 1
    plain = httpx.get(f"http://localhost:{cluster.ports['http']}/board", trust_env=False)
    assert (plain.status_code, plain.headers["location"]) == (301, "https://localhost/board")
    with cluster.browser() as stranger:
        invented = [{"X-Forwarded-For": f"10.0.0.{n}"} for n in range(25)]
        assert 429 in {stranger.get("/receipt", headers=header).status_code for header in invented}


def test_a_deployments_run_escalates_what_is_overdue_and_is_seen_on_the_page(installation: Installation) -> None:
    matter = installation.county.walk("accept", "propose", "approve")

    run = installation.sweep_now(RunState.COMPLETED)

    assert run.via == Via.PREFECT and run.result is not None and run.result["fired"] > 0
    assert installation.rungs(matter) > 0
    with installation.cluster.browser() as browser:
        installation.log_in(browser)
        assert "执行措施" in browser.get("/flows").text
        until(lambda: "&#34;fired&#34;" in browser.get(f"/flows/runs/{run.id}").text)  # Prefect keeps its log


def test_one_web_dies_and_the_other_serves(installation: Installation) -> None:
    with installation.cluster.browser() as browser:
        installation.log_in(browser)
        installation.cluster.kill("web1")
        assert {browser.get("/flows").status_code for _ in range(20)} == {200}


def test_a_dead_run_delays_no_other_and_is_found_out(installation: Installation) -> None:
    """The worker and its run are killed while another run, blocked as long, lives."""
    cluster = installation.cluster
    cluster.start_watch()
    with psycopg.connect(cluster.postgres.url("duban")) as blocking:
        blocking.execute("LOCK TABLE clock IN ACCESS EXCLUSIVE MODE")
        dead = installation.sweep_now(RunState.RUNNING)
        busy = next(name for name in ("worker1", "worker2") if cluster.runs_at(name, str(dead.prefect_run_id)))
        cluster.kill(busy)
        killed = time.monotonic()
        alive = installation.sweep_now(RunState.RUNNING)
        sys.stderr.write(f"next sweep began {time.monotonic() - killed:.1f} s after the kill\n")
        until(lambda: installation.run(dead.id).state == RunState.CRASHED)
        sys.stderr.write(f"found dead after {time.monotonic() - killed:.1f} s\n")
        until(lambda: installation.run(alive.id).beats > 0)
        assert installation.run(alive.id).state == RunState.RUNNING
    until(lambda: installation.run(alive.id).state == RunState.COMPLETED)
    until(lambda: cluster.prefect("GET", f"flow_runs/{dead.prefect_run_id}")["state_type"] == "CRASHED")
    (told,) = until(installation.told)
    assert "运行中断" in told
    until(lambda: not installation.open_incidents())
    cluster.stop("watch")


def test_without_workers_and_prefect_deadlines_escalate_and_history_resumes(installation: Installation) -> None:
    cluster = installation.cluster
    for name in ("worker1", "worker2", "prefect"):
        if name in cluster.processes:
            cluster.kill(name)
    before = len(installation.told())
    matter = installation.county.walk("accept", "propose", "approve")

    cluster.start_watch("hurried")

    until(lambda: installation.rungs(matter))
    assert installation.runs(via=Via.WATCH)
    until(lambda: len(installation.told()) > before)

    cluster.postgres.execute("DROP DATABASE prefect WITH (FORCE)")
    cluster.postgres.execute("CREATE DATABASE prefect")
    cluster.start_prefect()
    until(cluster.prefect_is_up)
    cluster.start_worker("worker3")
    until(lambda: cluster.prefect("POST", "deployments/count", {}) == len(SCHEDULE))
    installation.only_when_asked()
    cluster.stop("watch")  # in its hurry it would be ahead of any worker
    cluster.start_watch()
    assert installation.sweep_now(RunState.COMPLETED).via == Via.PREFECT
    until(lambda: not installation.open_incidents())
    assert ["没有按时运行" in text for text in installation.told()[before:]] == [True]
