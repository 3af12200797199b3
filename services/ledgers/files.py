"""One door for ledger files: what kind a file is, told by its first bytes."""

from pathlib import Path

from services.ledgers.delimited import open_delimited
from services.ledgers.tables import MAX_BYTES, LedgerUnreadable, Table
from services.ledgers.workbooks import open_workbook

_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def open_tables(path: Path) -> list[Table]:
    """The tables of an .xlsx or delimited text file, whatever its name ends in. Raises `LedgerUnreadable`."""
    data = _bytes(path)
    if data.startswith(b"PK"):
        return open_workbook(path)
    if data.startswith(_COMPOUND):
        raise _old_or_locked(data)
    if data.lstrip()[:200].lower().startswith((b"<html", b"<!doctype", b"<?xml", b"<table")):
        raise LedgerUnreadable(
            "The file is a web page or XML under another name; open it in Excel or WPS and save it as .xlsx.",
            "文件实为网页或 XML，请用 Excel 或 WPS 打开后另存为 .xlsx，再导入。",
            why="wrong_format",
        )
    return [open_delimited(data, path.stem)]


def _bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise LedgerUnreadable(
            f"Cannot open {path.name}: {error.strerror}; check the path and the access rights.",
            f"无法打开 {path.name}，请检查路径和访问权限。",
            why="not_found",
        ) from error
    if size > MAX_BYTES:
        raise LedgerUnreadable(
            f"The file is larger than {MAX_BYTES >> 20} MiB; split it, or remove pictures from it.",
            f"文件超过 {MAX_BYTES >> 20} MB，请拆分或删除其中的图片后再导入。",
            why="too_large",
        )
    if not data.strip():
        raise LedgerUnreadable(
            "The file is empty; choose the ledger itself.", "文件是空的，请选择台账文件。", why="empty"
        )
    return data


def _old_or_locked(data: bytes) -> LedgerUnreadable:
    if "EncryptedPackage".encode("utf-16-le") in data:
        return LedgerUnreadable(
            "The file is protected by a password; save it without one and import it again.",
            "文件有密码保护，请取消密码后另存，再导入。",
            why="encrypted",
        )
    return LedgerUnreadable(
        "The file is in the old .xls (or .et) format; open it in Excel or WPS and save it as .xlsx.",
        "文件是旧的 .xls（或 .et）格式，请用 Excel 或 WPS 打开后另存为 .xlsx，再导入。",
        why="old_format",
    )
