"""One line per event on standard error, the same in every process: for people, or as JSON for a collector.

What is bound to the context, such as the request's and the matter's id, stands on every line written meanwhile.
"""

import logging
import sys
from typing import Any

import structlog

_CHATTY = ("alembic", "apscheduler", "httpx", "httpcore")
_TEXT = "%(asctime)s [%(levelname)s] %(name)s: %(message)s"


def configure_logging(level: str, form: str = "text") -> None:
    """Set up structlog and the standard library at `level`; libraries that tell of each step speak only of trouble.

    `form` is text or json; a line of JSON has `event`, `level`, `timestamp` (UTC) and what else is known.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=form == "json"),
    ]
    structlog.configure(
        processors=[*shared, *(_as_json() if form == "json" else _as_text())],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_library_json(shared) if form == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(level=level, handlers=[handler])
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def _as_text() -> list[Any]:
    # plain: the default prints local variables with a traceback, a complainant's name among them
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def _as_json() -> list[Any]:
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False, default=str)]


def _library_json(shared: list[Any]) -> logging.Formatter:
    """What libraries say, in the same form."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_as_json()],
    )
