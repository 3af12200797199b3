"""The workbook of rejected lines, written so that nobody but its owner can read it."""

import os
import tempfile
from pathlib import Path

from services.ledgers.reading import LedgerReading
from services.ledgers.report import write_rejections


def return_rejections(reading: LedgerReading, path: Path) -> None:
    """Write the rejected lines to `path`, complainants in clear, with mode 0600; an older file is replaced."""
    handle, draft = tempfile.mkstemp(dir=path.parent, suffix=".xlsx")  # made with mode 0600
    os.close(handle)
    try:
        write_rejections(reading, Path(draft))
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink()
        raise
