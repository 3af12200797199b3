"""The pages rendered here: harmless, offline, and current."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from services.api.app import application
from services.api.openapi import openapi_text
from tests.api.web import Web

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", ["/", "/receipt?code=x", "/api/docs"])
def test_a_page_has_no_script_and_nothing_from_elsewhere(shared_web: Web, path: str) -> None:
    answer = shared_web.nobody.get(path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert not re.search(r"<script|<img|<link|//[a-z]|style=|\son[a-z]+=", answer.text)


def test_the_landing_page_leads_to_the_receipt_and_the_description(shared_web: Web) -> None:
    text = shared_web.nobody.get("/").text
    assert '<html lang="zh-CN">' in text and 'action="/receipt"' in text and 'href="/api/docs"' in text


def test_a_receipt_is_answered_as_a_page(web: Web) -> None:
    opened = web.register()
    web.walk(opened["matter_id"], "accept", "propose", "approve")
    page = web.nobody.get("/receipt", params={"code": opened["receipt_code"]})
    assert page.status_code == 200 and page.headers["cache-control"] == "no-store"
    assert "办理中" in page.text and "2016-04-01" in page.text and "低保" not in page.text


def test_what_was_typed_is_shown_escaped(shared_web: Web) -> None:
    page = shared_web.nobody.get("/receipt", params={"code": '"><script>alert(1)</script>$style'})
    assert page.status_code == 404
    assert "<script" not in page.text and "&lt;script&gt;" in page.text


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
