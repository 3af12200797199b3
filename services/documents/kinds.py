"""What kind of file this is, told by its content; and a name that is safe to keep and to offer."""

import re
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

import filetype

from services.documents.errors import UploadRefused

LONGEST_NAME = 150
_HEAD = 64 * 2**10
_OFFICE = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."


@dataclass(frozen=True, slots=True)
class Kind:
    """A media type and the endings it may have; the first is given to a name that has none of them."""

    media_type: str
    endings: tuple[str, ...]


_BINARY = {
    kind.media_type: kind
    for kind in (
        Kind("application/pdf", (".pdf",)),
        Kind("application/rtf", (".rtf",)),
        Kind("image/jpeg", (".jpg", ".jpeg")),
        Kind("image/png", (".png",)),
        Kind("image/gif", (".gif",)),
        Kind("image/bmp", (".bmp",)),
        Kind("image/webp", (".webp",)),
        Kind("image/tiff", (".tif", ".tiff")),
        Kind("image/heic", (".heic",)),
        Kind("audio/mpeg", (".mp3",)),
        Kind("audio/mp4", (".m4a",)),
        Kind("audio/x-wav", (".wav",)),
        Kind("audio/amr", (".amr",)),
        Kind("audio/aac", (".aac",)),
        Kind("audio/ogg", (".ogg",)),
        Kind("video/mp4", (".mp4",)),
        Kind("video/quicktime", (".mov",)),
        Kind("video/3gpp", (".3gp",)),
        Kind("video/x-msvideo", (".avi",)),
        Kind("video/x-ms-wmv", (".wmv",)),
        Kind("video/x-matroska", (".mkv",)),
    )
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_ENDINGS = {
    ".doc": "application/msword", ".wps": "application/vnd.ms-works", ".xls": "application/vnd.ms-excel",
    ".et": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint", ".dps": "application/vnd.ms-powerpoint",
}  # fmt: skip
"""Old office files look alike inside, and like installers: here alone the ending decides."""

_ZIPPED: tuple[tuple[Callable[[set[str]], bool], Kind], ...] = (
    (lambda names: "word/document.xml" in names, Kind(_OFFICE + "wordprocessingml.document", (".docx",))),
    (lambda names: "xl/workbook.xml" in names, Kind(_OFFICE + "spreadsheetml.sheet", (".xlsx",))),
    (lambda names: "ppt/presentation.xml" in names, Kind(_OFFICE + "presentationml.presentation", (".pptx",))),
    (lambda names: "OFD.xml" in names, Kind("application/ofd", (".ofd",))),
)
_ODF_KINDS = {
    _ODF + "text": Kind(_ODF + "text", (".odt",)),
    _ODF + "spreadsheet": Kind(_ODF + "spreadsheet", (".ods",)),
    _ODF + "presentation": Kind(_ODF + "presentation", (".odp",)),
}
_PLAIN, _CSV = Kind("text/plain", (".txt", ".text", ".log", ".md")), Kind("text/csv", (".csv",))
_MARKUP = re.compile(r"<(?:!doctype|html|head|body|script|svg|iframe|\?xml|\?php|%)", re.IGNORECASE)
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_NOT_IN_NAMES = re.compile(r'[<>:"|?*]')


def recognise(file: BinaryIO, name: str) -> Kind:
    """Return the kind of a file at its beginning; raise UploadRefused for one that is empty or not kept."""
    head, ending = file.read(_HEAD), PurePosixPath(name.strip().lower()).suffix
    if not head:
        raise UploadRefused("the file is empty", "文件为空，请重新选择")
    if head.startswith(b"PK\x03\x04"):
        kind = _zipped(file)
    elif head.startswith(_OLE):
        kind = Kind(_OLE_ENDINGS[ending], (ending,)) if ending in _OLE_ENDINGS else None
    else:
        found = filetype.guess(head)
        kind = _BINARY.get(found.mime) if found else _text(head, ending)
    if kind is None:
        raise UploadRefused(
            "this type of file is not kept; send documents, pictures, sound, video, plain text or CSV",
            "不支持该类型的文件，请上传文档、图片、音视频、纯文本或CSV文件",
        )
    return kind


def clean_name(name: str, kind: Kind) -> str:
    """Return the last part of a name without anything that a file system or a page could stumble over."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").split("/")[-1]
    name = "".join(
        c for c in name if unicodedata.category(c)[0] != "C"
    )  # control marks, and those that turn text round
    name = _NOT_IN_NAMES.sub("_", name).strip(" .") or "附件"
    stem, ending = PurePosixPath(name).stem, PurePosixPath(name).suffix
    if ending.lower() not in kind.endings:
        stem, ending = name, kind.endings[0]
    return stem[: LONGEST_NAME - len(ending)] + ending


def _zipped(file: BinaryIO) -> Kind | None:
    """An archive is kept only as the office document that it is, and only one without macros."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                return None
            if "mimetype" in names:
                with archive.open("mimetype") as written:
                    return _ODF_KINDS.get(written.read(200).decode("ascii", "replace").strip())
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError):
        return None
    return next((kind for is_it, kind in _ZIPPED if is_it(names)), None)


def _text(head: bytes, ending: str) -> Kind | None:
    """Text in UTF-8 or GB 18030 that no browser or shell would take for something to run."""
    text = _decoded(head)
    if text is None or _NOT_TEXT.search(text) or _MARKUP.search(text) or text.startswith("#!"):
        return None
    kind = _CSV if ending in _CSV.endings else _PLAIN
    return kind if not ending or ending in kind.endings else None


def _decoded(head: bytes) -> str | None:
    cut = 3 if len(head) == _HEAD else 0  # the last character may be cut in two
    for encoding in ("utf-8-sig", "gb18030"):
        for dropped in range(cut + 1):
            try:
                return head[: len(head) - dropped].decode(encoding)
            except UnicodeDecodeError:
                continue
    return None
