"""Searching Chinese text by the initials of its pinyin, as a regular expression that both databases understand."""

import re
from collections import defaultdict
from functools import cache

from pypinyin import Style, pinyin

_FIRST, _LAST = 0x4E00, 0x9FA5
AT_MOST = 20
"""How many characters are looked for; nobody types more initials than that."""


def pattern_of(typed: str) -> str | None:
    """Return what finds "lhx" in 柳河乡, all readings counted; None where no letter was typed."""
    wanted = "".join(typed.split()).lower()[:AT_MOST]
    if not wanted.isascii() or not any(letter.isalpha() for letter in wanted):
        return None
    classes = _characters()
    return "".join(f"[{letter}{letter.upper()}{classes.get(letter, '')}]" if letter.isalpha() else re.escape(letter)
                   for letter in wanted)  # fmt: skip


@cache
def _characters() -> dict[str, str]:
    """The characters in common use by the first letter of each of their readings."""
    found: dict[str, list[str]] = defaultdict(list)
    for character in map(chr, range(_FIRST, _LAST + 1)):
        if _is_common(character):
            (readings,) = pinyin(character, style=Style.FIRST_LETTER, heteronym=True)
            for letter in {reading.lower() for reading in readings}:
                found[letter].append(character)
    return {letter: "".join(characters) for letter, characters in found.items()}


def _is_common(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True
