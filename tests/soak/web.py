"""The web as `duban serve` starts it, at the simulated present (uvicorn's factory)."""

from datetime import datetime

from services.app import Siblings
from services.app import create_app as real_app
from services.http.calls import clock
from tests.soak.simulated import Present


def create_app() -> Siblings:
    present, app = Present.from_environ(), real_app()

    async def simulated() -> datetime:
        return present.now()

    for half in (app.api, app.web):
        half.dependency_overrides[clock] = simulated
    return app
