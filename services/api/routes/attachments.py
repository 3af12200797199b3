"""Files: uploaded before the action that uses them, shown to whoever may see their matter."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Annotated, BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from starlette.datastructures import UploadFile

from services.api.shapes import Id, Shown
from services.documents import open_attachment, receive, record
from services.http.calls import Acting, Reading

router = APIRouter(prefix="/attachments", tags=["attachments"])

_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary", "description": "at most 50 MiB"}},
            }
        }
    },
}


class Stored(Shown):
    """A file on record. `size` is in bytes; give `id` to the action that uses it."""

    id: int
    name: str
    size: int
    media_type: str
    sha256: str


async def read_file(request: Request, _: Acting) -> AsyncIterator[UploadFile]:
    """Take the file in only after the caller is known: nobody else fills our disk."""
    async with request.form(max_files=1, max_fields=0) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise RequestValidationError([{"loc": ("body", "file"), "type": "missing", "msg": "send one file"}])
        yield file


@router.post("", status_code=201, openapi_extra={"requestBody": _BODY})
def upload_file(call: Acting, file: Annotated[UploadFile, Depends(read_file)]) -> Stored:
    """Upload one file (multipart, field `file`); it is judged by its content."""
    received = receive(call.service.runtime, file.filename or "", file.file)  # slow: outside the transaction
    with call.write() as session:
        return Stored.model_validate(record(session, received, call.actor, call.now))


@router.get(
    "/{attachment_id}",
    response_class=StreamingResponse,
    responses={200: {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}},
)
def download_file(attachment_id: Id, call: Reading) -> StreamingResponse:
    """Download a file of a matter the caller may know of, or one's own that no action has used yet."""
    opened = ExitStack()
    with call.read() as session:
        attachment, file = opened.enter_context(
            open_attachment(session, call.engine, call.service.runtime, call.actor, attachment_id)
        )
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(attachment.name, safe='')}",
        "Content-Length": str(attachment.size),
    }
    return StreamingResponse(_chunks(file, opened), media_type=attachment.media_type, headers=headers)


def _chunks(file: BinaryIO, opened: ExitStack) -> Iterator[bytes]:
    """The session is closed by now: a slow reader must not hold a connection."""
    with opened:
        while chunk := file.read(2**16):
            yield chunk
