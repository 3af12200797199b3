"""Traces leave where a collector is set, tell no content, and cost nothing elsewhere."""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.api.app import create_app
from services.serving.traces import trace
from tests.api.web import TestClient, serve
from tests.support.cast import County

ROOT = Path(__file__).parents[2]


class _Collector(BaseHTTPRequestHandler):
    received: bytes = b""

    def do_POST(self) -> None:
        type(self).received = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_a_request_and_its_statements_reach_the_collector(county: County, vault: Any, tmp_path: Path) -> None:
    web = serve(county, vault, tmp_path)
    number = county.open().matter_id
    client = web.by("clerk")
    app = create_app(web.app.state.service.runtime, web.app.state.service.clock)
    with HTTPServer(("127.0.0.1", 0), _Collector) as collector:
        Thread(target=collector.serve_forever, daemon=True).start()
        provider = trace(f"http://127.0.0.1:{collector.server_port}", (app,), county.database)
        answer = TestClient(app, headers=client.headers).get(f"/api/v1/matters/{number}?secret=HUSH")
        assert answer.status_code == 200
        assert provider.force_flush()
        provider.shutdown()
        collector.shutdown()
    SQLAlchemyInstrumentor().uninstrument()  # it listens to one database at a time
    spans = [
        span
        for resource in ExportTraceServiceRequest.FromString(_Collector.received).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert any(span.name.startswith("GET") and "{matter_id}" in span.name for span in spans)
    statements = [a.value.string_value for span in spans for a in span.attributes if a.key == "db.statement"]
    assert any("FROM credential" in text for text in statements) and any("FROM matter" in text for text in statements)
    assert len({span.trace_id for span in spans}) == 1
    assert b"HUSH" not in _Collector.received


def test_without_a_collector_nothing_is_imported() -> None:
    code = "import services.app, sys; sys.exit('opentelemetry.sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60).returncode == 0
