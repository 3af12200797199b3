"""The web as `duban serve` starts it, at the simulated present (uvicorn's factory)."""

from services.app import Siblings
from services.app import create_app as real_app
from tests.soak.simulated import Present


def create_app() -> Siblings:
    return real_app(clock=Present.from_environ().now)
