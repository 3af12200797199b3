"""Files: uploaded at once when chosen, so that no form that is wrong loses them; downloaded and looked at."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Annotated, BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.datastructures import FormData, UploadFile

from services.documents import archive, collect, open_attachment, receive, record
from services.web.forgery import Visitor
from services.web.rendering import render

router = APIRouter()
MOST_FILES = 10
SHOWN = frozenset({"application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp"})
"""What a browser shows by itself and runs nothing of."""

_ALONE = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'self'"


async def read_files(request: Request, _: Visitor) -> AsyncIterator[FormData]:
    """Take files in only after the caller is known: nobody else fills our disk."""
    async with request.form(max_files=MOST_FILES, max_fields=2) as form:
        yield form


@router.post("/uploads")
def upload(request: Request, call: Visitor, form: Annotated[FormData, Depends(read_files)]) -> Response:
    """Keep what was chosen; answer with a line for each, which holds its id for the form it belongs to."""
    kept = []
    for file in form.getlist("file"):
        if isinstance(file, UploadFile) and file.filename:
            received = receive(call.service.runtime, file.filename, file.file)  # slow: outside the transaction
            with call.write() as session:
                stored = record(session, received, call.actor, call.now)
                kept.append(f"{stored.id}|{stored.name}")
    template, field = "forms/uploaded.html", str(form.get("field", ""))[:200]
    return render(request, call, template, fragment=template, files=kept, field=field)


@router.get("/attachments/{attachment_id:int}")
def download(
    call: Visitor, attachment_id: Annotated[int, Path(ge=1, le=2**63 - 1)], view: Annotated[bool, Query()] = False
) -> StreamingResponse:
    """Download a file of a matter the caller may know of; PDF and pictures can be looked at instead."""
    opened = ExitStack()
    with call.read() as session:
        attachment, file = opened.enter_context(
            open_attachment(session, call.engine, call.service.runtime, call.actor, attachment_id)
        )
        name, size, media_type = attachment.name, attachment.size, attachment.media_type
    how = "inline" if view and media_type in SHOWN else "attachment"
    headers = {
        "Content-Disposition": f"{how}; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Length": str(size),
        "Content-Security-Policy": _ALONE,
    }
    return StreamingResponse(_chunks(file, opened), media_type=media_type, headers=headers)


@router.get("/matters/{matter_id:int}/attachments.zip")
def download_all(call: Visitor, matter_id: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> StreamingResponse:
    """Everything at once; that it was taken is on record first."""
    with call.write() as session:
        number, files = collect(session, call.engine, call.actor, matter_id, call.now)
    name = quote(f"{number} 附件.zip", safe="")
    headers = {"Content-Disposition": f"attachment; filename=\"attachments.zip\"; filename*=UTF-8''{name}"}
    return StreamingResponse(archive(call.service.runtime, files), media_type="application/zip", headers=headers)


def _chunks(file: BinaryIO, opened: ExitStack) -> Iterator[bytes]:
    """The session is closed by now: a slow reader must not hold a connection."""
    with opened:
        while chunk := file.read(2**16):
            yield chunk
