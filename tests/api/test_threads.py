"""A request of a hot route is carried out in one worker thread, whoever asks and whatever comes of it."""

import threading
from typing import Annotated, Any

import anyio
import pytest
from fastapi import APIRouter, Depends, FastAPI

from services.api.routes import actions
from services.http import calls
from services.http.threads import InOneThread
from tests.api.web import TestClient, Web


def test_who_calls_is_found_and_the_action_taken_in_one_thread(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def told(module: Any, name: str) -> None:
        real = getattr(module, name)

        def noting(*given: Any, **more: Any) -> Any:
            ran.append(threading.current_thread().name)
            return real(*given, **more)

        monkeypatch.setattr(module, name, noting)

    number = web.register()["matter_id"]
    told(calls, "authenticate")
    told(actions, "perform")
    assert web.act(number, "accept", "clerk").status_code == 200
    assert len(ran) == 2 and len(set(ran)) == 1 and ran[0] != threading.main_thread().name


def test_a_refusal_comes_out_of_the_thread_as_it_is(web: Web) -> None:
    number = web.register()["matter_id"]
    assert web.act(number, "nonsense", "clerk").json()["code"] == "not_permitted"
    assert web.act(number, "accept", "clerk", body={"answers": 5}).status_code == 422
    assert web.nobody.post(f"/api/v1/matters/{number}/actions/accept", json={"answers": 5}).status_code == 401


def test_a_dependency_that_waits_for_the_event_loop_is_found_out() -> None:
    router = APIRouter(route_class=InOneThread)

    async def waits() -> None:
        await anyio.sleep(0)

    @router.get("/")
    def show(_: Annotated[None, Depends(waits)]) -> None:
        """Never reached."""

    app = FastAPI()
    app.include_router(router)
    with pytest.raises(RuntimeError):
        TestClient(app).get("/")
