"""Forms made from a schema: every form can be drawn and read; what is wrong is said in Chinese, in its place."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from services.engine.answers import _objection
from services.engine.core import Engine
from services.engine.queries import form_schema
from services.web.forms.fields import PREFIX, Field, every, read_fields
from services.web.forms.objections import read_objections
from services.web.forms.pickers import Names
from services.web.forms.reading import Typed, picked
from services.web.forms.words import facts
from statemachines.petition import Completion, Proposal, Registration, Split

CHINESE = re.compile("[\u4e00-\u9fff]")
KINDS = {"line", "text", "date", "number", "switch", "yesno", "choice", "choices", "person", "unit", "matter", "files",
         "group", "rows"}  # fmt: skip


@pytest.fixture
def registration(engine: Engine) -> tuple[Field, ...]:
    return _of(engine, Registration)


def _of(engine: Engine, form: Any) -> tuple[Field, ...]:
    return read_fields(form_schema(form, engine.registry.versions("petition")[-1].policy))


def _typed(fields: tuple[Field, ...], **typed: Any) -> Typed:
    pairs = [(PREFIX + name.replace("__", "."), text) for name, given in typed.items() for text in _listed(given)]
    return Typed(pairs, fields)


def _listed(given: Any) -> list[str]:
    return given if isinstance(given, list) else [given]


def test_every_form_of_every_procedure_can_be_drawn(engine: Engine) -> None:
    for key, procedure in engine.registry.procedures.items():
        policy = engine.registry.versions(key)[-1].policy
        for form in [procedure.opening.form, *(action.form for action in procedure.actions.values())]:
            for field in every(read_fields(form_schema(form, policy))):
                assert field.kind in KINDS and CHINESE.search(field.label), (key, field)
                assert field.options or field.kind not in ("choice", "choices") or field.name == "to", (key, field)


def test_kinds_and_controls(registration: tuple[Field, ...]) -> None:
    by_name = {field.name: field for field in registration}
    kinds = {name: field.kind for name, field in by_name.items()}
    assert kinds["anonymous"] == "yesno" and kinds["new_evidence"] == "switch" and kinds["content"] == "text"
    assert (kinds["complainant"], kinds["reported"], kinds["attachments"]) == ("group", "rows", "files")
    assert by_name["complainant"].sealed and by_name["received_on"].not_future and by_name["summary"].required
    assert [inner.path for inner in by_name["reported"].fields][:2] == ["reported.name", "reported.person"]


def test_what_was_typed_becomes_answers(registration: tuple[Field, ...]) -> None:
    typed = _typed(
        registration, channel="letter", received_on="2016-03-01", summary="甲", content="乙", problem_fields=["a", "b"],
        anonymous="false", complainant__name="林", group_size="3", reported__2__name="某", reported__5__name=" ",
        reported__7__name="另", attachments=["12|照片.jpg", "13|表.xlsx"], repeat_of="", new_evidence="true",
    )  # fmt: skip
    answers = typed.answers(registration)
    assert answers["reported"] == [{"name": "某"}, {"name": "另"}] and typed.rows("reported") == [0, 1]
    assert answers["attachments"] == [12, 13] and answers["group_size"] == 3 and answers["anonymous"] is False
    assert answers["complainant"] == {"name": "林"} and "repeat_of" not in answers and answers["new_evidence"] is True
    assert typed.one("reported.1.name") == "另"


def test_what_is_no_number_is_left_for_the_form_to_refuse(registration: tuple[Field, ...]) -> None:
    assert _typed(registration, group_size="三").answers(registration)["group_size"] == "三"
    assert _typed(registration, anonymous="").answers(registration).get("anonymous") is None


def test_an_empty_form_has_its_defaults_and_the_rows_it_needs(engine: Engine) -> None:
    fields = _of(engine, Split)
    assert Typed.initial(fields).rows("parts") == [0, 1] and "parts" not in Typed.initial(fields).answers(fields)
    assert Typed.initial(_of(engine, Registration)).one("group_size") == "1"


@pytest.mark.parametrize("form", [Registration, Split, Proposal, Completion])
@pytest.mark.parametrize("given", [{}, {"group_size": "x", "finished_on": "x", "handler_unit": "x", "team": ["x"],
                                        "summary": "x" * 201, "reason": "x" * 5001, "received_on": "2016-13-01",
                                        "parts": [{"summary": ""}], "reported": [{}], "given_due": "x", "odd": 1,
                                        "anonymous": "perhaps", "attachments": list(range(60))}])  # fmt: skip
def test_every_objection_is_chinese_and_has_a_place(engine: Engine, form: Any, given: dict[str, Any]) -> None:
    fields = _of(engine, form)
    with pytest.raises(ValidationError) as refused:
        form.model_validate(given)
    found = read_objections([_objection(e) for e in refused.value.errors()], fields)
    assert len(found) > 0
    places = {field.path for field in every(fields)}
    assert {re.sub(r"\.[0-9]+(?=\.)", "", path) for path in found.at} <= places
    for said in [*found.at.values(), *found.general]:
        assert CHINESE.search(said) and not re.search("[A-Za-z]{2}", said), said


def test_objections_stand_where_their_fields_stand(registration: tuple[Field, ...]) -> None:
    errors = [
        {"field": "reported.1.name", "code": "missing", "zh": ""}, {"field": "reported.unit", "code": "x", "zh": "甲"},
        {"field": "problem_fields.0", "code": "x", "zh": "乙"}, {"field": "", "code": "x", "zh": "丙"},
        {"field": "received_on", "code": "in_the_future", "zh": "日期不得晚于今天"},
    ]  # fmt: skip
    found = read_objections(errors, registration)
    assert found.at == {
        "reported.1.name": "请填写此项", "reported": "甲", "problem_fields": "乙", "received_on": "日期不得晚于今天",
    }  # fmt: skip
    assert found.general == ("丙",) and len(found) == 5


def test_ids_that_were_picked_are_found_to_be_named_again(engine: Engine) -> None:
    fields = _of(engine, Registration)
    typed = _typed(fields, reported__0__name="某", reported__0__person="7", reported__0__unit="3", repeat_of="9")
    assert picked(typed, fields) == {"person": {7}, "unit": {3}, "matter": {9}}


def test_answers_are_told_in_words_and_what_is_sealed_is_not(registration: tuple[Field, ...]) -> None:
    names = Names({"unit": {3: "上河村"}, "attachment": {12: "照片.jpg"}, "matter": {9: "信访〔2016〕1号 甲"}})
    answers = {
        "channel": "letter", "anonymous": False, "reported": [{"name": "某", "unit": 3, "person": None}],
        "attachments": [12], "repeat_of": 9, "new_evidence": False, "content": "一\n二",
    }  # fmt: skip
    told = {fact.label: fact for fact in facts(registration, answers, names, {"complainant"})}
    assert told["来源"].lines == ("来信",) and told["匿名"].lines == ("否",)
    assert told["被反映人"].lines == ("姓名：某；所在单位：上河村",)
    assert told["附件"].links == (("/attachments/12", "照片.jpg"),) and told["举报人"].sealed == "complainant"
    assert "有新事实或新证据" not in told and told["主要内容"].lines == ("一", "二")


def test_a_name_that_is_gone_is_still_told() -> None:
    assert Names({}).of("person", 5) == "（无权查看）"
