"""The root of every refusal this product makes on purpose."""

from typing import Any, ClassVar


class DubanError(Exception):
    """An expected refusal: it changed nothing and says how to mend it.

    `code` is stable and part of the API, `status` is what HTTP answers with, `str(error)` is the English
    sentence for machines and the command line, `zh` the Chinese one for people, `extra` goes along as data.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400

    def __init__(self, text: str, zh: str = "", **extra: Any) -> None:
        super().__init__(text)
        self.zh = zh or text
        self.extra = extra
