"""The kind of a file is told by its content, whatever its name claims."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from services.documents import UploadRefused
from services.documents.kinds import LONGEST_NAME, Kind, clean_name, recognise

JPEG, PNG = b"\xff\xd8\xff\xe0" + b"\0" * 300, b"\x89PNG\r\n\x1a\n" + b"\0" * 300
PDF, OLE = b"%PDF-1.7\n" + b"1 0 obj\n" * 50, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
TXT = Kind("text/plain", (".txt",))


def archive(**entries: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, text in entries.items():
            file.writestr(name, text)
    return made.getvalue()


def workbook() -> bytes:
    made = io.BytesIO()
    Workbook().save(made)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        (JPEG, "现场.jpg", "image/jpeg"),
        (JPEG, "没有后缀", "image/jpeg"),
        (PNG, "a.png", "image/png"),
        (PDF, "报告.pdf", "application/pdf"),
        (OLE, "旧报告.doc", "application/msword"),
        (OLE, "台账.xls", "application/vnd.ms-excel"),
        (OLE, "材料.wps", "application/vnd.ms-works"),
        (workbook(), "台账.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (
            archive(**{"[Content_Types].xml": "", "word/document.xml": ""}), "x.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (
            archive(mimetype="application/vnd.oasis.opendocument.text"), "x.odt",
            "application/vnd.oasis.opendocument.text",
        ),
        (archive(**{"OFD.xml": "", "Doc_0/Document.xml": ""}), "公文.ofd", "application/ofd"),
        ("情况说明：1 < 2".encode(), "说明.txt", "text/plain"),
        ("姓名,金额\n".encode("gb18030"), "名单.csv", "text/csv"),
        (b"\xef\xbb\xbf" + "姓名,金额\n".encode(), "名单.CSV", "text/csv"),
        ("字".encode() * 40_000, "长文.txt", "text/plain"),  # the part looked at ends inside a character
    ],
)  # fmt: skip
def test_kept(content: bytes, name: str, media_type: str) -> None:
    assert recognise(io.BytesIO(content), name).media_type == media_type


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "空.txt"),
        (b"MZ\x90\0" + b"\0" * 400, "报告.pdf"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 400, "a.jpg"),
        (b"#!/bin/sh\nrm -rf /\n", "说明.txt"),
        (b"<!DOCTYPE html><html></html>", "说明.txt"),
        (b"\n\n  <HTML><body>", "a.txt"),
        (b"hello <script>alert(1)</script>", "a.txt"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "图.svg"),
        (b"<svg onload=alert(1)>", "图.txt"),
        (b"@echo off\r\n", "a.bat"),
        (b"alert(1)", "a.js"),
        (OLE, "安装.msi"),
        (OLE, "没有后缀"),
        (archive(**{"a.exe": "MZ"}), "a.docx"),
        (archive(**{"word/document.xml": "", "word/vbaProject.bin": ""}), "宏.docx"),
        (archive(mimetype="application/epub+zip"), "书.odt"),
        (b"PK\x03\x04" + b"junk" * 100, "坏.docx"),
        (b"Rar!\x1a\x07\x01\x00" + b"\0" * 300, "包.rar"),
        (b"\0\x01\x02\x03" * 100, "数据.txt"),
        (b"\xff\xff\xff\xff" * 100, "数据.txt"),
    ],
)
def test_refused(content: bytes, name: str) -> None:
    with pytest.raises(UploadRefused):
        recognise(io.BytesIO(content), name)


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("情况说明.txt", "情况说明.txt"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\我的文档\\说明.TXT", "说明.TXT"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie_ x.txt"),
        ("说明\u202etxt.exe", "说明txt.exe.txt"),
        ("恶意.exe", "恶意.exe.txt"),
        ("   ...   ", "附件.txt"),
        ("", "附件.txt"),
        ("文件" * 200 + ".txt", "文件" * 73 + ".txt"),
    ],
)
def test_names_are_cleaned(name: str, cleaned: str) -> None:
    assert clean_name(name, TXT) == cleaned


@given(st.text(max_size=400))
def test_no_name_is_dangerous(name: str) -> None:
    cleaned = clean_name(name, TXT)
    assert cleaned.lower().endswith(".txt") and 0 < len(cleaned) <= LONGEST_NAME
    assert not set(cleaned) & set('/\\\r\n\0<>"') and cleaned == clean_name(cleaned, TXT)
