"""Finding Chinese names by what a hurried hand types: characters, or the initials of their pinyin."""

from functools import lru_cache
from itertools import product

from pypinyin import Style, pinyin

_READINGS = 16
"""A title with many characters of several readings would multiply without end."""


def matches(asked: str, *texts: str) -> bool:
    """Whether any of the texts holds what was typed, as it stands or by pinyin initials (lhxsl: 柳河乡水利)."""
    wanted = "".join(asked.split()).casefold()
    if not wanted:
        return True
    return any(
        wanted in "".join(text.split()).casefold() or (wanted.isascii() and wanted in _run(text)) for text in texts
    )


@lru_cache(maxsize=20_000)
def initials(text: str) -> str:
    """Return the initials of the usual reading, everything else as it stands: 柳河乡 → lhx."""
    return "".join(readings[0] for readings in _letters(text))


@lru_cache(maxsize=20_000)
def _run(text: str) -> str:
    """All readings' initials one behind the other, so that one search looks through them."""
    ways, count = [], 1
    for readings in _letters(text):
        count *= len(readings)
        ways.append(readings if count <= _READINGS else readings[:1])
    return "\n".join("".join(way) for way in product(*ways))


def _letters(text: str) -> list[list[str]]:
    found = pinyin(text, style=Style.FIRST_LETTER, heteronym=True)
    return [list(dict.fromkeys(reading.casefold() for reading in readings)) or [""] for readings in found]
