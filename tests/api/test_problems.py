"""Every refusal is a problem document with a stable code, and tells nothing it should not."""

import base64
import json
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from services.api.routes import worklist as worklist_routes
from services.http.envelope import BODY_LIMIT, HEADERS
from tests.api.web import Web

MEMBERS = {"type", "title", "status", "detail", "code", "zh", "instance"}


def _problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document.keys() >= MEMBERS
    assert (document["code"], document["status"]) == (code, status)
    assert document["type"] == f"urn:duban:problem:{code}"
    assert document["instance"] == f"urn:duban:request:{answer.headers['x-request-id']}"
    assert document["detail"] and document["zh"]
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    return document


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "no_such_resource"),
        ("GET", "/api/v1/worklist/", 404, "no_such_resource"),
        ("GET", "/../etc/passwd", 404, "no_such_resource"),
        ("DELETE", "/api/v1/matters/1", 405, "method_not_allowed"),
        ("PATCH", "/api/v1/matters/1/timeline", 405, "method_not_allowed"),
        ("GET", "/api/v1/matters/1", 404, "matter_not_found"),
        ("GET", "/api/v1/clocks/1", 404, "matter_not_found"),
        ("GET", "/api/v1/units/9999", 404, "not_found"),
        ("GET", "/api/v1/people/9999", 404, "not_found"),
        ("GET", "/api/v1/procedures/nothing", 404, "unknown_procedure"),
        ("GET", "/api/v1/matters?cursor=nothing", 422, "bad_cursor"),
        ("GET", "/api/v1/worklist?cursor=W251bGxd", 422, "bad_cursor"),
        ("GET", "/api/v1/matters/0", 422, "invalid_request"),
        ("GET", f"/api/v1/matters/{2**63}", 422, "invalid_request"),
        ("GET", "/api/v1/matters?limit=201", 422, "invalid_request"),
        ("GET", "/api/v1/matters?q=%00", 422, "invalid_request"),
        ("GET", "/api/v1/matters?due_from=soon", 422, "invalid_request"),
        ("GET", "/api/v1/matters?due_to=9999-12-31", 422, "invalid_request"),
        ("GET", "/api/v1/matters?due_from=0001-01-01", 422, "invalid_request"),
        ("GET", "/api/v1/worklist?light=blue", 422, "invalid_request"),
        ("GET", "/api/v1/runs", 403, "not_permitted"),
        ("GET", "/api/v1/journal/verification", 403, "not_permitted"),
    ],
)
def test_refusals_of_plain_requests(shared_web: Web, method: str, path: str, status: int, code: str) -> None:
    _problem(shared_web.by("clerk").request(method, path), status, code)


@pytest.mark.parametrize("path", ["matters", "worklist", "messages", "rungs", "timeline"])
@pytest.mark.parametrize(
    "value",
    [2**63, True, "x", None, {}, [2**63], [True], [None], [None, True], ["2016-03-01", 1], ["x", 1],
     ["0001-01-01T00:00:00+14:00", 1], ["9999-12-31T23:59:59-14:00", 1], ["2016-03-01T00:00:00+00:00", 2**63]],
)  # fmt: skip
def test_a_cursor_that_no_page_gave_out_is_refused(shared_web: Web, path: str, value: Any) -> None:
    web = shared_web
    if path.endswith("timeline"):
        path = f"matters/{web.register()['matter_id']}/timeline"
    cursor = base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    _problem(web.by("clerk").get(f"/api/v1/{path}", params={"cursor": cursor}), 422, "bad_cursor")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "invalid_request"),
        (b"{", 422, "invalid_request"),
        (b"[]", 422, "invalid_request"),
        (b"null", 422, "invalid_request"),
        (b'{"login": 1, "password": "x"}', 422, "invalid_request"),
        (b'{"login": "a", "password": "b", "more": 1}', 422, "invalid_request"),
        (b'{"login": "\\ud800", "password": "b"}', 422, "invalid_request"),
        (b'"\xff"', 400, "bad_request"),
        (b"[" * 100_000, 400, "bad_request"),
        (b"[" + b"9" * 5000 + b"]", 400, "bad_request"),
        (b" " * (BODY_LIMIT + 1), 413, "too_large"),
    ],
)
def test_refusals_of_bodies(shared_web: Web, content: bytes, status: int, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    _problem(shared_web.nobody.post("/api/v1/session", content=content, headers=headers), status, code)


def test_a_body_that_hides_its_length_is_cut_off_too(shared_web: Web) -> None:
    def pieces() -> Any:
        for _ in range(BODY_LIMIT // 2**16 + 2):
            yield b" " * 2**16

    headers = {"Content-Type": "application/json"}
    _problem(shared_web.nobody.post("/api/v1/session", content=pieces(), headers=headers), 413, "too_large")


def test_what_was_sent_is_never_repeated(shared_web: Web) -> None:
    body = {"login": "clerk", "password": {"is": "hunter22hunter22"}}
    answer = shared_web.nobody.post("/api/v1/session", json=body)
    assert _problem(answer, 422, "invalid_request")["errors"][0]["field"] == "body.password"
    assert "hunter22" not in answer.text


def test_form_errors_name_each_field_in_both_languages(web: Web) -> None:
    answers = {"channel": "pigeon", "received_on": "2099-01-01", "summary": "甲", "content": "乙",
               "problem_fields": ["subsidies"], "anonymous": True}  # fmt: skip
    body = {"procedure": "petition", "unit_id": web.county.units["county"], "answers": answers}
    document = _problem(web.by("clerk").post("/api/v1/matters", json=body), 422, "invalid_answers")
    assert {(e["field"], e["code"]) for e in document["errors"]} == {
        ("channel", "unknown_code"), ("received_on", "in_the_future"),
    }  # fmt: skip
    assert all(e["en"] and e["zh"] for e in document["errors"])


@pytest.mark.parametrize(
    "answers", [{"reason": "\x00"}, {"reason": "\ud800"}, {"a": [{"\x00": 1}]}, {"earlier": 2**70}, {"n": -(2**64)}]
)
def test_what_no_database_keeps_is_refused_at_the_door(web: Web, answers: Any) -> None:
    matter = web.register()["matter_id"]
    answer = web.by("clerk").post(
        f"/api/v1/matters/{matter}/actions/refuse",
        content=json.dumps({"answers": answers}).encode(),
        headers={"Content-Type": "application/json"},
    )
    _problem(answer, 422, "invalid_request")


def test_a_guard_says_its_own_reason(web: Web) -> None:
    matter = web.register(problem_fields=["subsidies", "land_requisition"])["matter_id"]
    document = _problem(web.act(matter, "accept", "clerk"), 409, "action_refused")
    assert document["reason"] == "mixed_letter"
    document = _problem(web.act(matter, "archive", "clerk"), 409, "action_refused")
    assert document["reason"] == "not_in_this_state"
    _problem(web.act(matter, "accept", "handler"), 404, "matter_not_found")
    _problem(web.act(matter, "accept", "leader"), 403, "not_permitted")
    _problem(web.act(matter, "levitate", "clerk"), 403, "not_permitted")


def test_our_own_mistake_tells_its_id_alone(
    web: Web, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr(worklist_routes, "worklist", fail)
    answer = web.by("clerk").get("/api/v1/worklist", headers={"X-Request-ID": "desk-7"})
    document = _problem(answer, 500, "internal_error")
    assert "42" not in answer.text and "desk-7" in document["detail"]
    logged = capfd.readouterr().err
    assert "the secret is 42" in logged and "Traceback" in logged and "desk-7" in logged


@pytest.mark.parametrize(
    ("error", "status", "code"), [(OperationalError, 503, "database_unavailable"), (IntegrityError, 409, "conflict")]
)
def test_what_the_database_says_becomes_a_plain_answer(
    web: Web, monkeypatch: pytest.MonkeyPatch, error: Any, status: int, code: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error("SELECT secret", {}, Exception("secret"))

    monkeypatch.setattr(worklist_routes, "worklist", fail)
    answer = web.by("clerk").get("/api/v1/worklist")
    _problem(answer, status, code)
    assert "secret" not in answer.text


@pytest.mark.parametrize("given", ["", "no spaces", "x" * 65, "q\u00e9"])
def test_a_request_id_that_is_none_is_replaced(shared_web: Web, given: str) -> None:
    answer = shared_web.nobody.get("/api/health", headers={"X-Request-ID": given.encode("latin-1")})
    assert len(answer.headers["x-request-id"]) == 32
