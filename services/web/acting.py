"""The form of an action on a matter's page: empty, or again with all that was typed and what is in its way."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from secrets import token_urlsafe

from sqlalchemy.orm import Session

from services.engine.loading import Loaded
from services.engine.queries import PossibleAction
from services.web.calls import Call
from services.web.forms.fields import PREFIX, Field, read_fields
from services.web.forms.objections import Objections
from services.web.forms.pickers import Names, names_of
from services.web.forms.reading import Typed, picked
from services.web.forms.sent import Pairs, whole
from services.web.matters import Deeds, Happening, show_history, since

NOTHING = Objections()


@dataclass(frozen=True)
class ActForm:
    """`chosen` is None where nothing can be done. `version` and `seq` say what the page showed; `key` is the key of
    the request to come. `changed` is what others did since (None: nothing); `left` is what was typed for an action
    that is no longer possible; `refusal` is why the engine did not do it; `blank`: nobody has typed anything in it."""

    matter_id: int
    deeds: Deeds
    chosen: PossibleAction | None
    fields: tuple[Field, ...]
    typed: Typed
    names: Names
    version: int
    seq: int
    key: str
    objections: Objections = NOTHING
    refusal: str = ""
    changed: Sequence[Happening] | None = None
    left: Sequence[str] = field(default_factory=tuple)
    blank: bool = False

    @property
    def address(self) -> str:
        assert self.chosen is not None
        return f"/matters/{self.matter_id}/actions/{self.chosen.name}"

    @property
    def draft(self) -> str:
        assert self.chosen is not None
        return f"{self.matter_id}-{self.chosen.name}"


def empty_form(session: Session, call: Call, loaded: Loaded, deeds: Deeds, action: str) -> ActForm:
    """Return the form of this action, or of the first that is possible."""
    form = _form(session, call, loaded, deeds, deeds.named(action) or next(iter(deeds.allowed), None))
    return replace(form, blank=bool(form.fields) and not any(picked(form.typed, form.fields).values()))


def shown_again(
    session: Session, call: Call, loaded: Loaded, deeds: Deeds, action: str, typed: Typed, sent: Pairs,
    *, objections: Objections | None, refusal: str, changed: bool,
) -> ActForm:  # fmt: skip
    """Return the form with what was typed; where it is not possible any more, with what was typed to copy it from."""
    if deeds.named(action) is None:
        return refused_form(session, call, loaded, deeds, action, sent, refusal)
    meanwhile = since(show_history(session, call, loaded, None), whole(sent, "seq") or 0) if changed else None
    return _form(
        session, call, loaded, deeds, deeds.named(action), typed,
        objections=objections or NOTHING, refusal=refusal, changed=meanwhile,
    )  # fmt: skip


def refused_form(
    session: Session, call: Call, loaded: Loaded, deeds: Deeds, action: str, sent: Pairs, refusal: str = ""
) -> ActForm:
    """Return the page's form after somebody sent one for an action that he cannot take now."""
    why = next((refused.why_not for refused in deeds.refused if refused.name == action), "")
    meanwhile = since(show_history(session, call, loaded, None), whole(sent, "seq") or 0)
    left = [value.strip() for name, value in sent if name.startswith(PREFIX) and len(value.strip()) > 1]
    return _form(
        session, call, loaded, deeds, next(iter(deeds.allowed), None), changed=meanwhile, left=left,
        refusal=refusal or why or "事项已不在原来的环节，本次操作未执行",
    )  # fmt: skip


def _form(
    session: Session, call: Call, loaded: Loaded, deeds: Deeds, chosen: PossibleAction | None,
    typed: Typed | None = None, *, objections: Objections = NOTHING, refusal: str = "",
    changed: Sequence[Happening] | None = None, left: Sequence[str] = (),
) -> ActForm:  # fmt: skip
    """Fill in the form of an action; where nothing was typed, with what it begins with."""
    row, fields = loaded.row, read_fields(chosen.form) if chosen else ()
    if typed is None:
        typed = Typed.initial(fields)
    return ActForm(
        loaded.id, deeds, chosen, fields, typed, names_of(session, call, picked(typed, fields)), row["version"],
        row["journal_seq"], token_urlsafe(18), objections, refusal, changed, left,
    )  # fmt: skip
