"""批量导入: the form to fill in, what it would do row by row, and doing it. Between the two nothing is kept here."""

import base64
import json
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from starlette.datastructures import FormData, UploadFile

from services.administration.importing import KIND_TITLES, counts, import_rows, refused
from services.administration.office import Office
from services.administration.rights import administered_units, refuse_unless_admin
from services.administration.sheets import HEADINGS, Row, read_rows, write_refused, write_template
from services.http.administering import office
from services.ledgers.tables import LedgerUnreadable
from services.web.calls import Call
from services.web.forgery import Visitor
from services.web.pages.roles import send
from services.web.rendering import render

router = APIRouter(prefix="/units/import")
MOST_ROWS = 5000
_UNPACKED = 8 * 2**20
Kept = Annotated[str, Form(max_length=900_000)]


async def read_file(request: Request, call: Visitor) -> AsyncIterator[FormData]:
    """Take a file in only from administrators."""
    refuse_unless_admin(call.actor)
    async with request.form(max_files=1, max_fields=2) as form:
        yield form


@router.get("")
def show(request: Request, call: Visitor) -> Response:
    """How it goes, the form to download, and where to hand it in."""
    refuse_unless_admin(call.actor)
    return _page(request, call)


@router.get("/template")
def template(call: Visitor) -> Response:
    """The empty form, with today's roles and the units that the caller administers."""
    with call.read() as session:
        units = [(u.code, u.name) for u in administered_units(session, call.actor) if u.abolished_on is None]
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115  (closed once it is sent)
    write_template(file, KIND_TITLES, call.engine.registry.pack.roles.values(), units)
    return send(file, "机构人员导入模板.xlsx", "template.xlsx")


@router.post("")
def preview(request: Request, call: Visitor, form: Annotated[FormData, Depends(read_file)]) -> Response:
    """What the file would do, row by row; nothing is changed."""
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        return _page(request, call, wrong="请选择填好的 .xlsx 文件", status=422)
    try:
        rows = _read(file)
    except LedgerUnreadable as error:
        return _page(request, call, wrong=error.zh, status=422)
    if not rows:
        return _page(request, call, wrong="文件中没有填写任何单位或人员", status=422)
    if len(rows) > MOST_ROWS:
        return _page(request, call, wrong=f"一次最多导入 {MOST_ROWS} 行，请拆分后分次导入", status=422)
    return _results(request, call, rows, dry_run=True, name=file.filename)


@router.post("/apply")
def apply(
    request: Request, call: Visitor, kept: Kept = "", name: Annotated[str, Form(max_length=300)] = ""
) -> Response:
    """Apply every valid row, in one transaction."""
    refuse_unless_admin(call.actor)
    if (rows := unpack(kept)) is None:
        return _page(request, call, wrong="预览内容已失效，请重新选择文件", status=422)
    return _results(request, call, rows, dry_run=False, name=name)


@router.post("/refused")
def give_back(call: Visitor, kept: Kept = "") -> Response:
    """The refused rows with their reasons, to mend and hand in again."""
    refuse_unless_admin(call.actor)
    rows = unpack(kept) or []
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115  (closed once it is sent)
    write_refused(file, refused(import_rows(_opener(call), rows, dry_run=True)))
    return send(file, "导入退回.xlsx", "refused.xlsx")


def pack(rows: list[Row]) -> str:
    """Rows as a text that a page carries along until they are confirmed; they are judged anew then."""
    text = json.dumps([asdict(row) for row in rows], ensure_ascii=False)
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode()


def unpack(kept: str) -> list[Row] | None:
    """Return the rows of `pack`; None for any other text."""
    try:
        unzip = zlib.decompressobj()
        text = unzip.decompress(base64.urlsafe_b64decode(kept), _UNPACKED)
        listed = json.loads(text)
        rows = [
            Row(str(one["sheet"]), int(one["line"]), {k: str(v) for k, v in one["cells"].items()}) for one in listed
        ]
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error):
        return None
    return rows if 0 < len(rows) <= MOST_ROWS and all(row.sheet in HEADINGS for row in rows) else None


def _read(file: UploadFile) -> list[Row]:
    with NamedTemporaryFile(suffix=".xlsx") as copied:
        while chunk := file.file.read(2**16):
            copied.write(chunk)
        copied.flush()
        return read_rows(Path(copied.name))


def _results(request: Request, call: Call, rows: list[Row], *, dry_run: bool, name: str) -> Response:
    results = import_rows(_opener(call), rows, dry_run)
    left = [result.row for result in results if result.outcome == "refused"]
    told = [(headline(result.row), result) for result in results]
    return render(
        request, call, "units/import.html", fragment="units/import_body.html", results=told, counts=counts(results),
        dry_run=dry_run, kept=pack(rows if dry_run else left) if (dry_run or left) else "", name=name, wrong="",
    )  # fmt: skip


def headline(row: Row) -> str:
    """What a row is called in a list."""
    parts = ("name", "code") if row.sheet == "单位" else ("name", "unit", "title")
    return "，".join(text for part in parts if (text := row.cells.get(part, "")))


def _opener(call: Call) -> Callable[[], AbstractContextManager[Office]]:
    return partial(office, call)


def _page(request: Request, call: Call, *, wrong: str = "", status: int = 200) -> Response:
    return render(
        request, call, "units/import.html", fragment="units/import_body.html", status=status, results=None, counts={},
        dry_run=True, kept="", name="", wrong=wrong,
    )  # fmt: skip
