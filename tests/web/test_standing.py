"""What makes itself, in words: for the page 流程与时限, for a terminal, and in what two versions differ by."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.engine.describing import describe, describe_text
from services.engine.differing import Side, differences
from services.engine.registry import Registry
from services.identity.sealing import Vault
from services.web.differences import compare
from services.web.rules import tell
from services.web.standing import standing_in_words
from statemachines.kit.policy import Policy
from tests.support import proposing, recurring
from tests.support.cast import County
from tests.support.declared import declared
from tests.web.site import serve

HEADS = {"post": "head", "unit_kind": ["township", "department"]}


@pytest.fixture
def registry(vault: Vault) -> Registry:
    return declared(vault, (proposing.CASE, proposing.policy()), (proposing.inquiry(), proposing.policy())).registry


def obligation(registry: Registry, **changes: Any) -> str:
    policy = Policy.model_validate(recurring.policy(obligations={"weekly": recurring.rule(**changes)}))
    ((_, text),) = standing_in_words(registry, policy)
    return text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "每周，各乡镇：期初产生，期末到期；没有工作日的期间免除"),
        (
            {"every": "year", "opens": "end -10 workday", "each": HEADS, "at": "county"},
            "每年，各乡镇、县直部门主要负责人：期末前10个工作日产生，期末到期，由县级办理；没有工作日的期间免除",
        ),
        (
            {"every": "month", "opens": "end +1 day", "due": "end +5 workday", "from": date(2016, 1, 1)},
            "每月，各乡镇：期末后1日产生，期末后5个工作日到期，自2016-01-01；没有工作日的期间免除",
        ),
        (
            {"every": "half_year", "opens": "start +0 day", "due": ["06-30", "12-31"], "each": {"county": True}},
            "每半年，全县：期初产生，6月30日、12月31日到期；没有工作日的期间免除",
        ),
    ],
)
def test_an_obligation_reads_as_a_sentence(registry: Registry, changes: dict[str, Any], text: str) -> None:
    assert obligation(registry, **changes) == text


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        ({"per": "unit", "within": "tenure"}, "同一单位现任主要负责人任期内有2件“案件”经“处分决定”，"),
        ({"per": "parent_unit", "within": "12 month"}, "同一上级单位12个月内有2件"),
        (
            {"per": "unit", "within": "year", "where": {}},
            "同一单位同一年度内有2件“案件”经“处分决定”的，提出一件由人研判",
        ),
    ],
)
def test_a_candidate_rule_reads_as_a_sentence(registry: Registry, changes: dict[str, Any], begins: str) -> None:
    policy = Policy.model_validate(proposing.policy({"removals": proposing.rule(**changes)}))
    ((_, text),) = standing_in_words(registry, policy)
    assert text.startswith(begins)
    assert text.endswith("由人研判，不作任何处理")


def test_values_are_told_by_their_labels(registry: Registry) -> None:
    policy = Policy.model_validate(proposing.policy({"removals": proposing.rule()}))
    ((_, text),) = standing_in_words(registry, policy)
    assert "撤职或开除" in text and "removal" not in text


def test_page_terminal_and_comparison_hold_them(vault: Vault) -> None:
    early = recurring.policy(obligations={"weekly": recurring.rule(**{"from": date(2016, 1, 1)})})
    late = recurring.policy(date(2016, 3, 1), obligations={"weekly": recurring.rule(every="month")},
                            candidates={"removals": proposing.rule()})  # fmt: skip
    made = recurring.report(on_candidate=proposing.on_candidate)
    engine = declared(vault, (proposing.CASE, proposing.policy()), (made, [early, late]))
    before, after = engine.registry.versions("report")
    assert [s.name for s in tell(engine, after).standing] == ["每周检查", "任期内两人以上受重处分"]
    assert {c.name for c in compare(tell(engine, before), tell(engine, after))} >= {
        "每周检查", "任期内两人以上受重处分", "任期内两人以上受重处分的依据",
    }  # fmt: skip
    told = describe(after, {})
    assert json.loads(json.dumps(told)) == told
    text = describe_text(told)
    assert "weekly 每周检查: every month, for each township, opened start, due end, at the unit" in text
    assert "2 matter(s) with case.decide where sanction.kind is removal or expulsion, per open.subject_unit" in text
    said = differences(Side("a", None, before.policy), Side("b", None, after.policy))
    assert any(line.startswith("obligation weekly: every week → month; from 2016-01-01 → none") for line in said)
    assert any(line.startswith("candidate removals: new: ") for line in said)


def test_the_page_shows_them_and_has_no_such_section_where_there_is_nothing(
    sqlite_county: County, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = recurring.policy(obligations={"weekly": recurring.rule(verified=False)})
    engine = declared(vault, (recurring.report(), rules))
    monkeypatch.setattr("services.api.app.engine_for", lambda _: engine)
    site = serve(sqlite_county, vault, tmp_path)
    page = site.by("office").get("/procedures/report").text
    section = page.split('id="standing"')[1].split("</section>")[0]
    for words in ("每周检查", "期初产生，期末到期", "待核实"):
        assert words in section
    assert 'href="#standing"' in page
    assert "standing" not in site.by("office").get("/procedures/petition").text
