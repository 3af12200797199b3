"""The page of a matter: every state, forms round trip, conflicts, what is sealed, who is kept away, paper, files."""

import html
import io
import json
import re
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import segno

from services.db.session import Database
from services.engine.core import Engine
from services.identity.people import add_post
from services.identity.sealing import Vault
from tests.support.cast import build_county
from tests.web.site import HTMX, Site, serve, token_of

STEPS: list[tuple[str, ...]] = [
    (), ("accept",), ("accept", "propose"), ("accept", "propose", "approve"),
    ("accept", "propose", "approve", "complete"), ("accept", "propose", "approve", "complete", "pass_recheck"),
    ("accept", "give_acceptance_notice", "propose", "approve", "complete", "pass_recheck", "feed_back"),
    ("accept", "give_acceptance_notice", "propose", "approve", "complete", "pass_recheck", "feed_back", "archive"),
]  # fmt: skip
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


def _page(site: Site, matter: int, who: str = "clerk", **asked: Any) -> str:
    answer = site.by(who).get(f"/matters/{matter}", params=asked)
    assert answer.status_code == 200, answer.text[:2000]
    return str(answer.text)


def _meta(page: str) -> dict[str, str]:
    return {
        name: m[1]
        for name in ("request_key", "version", "seq")
        if (m := re.search(rf'name="{name}" value="([^"]+)"', page))
    }


def _act(site: Site, matter: int, action: str, who: str, data: dict[str, Any], page: str = "") -> httpx.Response:
    meta = _meta(page or _page(site, matter, who, do=action))
    return site.post(who, f"/matters/{matter}/actions/{action}", {**meta, **{f"a.{k}": v for k, v in data.items()}})


def _triggered(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.headers["hx-trigger"])
    return found


@pytest.fixture
def postgres_site(postgres: Database, engine: Engine, vault: Vault, tmp_path: Path) -> Site:
    """A county on PostgreSQL behind its web."""
    return serve(build_county(postgres, engine), vault, tmp_path)


def test_on_postgresql_what_a_page_asks_goes_together(postgres_site: Site, trips_made: list[bool]) -> None:
    """One trip says who asks and one brings the matter; the list has two more for what follows from its rows."""
    site = postgres_site
    matter = site.county.walk("accept", "propose", "approve")
    site.county.later(hours=1)  # opened when something has just happened, a page is new the next time as well
    for path, expected in ((f"/matters/{matter}", 2), ("/worklist", 4)):
        site.by("handler").get(path)  # names are asked for once
        trips_made.clear()
        assert site.by("handler").get(path).status_code == 200
        assert len(trips_made) == expected, (path, trips_made)
    assert "已走访" not in _page(site, matter, "handler")
    site.county.act(matter, "note_progress", *site.county.usual("note_progress"))
    assert "已走访" in _page(site, matter, "handler")


@pytest.mark.parametrize("steps", STEPS, ids=lambda steps: "-".join(steps) or "open")
def test_the_page_in_every_state(site: Site, steps: tuple[str, ...]) -> None:
    matter = site.county.walk(*steps)
    for who in ("clerk", "leader", "supervisor"):
        page = _page(site, matter, who)
        assert "办理时限" in page and "办理进程" in page and "反映上河村低保问题" in page
        assert re.search(r'class="state[^"]* now"', page) and "林举报" not in page and "13900000000" not in page
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son[a-z]+=", page)


def test_a_walk_by_three_people_over_the_forms(site: Site) -> None:
    matter = site.county.walk()
    done = _act(site, matter, "accept", "clerk", {"note": "属本机关受理"})
    assert done.status_code == 204 and _triggered(done)["duban:moved"]
    assert _triggered(done)["duban:performed"] == f"{matter}-accept"
    proposal = {
        "disposition": "preliminary_verification", "petition_class": "general", "class_reason": "情况清楚",
        "handler_unit": str(site.county.units["liuhe"]), "opinion": "拟转柳河乡办理",
    }  # fmt: skip
    assert _act(site, matter, "propose", "clerk", proposal).status_code == 204
    assert _act(site, matter, "approve", "leader", {"note": "同意"}).status_code == 204
    page = _page(site, matter, "handler")
    assert "初步核实" in page and "柳河乡" in page and "拟转柳河乡办理" in page and "属本机关受理" in page


def test_what_is_wrong_stands_beside_everything_that_was_typed(site: Site) -> None:
    matter = site.county.walk("accept")
    typed = {
        "disposition": "preliminary_verification", "class_reason": "<很清楚>", "given_due": "哪天",
        "handler_unit": str(site.county.units["liuhe"]),
    }  # fmt: skip
    answer = _act(site, matter, "propose", "clerk", typed)
    assert answer.status_code == 422 and "处需要修改" in answer.text and "请选择" in answer.text
    shown = html.unescape(answer.text)
    assert "<很清楚>" in shown and 'value="哪天"' in shown and ">柳河乡</option>" in shown
    assert re.search(r'value="preliminary_verification" (checked|selected)', shown)
    assert 'id="f-a.opinion-e"' in shown and "年-月-日" in shown


def test_staged_files_survive_a_form_that_is_wrong(site: Site) -> None:
    matter = site.county.walk("accept", "propose", "approve")
    uploaded = _upload(site, "handler", "现场.png", PNG)
    assert uploaded.status_code == 200
    held = html.unescape(re.findall(r'name="a.attachments" value="([^"]+)"', uploaded.text)[0])
    wrong = _act(site, matter, "note_progress", "handler", {"attachments": held})
    assert wrong.status_code == 422 and f'value="{held}"' in wrong.text
    assert _act(site, matter, "note_progress", "handler", {"attachments": held, "content": "见图"}).status_code == 204
    page = _page(site, matter, "leader")
    assert "现场.png" in page and "见图" in page
    link = f"/attachments/{held.split('|')[0]}"
    shown = site.by("leader").get(link, params={"view": 1})
    assert shown.content == PNG and shown.headers["content-disposition"].startswith("inline")
    assert shown.headers["content-security-policy"].startswith("default-src 'none'")
    assert site.by("leader").get(link).headers["content-disposition"].startswith("attachment")
    assert site.by("elsewhere").get(link).status_code == 404


def _upload(site: Site, who: str, name: str, content: bytes) -> httpx.Response:
    browser = site.by(who)
    headers = {**HTMX, "X-CSRF-Token": token_of(browser.get("/profile").text)}
    file = {"file": (name, io.BytesIO(content))}
    answer: httpx.Response = browser.post("/uploads", files=file, data={"field": "a.attachments"}, headers=headers)
    return answer


def test_uploads_have_limits_and_need_our_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = _upload(site, "clerk", "run.exe", b"MZ\x90\x00" + b"\x00" * 100)
    assert refused.status_code == 415 and _triggered(refused)["duban:toast"]["bad"]
    assert _upload(site, "clerk", "large.txt", "大".encode() * 2**19).status_code == 200  # more than any other request
    monkeypatch.setattr("services.http.envelope.UPLOAD_LIMIT", 1000)
    assert _upload(site, "clerk", "large.png", PNG + b"\x00" * 2000).status_code == 413
    assert site.by("clerk").post("/uploads", files={"file": ("a.png", PNG)}).status_code == 403
    assert site.browser().post("/uploads", files={"file": ("a.png", PNG)}, headers=HTMX).status_code == 401


def test_who_comes_second_sees_what_changed_and_loses_nothing(site: Site) -> None:
    matter = site.county.walk("accept", "propose", "approve")
    page = _page(site, matter, "handler", do="note_progress")
    site.county.act(matter, "note_progress", "handler2", {"content": "已走访"})
    answer = _act(site, matter, "note_progress", "handler", {"content": "我写的长长一段"}, page)
    assert answer.status_code == 409 and "事项已有变化" in answer.text and "冯承办" in answer.text
    assert "我写的长长一段" in answer.text and "记录进展" in answer.text and "进入办理中" not in answer.text
    again = _act(site, matter, "note_progress", "handler", {"content": "我写的长长一段"}, answer.text)
    assert again.status_code == 204


def test_an_action_that_is_over_gives_back_what_was_typed(site: Site) -> None:
    matter = site.county.walk("accept", "propose")
    page = _page(site, matter, "leader", do="approve")
    site.county.act(matter, "approve", "leader", {"note": "同意"})
    answer = _act(site, matter, "approve", "leader", {"note": "同意转办"}, page)
    assert answer.status_code == 409 and "同意转办" in answer.text and "批准" in answer.text


def test_the_same_request_twice_is_done_once(site: Site) -> None:
    matter = site.county.walk("accept", "propose", "approve")
    page = _page(site, matter, "handler", do="note_progress")
    assert _act(site, matter, "note_progress", "handler", {"content": "一次"}, page).status_code == 204
    again = _act(site, matter, "note_progress", "handler", {"content": "一次"}, page)
    assert again.status_code == 204 and "未重复办理" in _triggered(again)["duban:toast"]["text"]


def test_a_guard_says_why_and_the_form_stays(site: Site) -> None:
    matter = site.county.walk("accept", "propose", "approve")
    data = {"result": "substantiated", "finished_on": site.county.today.isoformat(), "summary": "已查清",
            "team": str(site.county.people["handler"])}  # fmt: skip
    answer = _act(site, matter, "complete", "handler", data)
    assert answer.status_code == 409 and "本次操作没有执行" in answer.text and "已查清" in answer.text


def test_what_is_sealed_is_opened_with_a_purpose_and_on_record(site: Site) -> None:
    matter = site.county.walk()
    address = f"/matters/{matter}/sealed/complainant"
    assert "已密封" in _page(site, matter) and "查看用途" in site.by("clerk").get(address, headers=HTMX).text
    short = site.post("clerk", address, {"purpose": "看"})
    assert short.status_code == 422 and 'aria-invalid="true"' in short.text and "林举报" not in short.text
    opened = site.post("clerk", address, {"purpose": "联系举报人核实情况"})
    assert opened.status_code == 200 and "林举报" in opened.text and opened.headers["cache-control"] == "no-store"
    page = _page(site, matter)
    assert "查看密封信息" in page and "联系举报人核实情况" in page and "林举报" not in page
    refused = site.post("supervisor", address, {"purpose": "联系举报人核实情况"})
    assert refused.status_code == 409 and "没有查看该密封信息的权限" in refused.text and "林举报" not in refused.text


def test_who_is_named_or_out_of_scope_finds_nothing(site: Site) -> None:
    matter = site.county.walk("accept", "propose", "approve")
    site.county.act(matter, "recuse", *site.county.usual("recuse"))
    for path in ("", "/print", "/aside", "/timeline", "/actions/complete", "/urge", "/copy", "/sealed/complainant"):
        for who in ("handler2", "elsewhere"):
            assert site.by(who).get(f"/matters/{matter}{path}").status_code == 404, (path, who)
    assert site.post("handler2", f"/matters/{matter}/actions/note_progress", {"a.content": "甲"}).status_code == 404
    assert site.browser().get(f"/matters/{matter}").headers["location"].startswith("/login")


def test_the_sheet_has_no_complainant(site: Site) -> None:
    matter = site.county.walk("accept", "propose", "approve")
    sheet = site.by("leader").get(f"/matters/{matter}/print").text
    assert "办理单" in sheet and "信访〔2016〕1号" in sheet and "拟转柳河乡办理" in sheet and "签名" in sheet
    assert "林举报" not in sheet and "举报人" not in sheet.replace("信访举报", "") and "密封" not in sheet


def test_dates_are_explained(site: Site) -> None:
    matter = site.county.walk()
    clock = re.search(rf'hx-get="(/matters/{matter}/clocks/\d+)"', _page(site, matter))
    assert clock
    told = site.by("clerk").get(clock[1], headers=HTMX).text
    assert "依据" in told and "2016-03" in told and "dialog-title" in told
    other = site.county.walk()
    assert site.by("clerk").get(clock[1].replace(f"/{matter}/", f"/{other}/", 1)).status_code == 404


def test_urging_and_copying(site: Site) -> None:
    matter = site.county.walk()
    assert site.post("clerk", f"/matters/{matter}/urge", {"text": " "}).status_code == 422
    urged = site.post("clerk", f"/matters/{matter}/urge", {"text": "请抓紧"})
    assert _triggered(urged)["duban:noted"] and "请抓紧" in _page(site, matter)
    assert "请选择抄送对象" in site.post("clerk", f"/matters/{matter}/copy", {}).text
    nobody = site.post("clerk", f"/matters/{matter}/copy", {"to": site.county.people["nobody"]})
    assert nobody.status_code == 422 and "无权查看本事项" in nobody.text and "蒋某" in nobody.text
    assert site.post("clerk", f"/matters/{matter}/copy", {"to": site.county.people["leader"]}).status_code == 204
    assert "抄送您知悉" in site.by("leader").get("/messages").text


def test_following_changes_the_button_alone(site: Site) -> None:
    matter = site.county.walk()
    assert _triggered(site.post("clerk", f"/matters/{matter}/follow"))["duban:followed"] is True
    head = site.by("clerk").get(f"/matters/{matter}/head", headers=HTMX).text
    assert "取消关注" in head and "<form" not in head


def test_opening_the_page_takes_the_row_out_of_bold(site: Site) -> None:
    matter = site.county.walk()
    site.county.later(minutes=1)
    assert 'class="unread"' in site.by("clerk").get("/worklist").text
    _page(site, matter)
    assert 'class="unread"' not in site.by("clerk").get("/worklist").text


def test_pickers_find_by_initials_and_show_only_what_may_be_seen(site: Site) -> None:
    matter = site.county.walk()
    clerk, elsewhere = site.by("clerk"), site.by("elsewhere")
    assert [p["text"] for p in clerk.get("/pickers/person", params={"q": "wcb"}).json()] == ["王承办", "卫承办"]
    assert [u["text"] for u in clerk.get("/pickers/unit", params={"q": "lhx"}).json()] == ["柳河乡"]
    assert [m["value"] for m in clerk.get("/pickers/matter", params={"q": "低保"}).json()] == [matter]
    assert elsewhere.get("/pickers/matter", params={"q": "低保"}).json() == []


def test_pickers_follow_the_tree_with_ones_own_unit_first(site: Site) -> None:
    handler = site.by("handler")  # of the township
    places = [p["text"] for p in handler.get("/pickers/unit").json()]
    assert places[0] == "柳河乡" and "上河村" in places
    found = {p["text"]: p["group"] for p in handler.get("/pickers/unit", params={"q": "上河"}).json()}
    assert found == {"上河村": "柳河乡"}
    county = site.county
    with county.database.write() as session:
        for who, place, title in [
            ("township_leader", "liuhe", "书记"),
            ("water_head", "water", "局长"),
            ("handler", "liuhe", "干事"),
        ]:
            add_post(session, county.people[who], county.units[place], title, date(2016, 1, 1))
    found = [(p["text"], p["note"], p["group"]) for p in handler.get("/pickers/person").json()]
    assert found[:3] == [
        ("王承办", "干事", "柳河乡"), ("陈书记", "书记", "柳河乡"), ("张局长", "局长", "县水利局"),
    ]  # fmt: skip
    assert {group for _, _, group in found[3:]} == {"未登记职务"}
    assert [p["text"] for p in handler.get("/pickers/person", params={"q": "水利局"}).json()] == ["张局长"]
    assert site.by("clerk").get("/pickers/unit").json()[0]["group"] == ""


def test_older_entries_follow(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.web.matters.ENTRIES", 2)
    matter = site.county.walk("accept", "propose", "approve")
    more = re.search(rf'hx-get="(/matters/{matter}/timeline\?cursor=[^"]+)"', _page(site, matter))
    assert more
    older = site.by("clerk").get(html.unescape(more[1]), headers=HTMX).text
    assert "受理" in older and "登记" in older and "更早的记录" not in older


def test_all_files_come_in_one_archive_to_whoever_sees_the_matter(site: Site) -> None:
    matter = site.county.walk("accept", "propose", "approve")
    pdf = b"%PDF-1.4\n" + b"x" * 2000
    for _ in range(2):
        uploaded = _upload(site, "handler", "说明.pdf", pdf)
        held = html.unescape(re.findall(r'name="a.attachments" value="([^"]+)"', uploaded.text)[0])
        answer = _act(site, matter, "note_progress", "handler", {"attachments": held, "content": "见附件"})
        assert answer.status_code == 204
    path = f"/matters/{matter}/attachments.zip"
    assert path in _page(site, matter)
    sent = site.by("clerk").get(path)
    assert (
        sent.headers["content-type"] == "application/zip"
        and "%E9%99%84%E4%BB%B6.zip" in sent.headers["content-disposition"]
    )
    packed = zipfile.ZipFile(io.BytesIO(sent.content))
    assert {name: packed.read(name) for name in packed.namelist()} == {"说明.pdf": pdf, "说明 (2).pdf": pdf}
    assert "下载全部附件" in _page(site, matter)
    assert site.by("elsewhere").get(path).status_code == 404
    assert site.by("clerk").get(f"/matters/{site.county.open().matter_id}/attachments.zip").status_code == 404


def test_the_sheet_leads_back_to_its_matter(site: Site) -> None:
    matter = site.county.walk("accept", "propose")
    sheet = site.by("leader").get(f"/matters/{matter}/print").text
    code = segno.make(f"http://testserver/matters/{matter}", error="m", micro=False)
    drawn = re.search(r'<path[^>]* d="([^"]+)"', sheet)
    assert drawn and drawn[1] in code.svg_inline(border=0)
    assert sheet.count("签名：") == 3 and "<thead" in sheet


def test_parts_of_a_split_are_typed_in_rows_and_kept(site: Site) -> None:
    matter = site.county.open(problem_fields=["subsidies", "land_requisition"]).matter_id
    page = _page(site, matter, do="split")
    assert 'data-rows-of="parts"' in page and "data-add-row" in page
    typed = {
        "reason": "两类问题", "parts.0.summary": "甲", "parts.0.content": "甲内容",
        "parts.0.problem_fields": "subsidies",
        "parts.3.summary": "乙", "parts.3.content": "", "parts.3.problem_fields": "land_requisition",
    }  # fmt: skip
    wrong = _act(site, matter, "split", "clerk", typed, page)
    assert wrong.status_code == 422
    for kept in ("两类问题", 'value="甲"', "甲内容", 'value="乙"'):
        assert kept in wrong.text
    alone = _act(site, matter, "split", "clerk", {"parts.0.summary": "甲"}, page).text
    assert 'name="a.parts.1.summary"' in page and 'name="a.parts.1.summary"' in alone
    assert _act(site, matter, "split", "clerk", typed | {"parts.3.content": "乙内容"}, wrong.text).status_code == 204
    linked = _page(site, matter)
    assert linked.count('<span class="tag ">分件</span>') == 2


def test_no_form_asks_what_a_matter_is_part_of(site: Site) -> None:
    form = site.by("clerk").get("/matters/new/petition").text
    assert "重复件的原件" in form and "分自" not in form
