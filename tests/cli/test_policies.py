"""`duban policy check`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import config.packs
from config.packs import POLICIES, available
from tests.support.cast import County


def test_every_pack_fits_its_procedures(answer: Callable[..., Any]) -> None:
    assert answer("policy", "check") == [{"pack": pack, "problems": []} for pack in available()]


def test_every_mismatch_is_named_at_once(
    duban: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "pack.toml").write_text('title = "Odd"\nextends = "national"\n', encoding="utf-8")
    (tmp_path / "odd" / "petition.toml").write_text(
        '[source]\ntitle = "x"\neffective = 2016-01-01\n[roles]\naccept = ["juggler"]\n[work]\nnowhere = "handler"\n',
        encoding="utf-8",
    )
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "pack.toml").write_text(
        'extends = "national"\n[calendar.rest]\n2016-05-01 = ""\n', encoding="utf-8"
    )
    (tmp_path / "national").symlink_to(POLICIES / "national")
    load_pack = config.packs.load_pack
    monkeypatch.setattr("services.engine.describing.load_pack", lambda key: load_pack(key, tmp_path))
    result = duban("policy", "check", "odd", "missing", "late", "--json")
    odd, missing, late = json.loads(result.stdout)
    assert result.exit_code == 1
    assert any("accept: unknown role juggler" in problem for problem in odd["problems"])
    assert any("work in unknown or final state nowhere" in problem for problem in odd["problems"])
    assert missing["problems"] == ["there is no pack missing: pack.toml is missing"]
    assert "no name for 2016-05-01" in late["problems"][0]


def test_a_matter_is_moved_to_todays_rules_after_a_look(
    home_county: County, answer: Callable[..., Any], refusal: Callable[..., str]
) -> None:
    matter = str(home_county.walk("accept", "propose", "approve"))
    asked = ("policy", "rebind", matter, "--mode", "restart", "--as", "leader")
    looked = answer(*asked)
    assert looked["changed"] is False
    assert looked["clocks"][0]["before"] != looked["clocks"][0]["after"]
    assert answer(*asked)["clocks"] == looked["clocks"]
    done = answer(*asked, "--reason", "按现行规定重新计算")
    assert done == {"changed": True, "clocks": looked["clocks"]}
    assert "bad_argument" in refusal("policy", "rebind", matter, "--mode", "forget", "--as", "leader")
    assert "bad_argument" in refusal("policy", "rebind", matter, "--mode", "keep", "--as", "nobody-at-all")
    assert "not_permitted" in refusal("policy", "rebind", matter, "--mode", "keep", "--as", "handler")
