"""The card of a panel beside the form: members see their form and not the others' answers, others that it waits."""

import re
from pathlib import Path

import pytest

from services.identity.sealing import Vault
from tests.support.casework import go_on, open_case, reviews_of
from tests.support.cast import County
from tests.support.reviewing import CO, CROSS, LEAD, walk_review
from tests.web.site import Site, serve

CONVENED = ("accept", "assign_reviewers", "read", "finish_reading", "record_talk", "convene")


@pytest.fixture
def review(sqlite_county: County, vault: Vault, tmp_path: Path) -> tuple[Site, int]:
    county = sqlite_county
    case = open_case(county)
    go_on(county, case, "set_team", "write_report", "sign", "hear_subject", "transfer")
    return serve(county, vault, tmp_path), walk_review(county, reviews_of(county, case)[0], *CONVENED)


def card(site: Site, matter: int, who: str, title: str = "集体审议") -> str:
    page = site.by(who).get(f"/matters/{matter}")
    assert page.status_code == 200, page.text[:2000]
    found = re.search(rf'<section class="card pad panel"[^>]*><h2[^>]*>{title}.*?</section>', page.text, re.S)
    assert found
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", found[0]))


def test_members_find_their_form_and_nobody_anothers_answer(review: tuple[Site, int]) -> None:
    site, matter = review
    spoken = {"stance": "modify", "sanction": "serious_warning", "reason": "情节较重，理由甲"}
    site.county.act(matter, "give_position", LEAD, spoken)
    assert "理由甲" in card(site, matter, LEAD)
    for who in (CO, CROSS, "leader"):
        shown = card(site, matter, who)
        assert "1/3" in shown and "待表态" in shown and "已表态" in shown and "交叉审理人员" in shown
        assert "理由甲" not in site.by(who).get(f"/matters/{matter}").text
    for who in (CO, CROSS):
        assert 'name="a.stance"' in site.by(who).get(f"/matters/{matter}?do=give_position").text
    assert 'name="a.stance"' not in site.by("leader").get(f"/matters/{matter}?do=give_position").text


def test_over_it_says_who_said_what_and_how_many(review: tuple[Site, int]) -> None:
    site, matter = review
    walk_review(site.county, matter, "vote", "conclude")
    shown = card(site, matter, "leader")
    assert "意见：同意 3" in shown and "已结束" in shown and shown.count("量纪适当") == 3
    assert "3/3" in shown and "2/2" in card(site, matter, "leader", "主协审阅卷")


def test_what_follows_from_the_votes_is_told_in_words(review: tuple[Site, int]) -> None:
    site, matter = review
    walk_review(site.county, matter, "vote", "conclude", "score_quality", "issue_opinion")
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", site.by("leader").get(f"/matters/{matter}").text))
    for words in ("多数意见 同意", "建议处理 警告", "总分 90.0", "在乡镇权限内，供其决定时参考 是", "成员总数 3"):
        assert words in page, words
