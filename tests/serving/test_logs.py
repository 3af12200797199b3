"""What stands in the log: in either form, with the ids of request and matter on every line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from services.engine.errors import MatterNotFound
from tests.api.web import Web, serve
from tests.support.cast import County

ROOT = Path(__file__).parents[2]
SAYS = """
import logging, sys
from services.serving.logs import configure_logging
import structlog
configure_logging("INFO", sys.argv[1])
with structlog.contextvars.bound_contextvars(request="r1", matter=7):
    structlog.get_logger().info("办理", by=3)
    logging.getLogger("library").warning("slow %s", "disk")
try:
    secret = "张三"
    raise ValueError("bad")
except ValueError:
    structlog.get_logger().exception("failed")
"""


def says(form: str) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-c", SAYS, form], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert "张三" not in ran.stderr, "a traceback shows no local variables"
    return ran.stderr.splitlines()


def test_as_json_each_line_stands_for_itself() -> None:
    mine, library, failed = (json.loads(line) for line in says("json"))
    assert {"event": "办理", "level": "info", "request": "r1", "matter": 7, "by": 3}.items() <= mine.items()
    assert {"event": "slow disk", "logger": "library", "request": "r1"}.items() <= library.items()
    assert "ValueError: bad" in failed["exception"]
    assert mine["timestamp"].endswith("Z")


def test_as_text_it_is_for_people() -> None:
    assert "request=r1" in says("text")[0]


@pytest.fixture
def web(sqlite_county: County, vault: Any, tmp_path: Path) -> Web:
    return serve(sqlite_county, vault, tmp_path)


def test_lines_of_a_request_carry_its_id_and_the_matters(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those written in the thread that does the work."""
    number = web.county.open().matter_id

    def telling(*_: Any, **__: Any) -> None:
        structlog.get_logger().info("deep inside")
        raise MatterNotFound

    monkeypatch.setattr("services.api.routes.matters.get_matter", telling)
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        answer = web.by("clerk").get(f"/api/v1/matters/{number}", headers={"X-Request-ID": "from-the-proxy"})
    assert answer.headers["X-Request-ID"] == "from-the-proxy"
    assert {line["request"] for line in lines} == {"from-the-proxy"}
    assert str(number) in {str(line.get("matter")) for line in lines}
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as after:
        web.nobody.get("/api/health")
    assert "matter" not in after[-1]
