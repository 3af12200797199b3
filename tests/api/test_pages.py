"""The pages rendered here: harmless, offline, and current."""

import base64
import hashlib
import re
from pathlib import Path

from services.api.app import application
from services.api.openapi import openapi_text
from tests.api.web import Web

ROOT = Path(__file__).parents[2]


def test_the_page_has_no_script_and_nothing_from_elsewhere(shared_web: Web) -> None:
    answer = shared_web.nobody.get("/api/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert not re.search(r"<script|<img|<link|//[a-z]|style=|\son[a-z]+=", answer.text)


def test_the_description_lists_every_operation(shared_web: Web) -> None:
    text = shared_web.nobody.get("/api/docs").text
    for path, methods in application().openapi()["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in text


def test_the_committed_description_is_current() -> None:
    committed = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert committed == openapi_text(), "run: .venv/bin/python -m services.api.openapi > docs/openapi.json"


def test_every_operation_has_a_name_of_its_own_a_summary_and_a_noun() -> None:
    operations = [o for methods in application().openapi()["paths"].values() for o in methods.values()]
    names = [o["operationId"] for o in operations]
    assert len(set(names)) == len(names)
    assert all(o["description"] and len(o["tags"]) == 1 and "4XX" in o["responses"] for o in operations)


def test_the_description_is_served(shared_web: Web) -> None:
    assert shared_web.nobody.get("/api/openapi.json").json() == application().openapi()
