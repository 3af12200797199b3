"""Health looks at nothing; readiness names what is wrong."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.api.routes import probes
from services.identity.sealing import Vault
from services.runs.health import SWEEP, SWEPT_WITHIN
from services.runs.models import RunState, Via
from services.runs.record import Outcome, begin_run, end_run
from tests.api.web import Web


def _checks(web: Web) -> tuple[int, dict[str, Any]]:
    answer = web.nobody.get("/api/ready")
    assert answer.json()["ready"] == (answer.status_code == 200)
    return answer.status_code, {c["name"]: c["problem"] for c in answer.json()["checks"]}


def test_health_needs_no_database(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(type(web.county.database), "read")
    assert web.nobody.get("/api/health").json() == {"ok": True}
    status, checks = _checks(web)
    assert status == 503 and checks["database"] and checks["schema"] and checks["key"] and checks["pack"] is None


def test_a_schema_that_is_not_ours_is_named(web: Web) -> None:
    status, checks = _checks(web)
    assert (status, checks["database"], checks["key"]) == (503, None, None)
    assert "duban db upgrade" in checks["schema"]


def test_all_in_order(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "is_current", lambda _: True)
    web.register()
    _sweep_ended(web, web.county.now)
    status, checks = _checks(web)
    assert (status, set(checks.values())) == (200, {None})
    assert list(checks) == ["database", "schema", "key", "pack", "disk", "room", "sweep"]
    assert not web.nobody.get("/api/ready").json()["degraded"]


def test_a_late_sweep_degrades_and_keeps_nobody_from_working(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "is_current", lambda _: True)
    _sweep_ended(web, web.county.now - SWEPT_WITHIN - timedelta(minutes=1))
    answer = web.nobody.get("/api/ready")
    assert (answer.status_code, answer.json()["ready"], answer.json()["degraded"]) == (200, True, True)
    (late,) = [check for check in answer.json()["checks"] if check["problem"]]
    assert (late["name"], late["fatal"]) == ("sweep", False)
    assert "does not run" in late["problem"]


def test_a_folder_that_cannot_be_written_to_is_fatal(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "is_current", lambda _: True)
    monkeypatch.setattr(probes.os, "fsync", _disk_full)
    status, checks = _checks(web)
    assert status == 503 and "make room" in checks["disk"]


def test_little_room_degrades(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "is_current", lambda _: True)
    monkeypatch.setattr(probes, "LEAST_ROOM", 2**62)
    status, checks = _checks(web)
    assert status == 200 and "MiB are left" in checks["room"]


@pytest.mark.parametrize("change", ["another key", "unreadable"])
def test_a_key_file_that_does_not_fit_is_named(web: Web, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    monkeypatch.setattr(probes, "is_current", lambda _: True)
    web.register()
    file = web.app.state.service.runtime.settings.secret_file
    if change == "another key":
        file.unlink()
        Vault.create_if_missing(file)
    else:
        file.chmod(0o644)
    status, checks = _checks(web)
    assert status == 503 and "restore" in checks["key"]
    assert str(file) not in web.nobody.get("/api/ready").text


def _sweep_ended(web: Web, at: datetime) -> None:
    with web.county.database.write() as session:
        run = begin_run(session, SWEEP, at, at)
        end_run(session, run, Outcome(RunState.COMPLETED, Via.CLOCK, {}), at)


def _disk_full(_: int) -> None:
    raise OSError(28, "No space left on device")
