"""The web put together: every module of `services.web.pages` that has a `router`, and what they work with."""

import pkgutil
from collections.abc import Iterable, Iterator
from importlib import import_module

from fastapi import APIRouter, FastAPI
from starlette.routing import Route

from services.web import pages
from services.web.assets import PREFIX, Assets
from services.web.calls import Envelope, Service
from services.web.guarding import Guard, too_large
from services.web.packing import Packing
from services.web.rendering import Templates
from services.web.troubles import add_handlers


def application(service: Service) -> FastAPI:
    """Make the web; raise AssetsMissing where its scripts and styles were not built."""
    assets = Assets()
    app = FastAPI(title="督办", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.service, app.state.templates = service, Templates(assets)
    for router in (routers := list(_routers())):
        app.include_router(router)
    app.state.templates.pages = frozenset(_paths(routers))
    app.mount(PREFIX.rstrip("/"), assets)
    add_handlers(app)
    # no BREACH: the cookie is SameSite=strict, so nobody elsewhere can have pages of ours made for him
    app.add_middleware(Packing, minimum_size=1024, compresslevel=2)
    app.add_middleware(Guard)
    app.add_middleware(Envelope, too_large=too_large)
    return app


_ASKED_MOST = frozenset({f"{pages.__name__}.worklist", f"{pages.__name__}.matters"})


def _routers() -> Iterator[APIRouter]:
    """Routers are tried one after the other, so those of the pages asked for most come first."""
    modules = pkgutil.walk_packages(pages.__path__, f"{pages.__name__}.")
    for module in sorted(modules, key=lambda module: module.name not in _ASKED_MOST):
        if (router := getattr(import_module(module.name), "router", None)) is not None:
            yield router


def _paths(routers: Iterable[APIRouter]) -> Iterator[str]:
    for router in routers:
        yield from (route.path for route in router.routes if isinstance(route, Route))
