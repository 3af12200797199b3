"""`/metrics` for Prometheus: for this machine itself, and for whoever has the token."""

import hmac

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from services.db.errors import DubanError
from services.http.calls import Service, TheService
from services.http.errors import MetricsClosed
from services.http.measures import Measures
from services.notifications.outbox import Waiting, waiting_copies
from services.runs.figures import Figures, read_figures

PATH = "/metrics"
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LOOPBACK = frozenset({"127.0.0.1", "::1"})
router = APIRouter()
log = structlog.get_logger(__name__)


@router.get(PATH, include_in_schema=False)
def show_metrics(request: Request, the: TheService) -> Response:
    """Write the figures. Not part of the API: it tells how many matters there are, but none of them."""
    _refuse_strangers(request, the.runtime.settings.metrics_token)
    return Response(_measures(request, the).exposition(), media_type=MEDIA_TYPE)


def _refuse_strangers(request: Request, token: str) -> None:
    """Whoever comes through a proxy is no neighbour, though the proxy is."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return
    proxied = {"x-forwarded-for", "forwarded", "x-real-ip"} & set(request.headers)
    if proxied or request.client is None or request.client.host not in _LOOPBACK:
        raise MetricsClosed


def _measures(request: Request, the: Service) -> Measures:
    kept: Measures | None = getattr(request.app.state, "measures", None)
    if kept is None:
        kept = request.app.state.measures = Measures(lambda: _read(the), the.clock)
    return kept


def _read(the: Service) -> tuple[Figures, Waiting] | None:
    try:
        with the.runtime.database.read() as session:
            figures = read_figures(session, the.engine, the.clock())
            leaves = bool(the.runtime.settings.notify_urls)
            return figures, waiting_copies(session) if leaves else Waiting(0, 0, None)
    except (SQLAlchemyError, DubanError) as error:
        log.error("metrics without database", why=str(error))
        return None
