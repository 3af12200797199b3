"""What an action asks for: Pydantic forms, and marks that tell the engine what a field means."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, field_validator
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError


class Form(BaseModel):
    """Fields of one action; a procedure subclasses it. Unknown fields are refused, nothing is coerced in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @field_validator("*")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        if isinstance(value, str) and "\x00" in value:  # PostgreSQL keeps no such text
            raise invalid(
                "control_character", "the text holds a NUL character; remove it", "文本含有无法保存的字符，请删除"
            )
        return value


def invalid(code: str, en: str, zh: str) -> PydanticCustomError:
    """A form's own objection, in both languages: `raise invalid(...)` from a validator."""
    return PydanticCustomError(code, en, {"zh": zh})


@dataclass(frozen=True, slots=True)
class Mark:
    """A meaning of a field beyond its type, shown to clients as `x-…` keys of the JSON Schema."""

    def keys(self) -> dict[str, Any]:
        return {}

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        schema.update(self.keys())
        return schema


@dataclass(frozen=True, slots=True)
class Ref(Mark):
    """The field holds the id of a person, unit, matter or attachment; the engine checks that it exists."""

    to: Literal["person", "unit", "matter", "attachment"]

    def keys(self) -> dict[str, Any]:
        return {"x-ref": self.to}


@dataclass(frozen=True, slots=True)
class Coded(Mark):
    """The value is a code of this list of the policy in force for the matter."""

    list: str

    def keys(self) -> dict[str, Any]:
        return {"x-list": self.list}


@dataclass(frozen=True, slots=True)
class Sealed(Mark):
    """The value is stored apart, encrypted, and never reaches the journal, a list, a search or an export."""

    def keys(self) -> dict[str, Any]:
        return {"x-sealed": True}


@dataclass(frozen=True, slots=True)
class Names(Mark):
    """The field names someone or some unit the matter is about: they are kept away from it in every way."""

    def keys(self) -> dict[str, Any]:
        return {"x-names": True}


@dataclass(frozen=True, slots=True)
class FromParent(Mark):
    """Filled in by the matter that opens this one, never by hand: no form asks for it."""

    def keys(self) -> dict[str, Any]:
        return {"x-from-parent": True}


@dataclass(frozen=True, slots=True)
class Destination(Mark):
    """Material goes to this unit: it may not be a unit the matter names, nor one below it."""

    def keys(self) -> dict[str, Any]:
        return {"x-destination": True}


@dataclass(frozen=True, slots=True)
class Anchor(Mark):
    """A date of an event that cannot lie in the future (a receipt, a reply); clocks may start from it."""

    def keys(self) -> dict[str, Any]:
        return {"x-not-future": True}


@dataclass(frozen=True, slots=True)
class Asked(Mark):
    """The field is asked where the policy's list has this code, and then has to be filled; elsewhere it is not there.

    It stands outside of what may be empty: `Annotated[Text | None, Asked("sections", "effect")]`.
    """

    list: str
    code: str

    def keys(self) -> dict[str, Any]:
        return {"x-asked": [self.list, self.code]}


@dataclass(frozen=True, slots=True)
class Heard(Mark):
    """The matter is about this person, who has a say in it: he is not kept away, even if its parent keeps him away."""

    def keys(self) -> dict[str, Any]:
        return {"x-heard": True}


@dataclass(frozen=True, slots=True)
class FreshEvidence(Mark):
    """This file shows that something was done here: no other matter may have used the same content before."""

    def keys(self) -> dict[str, Any]:
        return {"x-fresh-evidence": True}


PersonId = Annotated[int, Ref("person")]
UnitId = Annotated[int, Ref("unit")]
MatterId = Annotated[int, Ref("matter")]
AttachmentId = Annotated[int, Ref("attachment")]
PastDate = Annotated[date, Anchor()]
Line = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=5000, json_schema_extra={"format": "textarea"})]


def _instant_if_it_has_a_time(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else value


# Pydantic would read midnight with an offset as a plain date, and the period would end a day later
Due = Annotated[date | AwareDatetime, BeforeValidator(_instant_if_it_has_a_time)]


class Reason(Form):
    """An action that needs nothing but why."""

    reason: Text = Field(title="理由")


class Note(Form):
    """A remark; may be left out."""

    note: Annotated[str, Field(max_length=5000, json_schema_extra={"format": "textarea"})] = Field("", title="说明")


class GoBack(Reason):
    """A return to a step passed before; without `to` it is the step just before this one."""

    to: str | None = Field(None, title="退回到", json_schema_extra={"x-earlier-state": True})


@cache
def marks(form: type[BaseModel]) -> dict[str, tuple[Mark, ...]]:
    """Return the marks of each field of a form, its own and those inside optional and list types."""
    return {name: tuple(_marks_of(field)) for name, field in form.model_fields.items()}


def marked(answers: BaseModel) -> Iterator[tuple[str, tuple[Mark, ...], Any]]:
    """Yield (dotted path, marks, value) of every filled field that carries marks, nested forms and lists included."""
    for name, found in marks(type(answers)).items():
        value = getattr(answers, name)
        for item in value if isinstance(value, list | tuple) else [value]:
            if item is None:
                continue
            if found:
                yield name, found, item
            if isinstance(item, BaseModel):
                yield from ((f"{name}.{path}", inner, leaf) for path, inner, leaf in marked(item))


@cache
def sealed_fields(form: type[BaseModel]) -> frozenset[str]:
    return frozenset(name for name, found in marks(form).items() if any(isinstance(m, Sealed) for m in found))


def _marks_of(field: FieldInfo) -> Iterator[Mark]:
    yield from (m for m in field.metadata if isinstance(m, Mark))
    yield from _marks_inside(field.annotation)


def _marks_inside(annotation: Any) -> Iterator[Mark]:
    yield from (m for m in getattr(annotation, "__metadata__", ()) if isinstance(m, Mark))
    for part in getattr(annotation, "__args__", ()):
        yield from _marks_inside(part)
