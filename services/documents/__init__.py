"""Files that belong to matters: kept once by content, checked when they come and whenever they are read."""

from services.documents.attachments import open_attachment, receive, record, store_upload
from services.documents.bundle import archive, collect
from services.documents.errors import FileDamaged, UploadRefused, UploadTooLarge
from services.documents.store import MOST_BYTES, FileStore, Kept

__all__ = [
    "MOST_BYTES",
    "FileDamaged",
    "FileStore",
    "Kept",
    "UploadRefused",
    "UploadTooLarge",
    "archive",
    "collect",
    "open_attachment",
    "receive",
    "record",
    "store_upload",
]
