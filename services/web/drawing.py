"""The diagram of a procedure, coloured by what a matter's journal says was walked."""

import re
from collections.abc import Collection
from functools import lru_cache

import segno
from markupsafe import Markup

from services.engine.diagram import to_svg
from services.engine.registry import Definition
from statemachines.kit.situation import Move

Walked = frozenset[tuple[str | None, str]]
"""From which state to which: every step a matter took."""

_GROUP = re.compile(r'<g class="(state|move)([^"]*)" ([^>]*)>')
_DRAWN: dict[str, str] = {}
_DATA = re.compile(r'data-(\w+)="([^"]*)"')


def coloured(definition: Definition, trail: Collection[Move], state: str, possible: Collection[str]) -> Markup:
    """Return the drawing with classes: passed, now, possible (by the actions named), and none for what was not reached.

    Raises CannotDraw where the layout program is missing.
    """
    walked = frozenset((move.source, move.target) for move in trail)
    return _coloured(_drawn(definition), walked, state, frozenset(possible))


@lru_cache(maxsize=200)
def _coloured(drawn: str, walked: Walked, state: str, possible: frozenset[str]) -> Markup:
    """Most matters go one of a few ways, and a page is opened more than once."""
    passed = {place for pair in walked for place in pair if place}

    def mark(group: re.Match[str]) -> str:
        data = dict(_DATA.findall(group[3]))
        is_state = group[1] == "state"
        css = _of_state(data["state"], state, passed) if is_state else _of_move(data, walked, state, possible)
        return f'<g class="{group[1]}{group[2]}{css}" {group[3]}>'

    return Markup(_GROUP.sub(mark, drawn))


def qr_code(address: str) -> Markup:
    """Return an address as a picture for a telephone's camera: whoever holds the sheet finds the matter again."""
    return Markup(segno.make(address, error="m", micro=False).svg_inline(border=0, omitsize=True, svgclass="qr"))


def _drawn(definition: Definition) -> str:
    """Laid out once for each version of a procedure."""
    if definition.procedure_hash not in _DRAWN:
        _DRAWN[definition.procedure_hash] = to_svg(definition.procedure)
    return _DRAWN[definition.procedure_hash]


def _of_state(place: str, state: str, passed: Collection[str]) -> str:
    return " now" if place == state else " passed" if place in passed else ""


def _of_move(data: dict[str, str], walked: Walked, state: str, possible: Collection[str]) -> str:
    if data["source"] == state and set(data["actions"].split()) & set(possible):
        return " possible"
    return " passed" if (data["source"], data["target"]) in walked else ""
