"""Health looks at nothing; readiness names what is wrong."""

from typing import Any

import pytest

from services.api.routes import probes
from services.identity.sealing import Vault
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
    assert _checks(web) == (200, {"database": None, "schema": None, "key": None, "pack": None})


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
