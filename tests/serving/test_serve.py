"""`duban serve`: what it refuses, and what it starts."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from config.settings import Settings
from services.serving.banner import banner, web_url
from services.serving.children import children
from services.serving.serve import AlreadyServing, PortUnusable, serve
from tests.serving.conftest import Herd

DRIVER = """
import os, sys, types
from config.settings import load_settings
from services.serving import serve as module
from services.serving.supervisor import ChildSpec
web = '''
import http.server, sys
class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Web).serve_forever()
'''
def fakes(settings):
    return [ChildSpec("web", (sys.executable, "-c", web, str(settings.port)), dict(os.environ), 1.0)]
module.children = fakes
module._demo_logins = lambda: [("clerk", "correct horse", "信访室 张三")]
module.serve(load_settings())
print("all ended", flush=True)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, port=free_port(), prefect_port=free_port())


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_a_taken_port_is_refused_with_the_setting_to_change(settings: Settings, taken: int) -> None:
    with pytest.raises(PortUnusable, match=r"is in use; .* DUBAN_HOST or DUBAN_PORT"):
        serve(settings.model_copy(update={"port": taken}))
    with pytest.raises(PortUnusable, match=r"is in use; .* DUBAN_PREFECT_PORT"):
        serve(settings.model_copy(update={"prefect_port": taken}))


def test_an_address_of_another_machine_is_refused(settings: Settings) -> None:
    with pytest.raises(PortUnusable, match="cannot be listened on"):
        serve(settings.model_copy(update={"host": "192.0.2.1"}))


def test_a_data_folder_has_one_server(settings: Settings) -> None:
    with FileLock(settings.home / "serve.lock"), pytest.raises(AlreadyServing, match="DUBAN_HOME"):
        serve(settings)


def test_it_says_where_it_is_and_ends_without_a_trace(herd: Herd, settings: Settings) -> None:
    herd.environ |= settings.as_environ()
    process = herd.start("-c", DRIVER)

    assert process.stdout
    shown = ""
    for line in process.stdout:
        shown += line
        if "Ctrl-C" in line:
            break
    process.terminate()
    rest, _ = process.communicate(timeout=20)

    assert f"http://127.0.0.1:{settings.port}\n" in shown
    assert "clerk" in shown and "correct horse" in shown
    assert rest.endswith("all ended\n")
    assert not herd.alive()


def test_the_children_have_one_set_of_settings_and_stay_on_loopback(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://elsewhere/api")
    web, clock, prefect = children(settings)

    assert all(child.environ["DUBAN_HOME"] == str(settings.home) for child in (web, clock, prefect))
    api = f"http://127.0.0.1:{settings.prefect_port}/api"
    assert clock.environ["PREFECT_API_URL"] == prefect.environ["PREFECT_API_URL"] == api
    assert "127.0.0.1" in clock.environ["no_proxy"].split(",")
    assert prefect.command[-4:] == ("--host", "127.0.0.1", "--port", str(settings.prefect_port))
    assert prefect.log_file == settings.home / "logs" / "prefect.log"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("county.example", "http://county.example:8000"),
    ],
)
def test_the_banner_gives_an_address_that_can_be_opened(host: str, address: str) -> None:
    settings = Settings(host=host)
    assert web_url(settings) == address
    assert "password" not in banner(settings, [])
