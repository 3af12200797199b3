"""A procedure as a picture: laid out by Graphviz, drawn as our own SVG; and as Mermaid text.

The SVG carries classes and `data-` attributes and no style sheet, so that a page can colour what was walked.
"""

import json
import subprocess
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from unicodedata import east_asian_width
from xml.sax.saxutils import escape, quoteattr

from services.db.errors import DubanError
from statemachines.kit.procedure import Kind, Procedure

_SIZE = 14
_LINE = 18
_MARGIN = 12
_INCH = 72
_FONT = "'Noto Sans CJK SC', 'Source Han Sans SC', 'Microsoft YaHei', 'PingFang SC', sans-serif"
_INK, _LINE_INK, _PAPER = "#1f2933", "#7b8794", "#ffffff"


class CannotDraw(DubanError):
    """The layout program is missing or failed."""

    code: ClassVar[str] = "cannot_draw"
    status: ClassVar[int] = 500


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one state to another; `titles` by name are the actions that lead there."""

    source: str
    target: str
    titles: Mapping[str, str]

    @property
    def lines(self) -> list[str]:
        return list(self.titles.values())


def arrows(procedure: Procedure) -> list[Arrow]:
    """Every change of state that is declared; returns and withdrawals, whose goal is the past, are left out."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for action in procedure.actions.values():
        for source in action.sources:
            for target in action.targets():
                if target != source:
                    found.setdefault((str(source), str(target)), {})[action.name] = action.title
    return [Arrow(source, target, titles) for (source, target), titles in found.items()]


def mermaid(procedure: Procedure) -> str:
    """A Mermaid state diagram with Chinese labels."""
    return "\n".join(_mermaid_lines(procedure))


def to_svg(procedure: Procedure) -> str:
    """An SVG drawing; the same text for the same procedure, on every machine. Raises `CannotDraw`."""
    placed = _lay_out(_dot(procedure))
    moves = arrows(procedure)
    return "\n".join([*_svg_lines(procedure, moves, placed), ""])


def page(procedure: Procedure) -> str:
    """The Markdown page that stands beside the drawing."""
    return "\n".join([*_page_lines(procedure), ""])


def write_all(procedures: Mapping[str, Procedure], folder: Path) -> list[Path]:
    """Write `<key>.svg` and `<key>.md` of every procedure; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for key, procedure in sorted(procedures.items()):
        for suffix, text in (("svg", to_svg(procedure)), ("md", page(procedure))):
            files.append(folder / f"{key}.{suffix}")
            files[-1].write_text(text, encoding="utf-8")
    return files


def _mermaid_lines(procedure: Procedure) -> Iterator[str]:
    yield "stateDiagram-v2"
    for state in procedure.states:
        yield f'    state "{procedure.label(str(state))}" as {state}'
    yield f"    [*] --> {procedure.initial}"
    for arrow in arrows(procedure):
        yield f"    {arrow.source} --> {arrow.target}: {'、'.join(arrow.lines)}"
    yield from (f"    {state} --> [*]" for state in sorted(procedure.final))


def _page_lines(procedure: Procedure) -> Iterator[str]:
    yield from (f"# {procedure.title}", "", f"![{procedure.title}]({procedure.key}.svg)", "")
    yield from ("```mermaid", mermaid(procedure), "```", "", "| 操作 | 名称 | 自 | 至 |", "|---|---|---|---|")
    back = {Kind.RETURN: "已经过的环节", Kind.WITHDRAW: "本人上一步之前", Kind.NOTE: "（不变）", Kind.VOTE: "（不变）"}
    for action in procedure.actions.values():
        sources = "、".join(procedure.label(str(state)) for state in action.sources)
        targets = "、".join(procedure.label(str(state)) for state in action.targets()) or back[action.kind]
        yield f"| `{action.name}` | {action.title} | {sources} | {targets} |"


def _dot(procedure: Procedure) -> str:
    """The graph with boxes of known size: Graphviz need not know the width of a Chinese character."""
    nodes = [f'"{state}" [width={_width([procedure.label(str(state))], 28) / _INCH:.3f}]' for state in procedure.states]
    edges = [
        f'"{a.source}" -> "{a.target}" [id="{n}", label=<<table border="0" cellborder="0" fixedsize="true" '
        f'width="{_width(a.lines, 8)}" height="{_LINE * len(a.lines)}"><tr><td></td></tr></table>>]'
        for n, a in enumerate(arrows(procedure))
    ]
    settings = [
        "graph [rankdir=TB, nodesep=0.45, ranksep=0.4, pad=0]",
        f'node [shape=box, label="", fixedsize=true, height={34 / _INCH:.3f}]',
    ]
    return "digraph {" + "; ".join([*settings, *nodes, *edges]) + "}"


def _lay_out(dot: str) -> dict[str, Any]:
    program = Path(sysconfig.get_path("scripts")) / "graphviz-pure"
    try:
        done = subprocess.run(
            [program, "-Kdot", "-Tjson"], input=dot, capture_output=True, encoding="utf-8", timeout=60, check=True
        )
    except FileNotFoundError as error:
        raise CannotDraw(f"{program.name} is not installed beside this Python; run: make setup") from error
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise CannotDraw(f"{program.name} failed: {str(error.stderr or error).strip()}") from error
    placed: dict[str, Any] = json.loads(done.stdout)
    return placed


def _svg_lines(procedure: Procedure, moves: list[Arrow], placed: Mapping[str, Any]) -> Iterator[str]:
    _, _, width, height = (float(number) for number in placed["bb"].split(","))
    box = f"{-_MARGIN} {-_MARGIN} {_n(width + 2 * _MARGIN)} {_n(height + 2 * _MARGIN)}"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="procedure" viewBox="{box}" role="img" '
        f'font-family="{_FONT}" font-size="{_SIZE}" text-anchor="middle">'
    )
    yield f"<title>{escape(procedure.title)}</title>"
    yield (
        f'<rect class="paper" x="{-_MARGIN}" y="{-_MARGIN}" width="{_n(width + 2 * _MARGIN)}" '
        f'height="{_n(height + 2 * _MARGIN)}" fill="{_PAPER}"/>'
    )
    for edge in placed.get("edges", ()):
        yield from _move_lines(moves[int(edge["id"])], edge, height)
    for node in placed["objects"]:
        yield from _state_lines(procedure, node, height)
    yield "</svg>"


def _state_lines(procedure: Procedure, node: Mapping[str, Any], height: float) -> Iterator[str]:
    state, (x, y) = node["name"], _point(node["pos"], height)
    wide, high = float(node["width"]) * _INCH, float(node["height"]) * _INCH
    kind = "final" if state in procedure.final else "initial" if state == procedure.initial else "between"
    stroke = 2.5 if kind != "between" else 1.2
    yield f'<g class="state {kind}" data-state={quoteattr(state)}>'
    yield (
        f'<rect x="{_n(x - wide / 2)}" y="{_n(y - high / 2)}" width="{_n(wide)}" height="{_n(high)}" rx="6" '
        f'fill="{_PAPER}" stroke="{_INK}" stroke-width="{stroke}"/>'
    )
    yield _text(x, y, procedure.label(state))
    yield "</g>"


def _move_lines(move: Arrow, edge: Mapping[str, Any], height: float) -> Iterator[str]:
    tip_text, *rest = edge["pos"].removeprefix("e,").split()
    tip = _point(tip_text, height)
    start, *curve = (_point(point, height) for point in rest)
    path = f"M{_pair(start)}C{' '.join(map(_pair, curve))}"
    names = " ".join(move.titles)
    yield (
        f'<g class="move" data-source={quoteattr(move.source)} data-target={quoteattr(move.target)} '
        f"data-actions={quoteattr(names)}>"
    )
    yield f'<path d="{path}" fill="none" stroke="{_LINE_INK}" stroke-width="1.2"/>'
    yield f'<path class="tip" d="{_tip(curve[-1], tip)}" fill="{_LINE_INK}"/>'
    x, y = _point(edge["lp"], height)
    first = y - _LINE * (len(move.lines) - 1) / 2
    yield from (_text(x, first + _LINE * n, line) for n, line in enumerate(move.lines))
    yield "</g>"


def _text(x: float, y: float, line: str) -> str:
    halo = f'fill="{_INK}" stroke="{_PAPER}" stroke-width="3" paint-order="stroke"'
    return f'<text x="{_n(x)}" y="{_n(y + _SIZE * 0.36)}" {halo}>{escape(line)}</text>'


def _tip(base: tuple[float, float], tip: tuple[float, float]) -> str:
    """An arrow head from where the curve ends to the edge of the box."""
    dx, dy = tip[0] - base[0], tip[1] - base[1]
    side = (-dy * 0.4, dx * 0.4)
    one, other = (base[0] + side[0], base[1] + side[1]), (base[0] - side[0], base[1] - side[1])
    return f"M{_pair(one)}L{_pair(tip)}L{_pair(other)}Z"


def _point(text: str, height: float) -> tuple[float, float]:
    """Graphviz counts upwards from the bottom, SVG downwards from the top."""
    x, y = (float(number) for number in text.split(","))
    return x, height - y


def _pair(point: tuple[float, float]) -> str:
    return f"{_n(point[0])},{_n(point[1])}"


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _width(lines: Iterable[str], padding: int) -> int:
    """Roughly how wide the longest line is, in points; a Chinese character is as wide as the font is high."""
    return padding + max(
        sum(_SIZE if east_asian_width(character) in "WF" else _SIZE * 3 // 5 for character in line) for line in lines
    )
