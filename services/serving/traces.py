"""Traces of requests and statements, sent to a collector where one is set. Imported only then: it costs 30 MiB."""

from typing import Any

from fastapi import FastAPI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from services.db.session import Database

_ADDRESSES = ("http.url", "http.target", "url.full", "url.path", "url.query")
"""Attributes that may hold a receipt code or what somebody searched for; a span's name is the route's template."""


def trace(
    endpoint: str, apps: tuple[FastAPI, ...], database: Database, exporter: SpanExporter | None = None
) -> TracerProvider:
    """Trace these applications and their database; `exporter` stands in for the collector at the endpoint.

    Statements are told without their values. Spans leave in batches, in a thread; a collector that is down loses
    them and holds nobody up.
    """
    provider = TracerProvider(resource=Resource.create({"service.name": "duban"}))
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=5)))
    for app in apps:
        FastAPIInstrumentor.instrument_app(
            app, tracer_provider=provider, server_request_hook=_hide_address, exclude_spans=["receive", "send"],
            excluded_urls="/api/health,/metrics,/static/",
        )  # fmt: skip
    SQLAlchemyInstrumentor().instrument(engine=database.engine, tracer_provider=provider)
    return provider


def _hide_address(span: Any, _scope: dict[str, Any]) -> None:
    for name in _ADDRESSES:
        if name in (span.attributes or {}):
            span.set_attribute(name, "")
