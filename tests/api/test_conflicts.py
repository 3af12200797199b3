"""The same request twice, two at once, and a page that is out of date."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.web import TestClient, Web
from tests.support.cast import PETITION

KEY = {"Idempotency-Key": "desk-7/0001"}


def _at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    barrier = threading.Barrier(len(calls))

    def call(one: Callable[[], Any]) -> Any:
        barrier.wait(30)
        return one()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def test_a_repeated_action_changes_nothing(web: Web) -> None:
    matter = web.register()["matter_id"]
    web.walk(matter, "accept", "propose", "approve")
    first = web.act(matter, "note_progress", "handler", {"content": "已走访"}, headers=KEY)
    again = web.act(matter, "note_progress", "handler", {"content": "已走访"}, headers=KEY)
    assert first.status_code == 200
    assert (again.status_code, again.json()["code"]) == (409, "already_performed")
    assert (again.json()["entry"], again.json()["matter_id"]) == (first.json()["entry_seq"], matter)
    assert web.by("handler").get(f"/api/v1/matters/{matter}").json()["version"] == first.json()["version"]
    other = web.act(matter, "note_progress", "handler2", {"content": "已走访"}, headers=KEY)
    assert other.status_code == 200  # a key counts for its own caller


def test_a_repeated_registration_opens_nothing(web: Web) -> None:
    body = {"procedure": "petition", "unit_id": web.county.units["county"],
            "answers": {**PETITION, "received_on": "2016-03-01"}}  # fmt: skip
    first, again = (web.by("clerk").post("/api/v1/matters", json=body, headers=KEY) for _ in range(2))
    assert first.headers["location"] == f"/api/v1/matters/{first.json()['matter_id']}"
    assert (again.status_code, again.json()["matter_id"]) == (409, first.json()["matter_id"])
    assert len(web.by("clerk").get("/api/v1/matters").json()["items"]) == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 101, "a b"])
def test_a_key_that_is_none_is_refused(web: Web, key: str) -> None:
    matter = web.register()["matter_id"]
    assert web.act(matter, "accept", "clerk", headers={"Idempotency-Key": key}).status_code == 422


def test_a_page_out_of_date_is_refused(web: Web) -> None:
    matter = web.register()["matter_id"]
    seen = web.by("clerk").get(f"/api/v1/matters/{matter}")
    assert seen.headers["etag"] == f'"{seen.json()["version"]}"'
    web.walk(matter, "accept")
    who, proposal = web.county.usual("propose")
    for more in ({"headers": {"If-Match": seen.headers["etag"]}}, {"body": {"version": seen.json()["version"]}}):
        stale = web.act(matter, "propose", who, proposal, **more)
        assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
        assert (stale.json()["seen"], stale.json()["present"]) == (1, 2)
    assert web.act(matter, "propose", who, proposal, headers={"If-Match": '"2"'}).headers["etag"] == '"3"'


@pytest.mark.parametrize("etag", ["7", "*", '"x"', '"0"', 'W/"2"', '"' + "9" * 25 + '"'])
def test_an_etag_of_somebody_else_is_refused(web: Web, etag: str) -> None:
    matter = web.register()["matter_id"]
    answer = web.act(matter, "accept", "clerk", headers={"If-Match": etag})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_of_two_at_once_one_gets_through(any_web: Web) -> None:
    web = any_web
    matter = web.register()["matter_id"]
    clients = [web.by("clerk"), web.by("clerk2")] * 3
    path = f"/api/v1/matters/{matter}/actions/accept"
    answers = _at_once([lambda client=client: client.post(path, json={}) for client in clients])  # type: ignore[misc]
    assert Counter(a.status_code for a in answers) == {200: 1, 409: 5}
    shown = web.by("clerk").get(f"/api/v1/matters/{matter}").json()
    assert (shown["state"], shown["version"]) == ("triage", 2)


def test_the_same_registration_at_once_opens_one(any_web: Web) -> None:
    web, client = any_web, any_web.by("clerk")
    body = {"procedure": "petition", "unit_id": web.county.units["county"],
            "answers": {**PETITION, "received_on": "2016-03-01"}}  # fmt: skip
    answers = _at_once([lambda: client.post("/api/v1/matters", json=body, headers=KEY)] * 4)
    assert Counter(a.status_code for a in answers) == {201: 1, 409: 3}
    assert len(client.get("/api/v1/matters").json()["items"]) == 1


def test_more_callers_than_threads_do_not_wait_for_one_another(any_web: Web) -> None:
    """With a session held between a dependency and its endpoint, these would starve the writer they wait for."""
    web = any_web
    matter = web.register()["matter_id"]
    token = web.by("clerk").headers["Authorization"]
    with TestClient(web.app, headers={"Authorization": token}) as client:  # one event loop, one pool of forty threads
        item = client.get("/api/v1/worklist").json()["items"][0]["item_id"]
        calls: list[Callable[[], Any]] = [lambda: client.post(f"/api/v1/work-items/{item}/claim")] * 40
        calls += [lambda: client.get(f"/api/v1/matters/{matter}")] * 20
        answers = _at_once(calls)
    assert Counter(a.status_code for a in answers) == {200: 60}
