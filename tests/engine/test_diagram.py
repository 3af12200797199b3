"""Pictures of procedures: every move is drawn, inside the picture, and the committed ones are current."""

import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from services.engine import diagram
from services.engine.core import Engine
from services.engine.diagram import CannotDraw, arrows, mermaid, page, to_svg, write_all
from statemachines.petition import PETITION

DOCS = Path(__file__).parents[2] / "docs" / "procedures"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawing() -> ET.Element:
    return ET.fromstring(to_svg(PETITION))


def test_the_committed_pictures_are_current(engine: Engine, tmp_path: Path) -> None:
    written = write_all(engine.registry.procedures, tmp_path)
    stale = [
        file.name
        for file in written
        if not (DOCS / file.name).exists() or (DOCS / file.name).read_bytes() != file.read_bytes()
    ]
    assert stale == [], "run: duban procedures diagram --all docs/procedures"
    assert {file.name for file in DOCS.iterdir()} == {file.name for file in written}


def test_every_state_and_every_move_is_drawn(drawing: ET.Element) -> None:
    states = [g.get("data-state") for g in drawing.iter(f"{SVG}g") if g.get("data-state")]
    moves = {(g.get("data-source"), g.get("data-target")) for g in drawing.iter(f"{SVG}g") if g.get("data-source")}
    assert sorted(states) == sorted(str(state) for state in PETITION.states)
    declared = {
        (str(source), str(target))
        for action in PETITION.actions.values()
        for source in action.sources
        for target in action.targets()
        if source != target
    }
    assert moves == declared


def test_labels_are_chinese_and_inside_the_picture(drawing: ET.Element) -> None:
    left, top, width, height = map(float, drawing.attrib["viewBox"].split())
    texts = list(drawing.iter(f"{SVG}text"))
    assert {t.text for t in texts} >= {*PETITION.labels.values(), "受理", "批准", "归档"}
    for text in texts:
        half = 7 * len(text.text or "")
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        assert left <= x - half
        assert x + half <= left + width
        assert top < y < top + height


def test_a_label_fits_its_box(drawing: ET.Element) -> None:
    for group in drawing.iter(f"{SVG}g"):
        if group.get("data-state"):
            box, label = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
            assert box is not None
            assert label is not None
            assert float(box.attrib["width"]) > 14 * len(label.text or "")


def test_boxes_do_not_overlap(drawing: ET.Element) -> None:
    boxes = []
    for group in drawing.iter(f"{SVG}g"):
        box = group.find(f"{SVG}rect")
        if group.get("data-state") and box is not None:
            boxes.append([float(box.attrib[name]) for name in ("x", "y", "width", "height")])
    for n, (x, y, wide, high) in enumerate(boxes):
        for other_x, other_y, other_wide, other_high in boxes[:n]:
            apart = x + wide < other_x or other_x + other_wide < x or y + high < other_y or other_y + other_high < y
            assert apart


def test_it_brings_no_style_and_no_script_of_its_own(drawing: ET.Element) -> None:
    assert {element.tag.removeprefix(SVG) for element in drawing.iter()} == {
        "svg",
        "title",
        "rect",
        "g",
        "path",
        "text",
    }
    assert not [name for element in drawing.iter() for name in element.attrib if name == "style" or name[:2] == "on"]


def test_mermaid_tells_the_same_moves() -> None:
    lines = mermaid(PETITION).splitlines()
    drawn = {tuple(found.groups()) for line in lines if (found := re.match(r"    (\w+) --> (\w+):", line))}
    assert drawn == {(arrow.source, arrow.target) for arrow in arrows(PETITION)}
    assert '    state "待甄别" as registered' in lines
    assert lines[-1] == "    archived --> [*]"


def test_the_page_lists_what_no_arrow_shows() -> None:
    rows = page(PETITION).splitlines()
    assert "| `send_back` | 退回 | 待审批、函询中、办理中 | 已经过的环节 |" in rows
    assert any(row.startswith("| `note_progress` |") and row.endswith("| （不变） |") for row in rows)
    assert len([row for row in rows if row.startswith("| `")]) == len(PETITION.actions)


def test_without_graphviz_it_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(diagram.sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(CannotDraw, match="make setup"):
        to_svg(PETITION)


def test_a_failure_of_graphviz_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, "graphviz-pure", stderr="syntax error in line 1")

    monkeypatch.setattr(diagram.subprocess, "run", fails)
    with pytest.raises(CannotDraw, match="graphviz-pure failed: syntax error in line 1"):
        to_svg(PETITION)
