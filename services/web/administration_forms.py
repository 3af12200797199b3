"""The forms of administrators, made and drawn like those of actions."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError, field_validator

from services.identity.models import UnitKind
from services.web.forms.fields import Field as Drawn
from services.web.forms.fields import read_fields
from services.web.forms.objections import Objections, read_objections
from statemachines.kit.forms import Form, Line, PersonId, UnitId, invalid

KINDS = {"county": "县", "township": "乡镇（街道）", "department": "县直部门", "grassroots": "村（社区）、基层单位"}
_BELOW: Any = {key: title for key, title in KINDS.items() if key != "county"}

Day = date
Word = Annotated[str, StringConstraints(max_length=100)]
Role = Annotated[str, Field(json_schema_extra={"x-roles": True})]


def _reasonable(day: date | None) -> date | None:
    if day is not None and not 1950 <= day.year <= 2099:
        raise invalid("out_of_range", "a year between 1950 and 2099", "年份应在 1950 至 2099 之间")
    return day


class _Dated(Form):
    """Its days lie in the years that calendars know."""

    @field_validator("*")
    @classmethod
    def _in_range(cls, value: Any) -> Any:
        return _reasonable(value) if isinstance(value, date) else value


class NewUnit(_Dated):
    name: Line = Field(title="单位名称")
    code: Line = Field(title="单位编码")
    kind: Literal["township", "department", "grassroots"] = Field(
        title="单位类别", json_schema_extra={"x-labels": _BELOW}
    )
    founded_on: Day | None = Field(None, title="成立日期")

    @property
    def kind_(self) -> UnitKind:
        return UnitKind(self.kind)


class NewName(Form):
    name: Line = Field(title="名称")


class NewParent(Form):
    parent_id: UnitId = Field(title="新的上级单位")


class OnDay(_Dated):
    on: Day = Field(title="日期")


class LastDay(_Dated):
    on: Day | None = Field(None, title="最后有效日期")


class NewPassword(Form):
    password: Word = Field("", title="初始密码（不填则由系统生成）")


class NewPerson(_Dated):
    name: Line = Field(title="姓名")
    title: Line = Field(title="职务")
    held_from: Day = Field(title="任职起始日期")
    role: Role | None = Field(None, title="授予角色")
    login: Word = Field("", title="用户名（不登录的人员不填）")
    password: Word = Field("", title="初始密码（不填则由系统生成）")
    head: bool = Field(False, title="是本单位负责人")


class _Tenure(_Dated):
    title: Line = Field(title="职务")
    held_from: Day = Field(title="任职起始日期")
    held_to: Day | None = Field(None, title="任职截止日期")
    head: bool = Field(False, title="是本单位负责人")


class PostHere(_Tenure):
    person_id: PersonId = Field(title="人员")


class PostThere(_Tenure):
    unit_id: UnitId = Field(title="单位")


class _Granting(_Dated):
    role: Role = Field(title="角色")
    valid_from: Day = Field(title="生效日期")
    valid_to: Day | None = Field(None, title="截止日期")
    reason: Line = Field(title="授权依据或理由")


class GrantHere(_Granting):
    person_id: PersonId = Field(title="人员")


class GrantThere(_Granting):
    unit_id: UnitId = Field(title="单位")


class Lending(_Dated):
    to_id: PersonId = Field(title="受托人")
    starts_on: Day = Field(title="起始日期")
    ends_on: Day = Field(title="截止日期")
    reason: Line = Field(title="理由")


_FIRST = ("person_id", "unit_id")


def drawn(form: type[Form], roles: Mapping[str, str]) -> tuple[Drawn, ...]:
    """Return the fields of a form; whom or where it is about comes first, roles are those of the pack."""
    schema = form.model_json_schema()
    properties = schema.get("properties", {})
    for declared in properties.values():
        if "x-roles" in str(declared):
            declared |= {"enum": list(roles), "x-labels": dict(roles)}
            declared.pop("anyOf", None)
    schema["properties"] = dict(sorted(properties.items(), key=lambda item: item[0] not in _FIRST))
    return read_fields(schema)


def objections(error: ValidationError, fields: tuple[Drawn, ...]) -> Objections:
    """Return what is wrong with what was typed, beside its fields."""
    return read_objections(list(_errors(error)), fields)


def _errors(error: ValidationError) -> Iterable[dict[str, Any]]:
    for one in error.errors():
        path = ".".join(str(part) for part in one["loc"])
        yield {"field": path, "code": one["type"], "zh": (one.get("ctx") or {}).get("zh", "")}
