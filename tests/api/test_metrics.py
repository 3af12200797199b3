"""Figures for Prometheus: right, the same from every process, and for nobody else."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from config.settings import Settings
from services.api.app import create_app
from services.api.routes import metrics
from services.engine.messages import message_rows, send
from services.engine.sweep import sweep_all
from services.runs.health import SWEEP
from services.runs.models import RunState, Via
from services.runs.record import Outcome, begin_run, end_run
from services.runtime import Runtime
from tests.api.web import TestClient, Web

Sample = dict[tuple[str, str], float]
NEAR = ("127.0.0.1", 50000)


def read(web: Web, **more: object) -> Sample:
    """All samples, by name and by the values of their labels, as a process of its own gives them."""
    answer = a_process(web, **more).get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def a_process(web: Web, client: tuple[str, int] = NEAR, **more: object) -> TestClient:
    works = web.app.state.service.runtime
    settings = Settings.model_validate({"home": works.settings.home, **more})
    app = create_app(Runtime(settings, works.database, works.vault), lambda: web.county.now)
    return TestClient(app, client=client)


def test_what_is_open_due_and_overdue_is_counted_per_procedure(any_web: Web) -> None:
    county = any_web.county
    for _ in range(3):
        county.walk("accept")
    assert read(any_web)["duban_matters_open", "petition"] == 3
    county.now += timedelta(days=60)
    sweep_all(county.database, county.engine, county.now)
    found = read(any_web)
    assert (found["duban_matters_overdue", "petition"], found["duban_matters_open", "case"]) == (3, 0)
    with county.database.read() as session:
        rungs = session.execute(text("SELECT count(*) FROM fired_rung")).scalar_one()
    assert found["duban_rungs_fired_total", ""] == found["duban_rungs_unacknowledged", ""] == rungs > 0


def test_how_long_ago_the_sweep_succeeded(any_web: Web) -> None:
    never = read(any_web)
    assert (never["duban_sweep_age_seconds", ""], never["duban_sweep_late", ""]) == (float("inf"), 1)
    _sweep_ended(any_web, any_web.county.now - timedelta(minutes=5))
    found = read(any_web)
    assert (found["duban_sweep_age_seconds", ""], found["duban_sweep_late", ""]) == (300, 0)
    assert found["duban_flow_success_age_seconds", SWEEP] == 300


def test_the_outbox_counts_only_where_copies_leave(any_web: Web) -> None:
    county = any_web.county
    with county.database.write() as session:
        send(session, message_rows([1, 2], None, "told", "x", county.now - timedelta(minutes=2)))
    assert read(any_web)["duban_outbox_copies", ""] == 0
    found = read(any_web, notify_urls="json://localhost")
    assert (found["duban_outbox_copies", ""], found["duban_outbox_age_seconds", ""]) == (2, 120)


def test_requests_are_timed_by_their_template_and_never_by_their_address(any_web: Web) -> None:
    number = any_web.county.open().matter_id
    before = read(any_web).get(("duban_request_seconds_count", "GET /api/v1/matters/{matter_id} 200"), 0)
    any_web.by("clerk").get(f"/api/v1/matters/{number}")
    any_web.nobody.get("/api/v1/SECRET-CODE")
    found = read(any_web)
    assert found["duban_request_seconds_count", "GET /api/v1/matters/{matter_id} 200"] == before + 1
    assert not any("SECRET" in labels for _, labels in found)


def test_the_database_is_asked_once_in_a_while(any_web: Web) -> None:
    process = a_process(any_web)
    first = process.get("/metrics").text
    any_web.county.open()
    assert 'duban_matters_open{procedure="petition"} 0.0' in first
    assert 'duban_matters_open{procedure="petition"} 0.0' in process.get("/metrics").text
    assert read(any_web)["duban_matters_open", "petition"] == 1, "a process that had not asked yet"


def test_without_a_database_the_rest_is_told(any_web: Web, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(metrics, "read_figures", _unreadable)
    found = read(any_web)
    assert found["duban_database_up", ""] == 0
    assert any(name == "process_resident_memory_bytes" for name, _ in found)


def test_others_need_the_token(any_web: Web) -> None:
    far, token = ("192.0.2.7", 50000), "sixteen-or-more-signs"
    assert a_process(any_web, far).get("/metrics").status_code == 403
    assert a_process(any_web, far).get("/metrics", headers={"Authorization": "Bearer "}).status_code == 403
    through_a_proxy = {"X-Forwarded-For": "192.0.2.7"}
    assert a_process(any_web).get("/metrics", headers=through_a_proxy).status_code == 403
    opened = a_process(any_web, far, metrics_token=token)
    assert opened.get("/metrics", headers={"Authorization": "Bearer wrong-wrong-wrong"}).status_code == 403
    right = {"Authorization": f"Bearer {token}", **through_a_proxy}
    assert opened.get("/metrics", headers=right).status_code == 200


def _sweep_ended(web: Web, at: datetime) -> None:
    with web.county.database.write() as session:
        run = begin_run(session, SWEEP, at, at)
        end_run(session, run, Outcome(RunState.COMPLETED, Via.CLOCK, {}), at)


def _unreadable(*_: object) -> None:
    raise OperationalError("", {}, Exception("gone"))
