"""The application: routers put together, and what they work with."""

from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI
from fastapi.routing import APIRoute

from services.api.openapi import DESCRIPTION, REFUSAL, describe
from services.api.pages import operations
from services.api.routes import (
    actions,
    attachments,
    clocks,
    delegations,
    journal,
    matters,
    messages,
    metrics,
    people,
    probes,
    procedures,
    public,
    rules,
    rungs,
    runs,
    samples,
    scores,
    sealed,
    session,
    units,
    work_items,
    worklist,
)
from services.engine.core import engine_for
from services.http.calls import Service, clock_now
from services.http.envelope import Envelope
from services.http.problems import add_handlers, too_large
from services.runtime import Runtime
from services.runtime import runtime as default_runtime

_NOUNS = (  # tried one after the other: what is asked for most comes first
    actions, session, people, units, delegations, worklist, matters, rules, sealed, work_items, clocks, rungs,
    attachments, messages, journal, procedures, samples, scores, runs, public,
)  # fmt: skip


def create_app(runtime: Runtime | None = None, clock: Callable[[], datetime] = clock_now) -> FastAPI:
    """Make the application for a runtime, by default this process's own (uvicorn's factory), and a clock.

    Raises BadSettings, SecretFileUnusable, BadPack or BadDeclarations: with those nothing could be served.
    """
    works = runtime or default_runtime()
    app = application()
    app.state.service = Service(works, engine_for(works), clock)
    return app


def application() -> FastAPI:
    """Make it without anything to work with: enough to describe it."""
    app = FastAPI(
        title="Duban 督办", version="1", description=DESCRIPTION, openapi_url="/api/openapi.json",
        docs_url=None, redoc_url=None, redirect_slashes=False, generate_unique_id_function=_operation_id,
    )  # fmt: skip
    for noun in _NOUNS:  # each by itself: a router within a router is looked through once more
        app.include_router(noun.router, prefix="/api/v1", responses=REFUSAL)
    app.include_router(probes.router, prefix="/api", responses=REFUSAL)
    app.include_router(metrics.router)
    app.include_router(operations.router)
    add_handlers(app)
    app.add_middleware(Envelope, too_large=too_large)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
