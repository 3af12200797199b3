"""Reading from Prefect's server: what is asked, what is made of the answer, and silence."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from config.settings import Settings
from services.runs.prefect_server import PrefectUnreachable, prefect_environ, prefect_status, run_logs

LINES = [
    {"timestamp": "2026-01-02T03:04:05Z", "level": 20, "message": '{"fired": 3}', "flow_run_id": "r"},
    {"timestamp": "2026-01-02T03:04:06Z", "level": 40, "message": "坏了", "flow_run_id": "r"},
]


class Double:
    """Answers as Prefect does; `asked` holds the bodies it was sent."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.health: Any = True
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(double.health if self.path == "/api/health" else None)

            def do_POST(self) -> None:
                double.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self._answer(LINES if self.path == "/api/logs/filter" else None)

            def _answer(self, body: Any) -> None:
                self.send_response(404 if body is None else 200)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.settings = Settings(prefect_port=self.server.server_port)


@pytest.fixture
def double() -> Iterator[Double]:
    made = Double()
    serving = threading.Thread(target=made.server.serve_forever, args=(0.05,))
    serving.start()
    yield made
    made.server.shutdown()
    serving.join()
    made.server.server_close()


@pytest.fixture
def silent() -> Settings:
    """Nothing listens on the port: it was free a moment ago."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return Settings(prefect_port=server.server_port)


def test_it_is_up_when_it_says_so(double: Double, silent: Settings) -> None:
    address = f"http://127.0.0.1:{double.settings.prefect_port}"
    assert prefect_status(double.settings) == {"up": True, "ui": address}
    double.health = {"detail": "starting"}
    assert prefect_status(double.settings)["up"] is False
    assert prefect_status(silent)["up"] is False


def test_a_proxy_in_the_environment_is_not_asked(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:9")
    assert prefect_status(double.settings)["up"] is True


def test_logs_are_those_of_the_run_oldest_first(double: Double) -> None:
    assert run_logs(double.settings, "r", limit=500, offset=200) == [
        {"at": "2026-01-02T03:04:05Z", "level": "INFO", "text": '{"fired": 3}'},
        {"at": "2026-01-02T03:04:06Z", "level": "ERROR", "text": "坏了"},
    ]
    assert double.asked == [
        {"logs": {"flow_run_id": {"any_": ["r"]}}, "sort": "TIMESTAMP_ASC", "limit": 200, "offset": 200}
    ]


def test_without_the_server_there_are_no_logs_and_a_reason(silent: Settings) -> None:
    with pytest.raises(PrefectUnreachable) as refused:
        run_logs(silent, "r")
    assert (refused.value.status, refused.value.code) == (503, "prefect_unreachable")


def test_several_machines_share_a_server_that_asks_who_they_are() -> None:
    shared = Settings(
        database_url="postgresql://db/duban", prefect_api_url="http://10.0.0.3:4200/api", prefect_auth="duban:secret"
    )
    environ = prefect_environ(shared, {})
    assert environ["PREFECT_API_URL"] == "http://10.0.0.3:4200/api"
    assert environ["PREFECT_API_AUTH_STRING"] == "duban:secret"
    assert "10.0.0.3" in environ["no_proxy"].split(",")
    assert prefect_status(shared, 0.05)["ui"] == "http://10.0.0.3:4200"


def test_other_settings_of_prefect_are_not_inherited_and_loopback_is_never_proxied() -> None:
    given = {"PREFECT_API_KEY": "x", "PATH": "/bin", "NO_PROXY": "intranet"}
    environ = prefect_environ(Settings(home="/data", prefect_port=4300), given)

    assert "PREFECT_API_KEY" not in environ
    assert environ["PATH"] == "/bin"
    assert environ["PREFECT_HOME"] == "/data/prefect"
    assert environ["PREFECT_API_URL"] == "http://127.0.0.1:4300/api"
    assert environ["no_proxy"] == environ["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert (environ["PREFECT_SERVER_ANALYTICS_ENABLED"], environ["DO_NOT_TRACK"]) == ("false", "1")
