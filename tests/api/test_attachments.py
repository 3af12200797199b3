"""Files over HTTP: taken from those known, judged by content, shown with their matter."""

from typing import Any

import pytest

from services.documents import MOST_BYTES
from services.engine.models import Attachment
from services.http import envelope
from tests.api.web import TestClient, Web

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
PATH = "/api/v1/attachments"


def _upload(client: TestClient, content: bytes = PDF, name: str = "调查 报告.pdf") -> Any:
    return client.post(PATH, files={"file": (name, content, "application/pdf")})


def _used(web: Web, by: str = "handler") -> tuple[int, int]:
    """A petition with one file of its handler's."""
    matter: int = web.register()["matter_id"]
    web.walk(matter, "accept", "propose", "approve")
    attachment: int = _upload(web.by(by)).json()["id"]
    answers = {"content": "已走访", "attachments": [attachment]}
    assert web.act(matter, "note_progress", by, answers).status_code == 200
    return matter, attachment


def test_a_file_comes_back_whole_and_harmless(any_web: Web) -> None:
    web = any_web
    made = _upload(web.by("handler"))
    assert made.status_code == 201, made.text
    assert (made.json()["name"], made.json()["size"], made.json()["media_type"]) == (
        "调查 报告.pdf",
        len(PDF),
        "application/pdf",
    )
    got = web.by("handler").get(f"{PATH}/{made.json()['id']}")
    assert got.content == PDF
    assert got.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''%E8%B0%83%E6%9F%A5%20%E6%8A%A5%E5%91%8A.pdf"
    )
    assert got.headers["content-type"] == "application/pdf"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"].startswith("default-src 'none'")
    assert int(got.headers["content-length"]) == len(PDF)


def test_a_file_is_its_uploaders_until_an_action_uses_it_and_its_matters_after(web: Web) -> None:
    loose = _upload(web.by("handler")).json()["id"]
    assert web.by("leader").get(f"{PATH}/{loose}").status_code == 404
    matter, used = _used(web)
    assert web.by("leader").get(f"{PATH}/{used}").content == PDF
    assert web.by("elsewhere").get(f"{PATH}/{used}").status_code == 404
    assert [a["id"] for a in web.by("leader").get(f"/api/v1/matters/{matter}").json()["attachments"]] == [used]
    recused = {"person": web.county.people["handler2"], "reason": "亲属关系"}
    assert web.by("handler2").get(f"{PATH}/{used}").status_code == 200
    assert web.act(matter, "recuse", "office", recused).status_code == 200
    assert web.by("handler2").get(f"{PATH}/{used}").status_code == 404


def test_nobody_uses_the_file_of_another(web: Web) -> None:
    matter, used = _used(web)
    loose = _upload(web.by("leader")).json()["id"]
    other = web.register()["matter_id"]
    web.walk(other, "accept", "propose", "approve")
    for where, attachment in ((matter, loose), (other, used), (other, loose), (other, 987654)):
        answer = web.act(where, "note_progress", "handler", {"content": "x", "attachments": [attachment]})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_answers")


@pytest.mark.parametrize(
    ("content", "name", "status"),
    [
        (b"", "empty.pdf", 415),
        (b"MZ\x90\x00" + bytes(60), "report.pdf", 415),
        (b"<!DOCTYPE html><script>alert(1)</script>", "page.txt", 415),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "picture.png", 415),
        (b"#!/bin/sh\nrm -rf /\n", "note.txt", 415),
        ("已走访三户".encode(), "../../etc/passwd.txt", 201),
    ],
)
def test_a_file_is_judged_by_what_it_holds(web: Web, content: bytes, name: str, status: int) -> None:
    answer = _upload(web.by("handler"), content, name)
    assert answer.status_code == status, answer.text
    assert status != 201 or answer.json()["name"] == "passwd.txt"


@pytest.mark.parametrize(
    "request_parts",
    [
        {"json": {"file": "x"}},
        {"data": {"file": "x"}},
        {"files": {"other": ("a.pdf", PDF)}},
        {"files": [("file", ("a.pdf", PDF)), ("file", ("b.pdf", PDF))]},
        {"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=y"}},
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
    ],
)
def test_what_is_no_upload_is_refused(web: Web, request_parts: Any) -> None:
    answer = web.by("handler").post(PATH, **request_parts)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_file_too_large_is_not_taken_in(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    announced = {"Content-Length": str(MOST_BYTES + 10**6), "Content-Type": "multipart/form-data; boundary=x"}
    assert web.by("handler").post(PATH, content=b"", headers=announced).status_code == 413
    monkeypatch.setattr(envelope, "UPLOAD_LIMIT", 5000)

    def pieces() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for _ in range(20):
            yield b"a" * 1000

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert web.by("handler").post(PATH, content=pieces(), headers=headers).status_code == 413
    with web.county.database.read() as session:
        assert session.query(Attachment).count() == 0


def test_a_stranger_fills_no_disk(web: Web) -> None:
    """Who calls is asked before the file is read: the body is not consumed at all."""
    consumed = []

    def pieces() -> Any:
        for number in range(50):
            consumed.append(number)
            yield b"a" * 1000

    answer = web.nobody.post(PATH, content=pieces(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 401


def test_a_damaged_file_is_not_handed_out(web: Web) -> None:
    made = _upload(web.by("handler")).json()
    sha = made["sha256"]
    home = next(iter(web.app.state.service.runtime.settings.home.glob(f"files/{sha[:2]}/{sha[2:4]}/{sha}")))
    home.write_bytes(b"%PDF-1.4 something else")
    answer = web.by("handler").get(f"{PATH}/{made['id']}")
    assert (answer.status_code, answer.json()["code"]) == (500, "file_damaged")
