"""流程与时限: what the rules say, in Chinese throughout; versions, their difference, and the calendar."""

import re
from datetime import date

import pytest

from config.calendar import CalendarOverrides, WorkingCalendar
from services.web.calendars import months_of, spans_of
from services.web.rules import rung_in_words, tell
from tests.support.cast import County
from tests.support.on_disk import ON_DISK
from tests.web.site import Site

ENGLISH = re.compile(r"[a-z]+_[a-z_]+|\b(workday|month|day|today|open|tell|raise|remind|given|None)\b")


def _text(page: str) -> str:
    main = page.split('<main id="main"')[1].split("</main>")[0]
    return re.sub(r"<[^>]*>", " ", main)


@pytest.mark.parametrize("key", sorted(ON_DISK))
def test_a_procedure_is_told_without_a_word_of_code(site: Site, key: str) -> None:
    page = site.by("clerk").get(f"/procedures/{key}").text
    assert not ENGLISH.search(_text(page)), ENGLISH.search(_text(page))
    assert '<svg xmlns="http://www.w3.org/2000/svg" class="procedure"' in page


def test_the_petition_page_says_periods_ladders_sources_and_doubts(site: Site) -> None:
    text = _text(site.by("clerk").get("/procedures/petition").text)
    for words in (
        "「登记」所填的", "超期后 1个工作日", "到期前 3个工作日", "升级至县纪委监委信访室", "一般 1个月",
        "；重大疑难复杂 3个月", "可延长 1 次",
        "信访工作条例 §22", "待核实", "原文未载明", "不得参与过本件办理", "开始计算「办理期限」（符合条件时）", "义务",
    ):  # fmt: skip
        assert words in text, words


def test_every_version_can_be_shown_and_the_present_one_is_first(site: Site) -> None:
    browser = site.by("clerk")
    assert "2016-02-16 起（现行）" in browser.get("/procedures/petition").text
    later = _text(browser.get("/procedures/petition?version=2017-01-01").text)
    assert "予以了结" in later
    assert "予以了结" not in _text(browser.get("/procedures/petition?version=2016-02-16").text)
    assert browser.get("/procedures/nothing").status_code == 404


def test_a_difference_names_what_changed_and_nothing_else(site: Site) -> None:
    page = site.by("clerk").get("/procedures/petition/compare").text
    changed = re.findall(r'class="s-name"><b>([^<]+)</b>', page)
    assert changed == ["依据", "处置方式", "处置方式的依据"]
    assert re.search(r"<del>[^<]*拟立案[^<]*</del>", page) and re.search(r"<ins>[^<]*予以了结[^<]*</ins>", page)
    same = site.by("clerk").get("/procedures/petition/compare?a=2017-01-01&b=2017-01-01").text
    assert "两个版本没有差别" in same
    assert "只有一个版本" in site.by("clerk").get("/procedures/spot_check/compare").text


def test_the_list_leads_to_each(site: Site) -> None:
    page = site.by("nobody").get("/procedures").text
    assert all(f'href="/procedures/{key}"' in page for key in ON_DISK) and "工作日历已公布至" in page


def test_the_calendar_of_a_year_is_shown(site: Site) -> None:
    page = site.by("clerk").get("/procedures/calendar").text
    assert "2016 年工作日历" in page and 'title="2016-10-01 国庆节"' in page and "d-today" in page
    assert "放假安排尚未公布" in site.by("clerk").get("/procedures/calendar?year=2098").text
    assert "2099 年工作日历" in site.by("clerk").get("/procedures/calendar?year=9999").text


def test_overrides_are_marked_and_days_in_a_row_are_one_span() -> None:
    overrides = CalendarOverrides(rest={date(2016, 6, 1): "县庆", date(2016, 6, 2): "县庆"}, horizon=date(2016, 8, 31))
    months = months_of(WorkingCalendar(overrides), overrides, 2016)
    june = [day for week in months[5].weeks for day in week if day]
    assert [day.on.day for day in june if day.overridden] == [1, 2]
    own = [span for span in spans_of(months) if span.overridden]
    assert [(span.first, span.last, span.name) for span in own] == [(date(2016, 6, 1), date(2016, 6, 2), "县庆")]
    assert not any(day.provisional for day in june)
    assert all(day.provisional for week in months[8].weeks for day in week if day)
    assert months[5].workdays == 19  # 22 weekdays, the county's two, 端午 two off and one made up


@pytest.mark.parametrize(
    ("at", "words"), [("0", "到期当日"), ("-3 workday", "到期前 3个工作日"), ("+1 month", "超期后 1个月")]
)
def test_rungs_in_words(at: str, words: str) -> None:
    assert rung_in_words(at) == words


def test_fields_of_earlier_forms_are_named_by_their_titles(sqlite_county: County) -> None:
    engine = sqlite_county.engine
    for key in sorted(ON_DISK):
        for definition in engine.registry.versions(key):
            told = repr(tell(engine, definition))
            assert not re.search(r"propose\.|open\.|complete\.", told)


def test_panels_and_authority_are_told_with_their_figures(sqlite_county: County) -> None:
    engine = sqlite_county.engine
    told = {
        (made.name, made.text)
        for key in engine.registry.procedures
        for definition in engine.registry.versions(key)
        for made in tell(engine, definition).deciding
    }
    assert told and not any(re.search(r"[a-z]{3,}", text) for _, text in told), told
    assert any("分之" in text or "全部成员" in text for _, text in told)
    assert any("可决定至“" in text for _, text in told)
