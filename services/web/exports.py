"""Workbooks that pages send: written to a file without a name, then handed on piece by piece."""

from collections.abc import Iterator
from typing import IO
from urllib.parse import quote

from fastapi.responses import StreamingResponse

_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CHUNK = 2**16


def send_workbook(file: IO[bytes], name: str) -> StreamingResponse:
    """Send an open file under a name, and close it."""
    size = file.seek(0, 2)
    file.seek(0)
    headers = {
        "Content-Disposition": f"attachment; filename=\"export.xlsx\"; filename*=UTF-8''{quote(name)}",
        "Content-Length": str(size),
    }
    return StreamingResponse(_chunks(file), media_type=_WORKBOOK, headers=headers)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
