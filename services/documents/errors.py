"""The refusals of this package; their codes are part of the API."""

from typing import ClassVar

from services.db.errors import DubanError


class UploadRefused(DubanError):
    """The file is empty, or of a type that is not kept; judged by its content, not by its name."""

    code: ClassVar[str] = "upload_refused"
    status: ClassVar[int] = 415


class UploadTooLarge(DubanError):
    code: ClassVar[str] = "upload_too_large"
    status: ClassVar[int] = 413

    def __init__(self, most: int) -> None:
        mebibytes = most // 2**20
        super().__init__(
            f"a file has at most {mebibytes} MiB; split or compress it",
            f"单个文件不得超过{mebibytes}MB，请压缩或拆分后上传",
        )


class FileDamaged(DubanError):
    """What lies on the disk is not what was stored: missing, cut short or changed."""

    code: ClassVar[str] = "file_damaged"
    status: ClassVar[int] = 500

    def __init__(self, sha256: str) -> None:
        super().__init__(
            f"file {sha256} is missing or was changed; restore it from a backup",
            "附件已损坏或缺失，请联系管理员从备份恢复",
        )
