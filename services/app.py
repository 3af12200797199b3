"""Everything one port serves: the API below /api, and the web."""

from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from services.api.app import create_app as create_api
from services.api.routes.metrics import PATH as METRICS
from services.http.calls import clock_now
from services.runtime import Runtime
from services.runtime import runtime as default_runtime
from services.serving.logs import configure_logging
from services.serving.lookout import Lookout
from services.web.app import application


class Siblings:
    """Two applications with handlers of their own: the one answers programs, the other people.

    While they are served, the lookout looks.
    """

    def __init__(self, api: FastAPI, web: FastAPI, lookout: Lookout) -> None:
        self.api, self.web, self.lookout = api, web, lookout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = scope.get("path", "")
        below = path.startswith("/api/") or path == METRICS
        await (self.api if below else self.web)(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self.lookout.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.lookout.stop()
        await send({"type": "lifespan.shutdown.complete"})


def create_app(runtime: Runtime | None = None, clock: Callable[[], datetime] = clock_now) -> Siblings:
    """Make both for a runtime, by default this process's own (uvicorn's factory), and a clock.

    Raises what the API raises, and AssetsMissing where the web's scripts and styles were not built.
    """
    works = runtime or default_runtime()
    if runtime is None:
        configure_logging(works.settings.log_level, works.settings.log_format)
    api = create_api(works, clock)
    web = application(api.state.service)
    if works.settings.otlp_endpoint:
        from services.serving.traces import trace

        trace(works.settings.otlp_endpoint, (api, web), works.database)
    return Siblings(api, web, Lookout(works))
