"""The dialogs of 机构与人员: one form for every deed; wrong or refused, it comes back with everything in it."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import ValidationError

from config.calendar import local_date
from services.db.errors import DubanError
from services.http.administering import office
from services.identity.errors import NotPermitted
from services.web.administration import Task, subject_of, task_of
from services.web.administration_forms import drawn, objections
from services.web.calls import Call
from services.web.forgery import Visitor
from services.web.forms.fields import PREFIX, Field
from services.web.forms.objections import Objections
from services.web.forms.pickers import names_of
from services.web.forms.reading import Typed, picked
from services.web.forms.sent import Sent
from services.web.rendering import done, render

router = APIRouter(prefix="/units/do")
About = Annotated[str, Path(pattern=r"^[a-z]{1,20}$")]
Key = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/{about}/{key}/{deed}")
def ask(request: Request, call: Visitor, about: About, key: Key, deed: About) -> Response:
    """The form, as it is before anybody typed in it."""
    task, roles = task_of(about, deed), call.engine.registry.pack.roles
    fields = drawn(task.form, roles)
    with call.read() as session:
        subject = subject_of(session, call.actor, about, key, roles)
        known = task.before(subject.row, _today(call))
    return _dialog(request, call, (about, key, deed), fields, _filled(fields, known))


@router.post("/{about}/{key}/{deed}")
def carry_out(request: Request, call: Visitor, about: About, key: Key, deed: About, sent: Sent) -> Response:
    """Do it and put it on record; a password made on the way is shown this once."""
    task = task_of(about, deed)
    fields = drawn(task.form, call.engine.registry.pack.roles)
    typed, place = Typed(sent, fields), (about, key, deed)
    try:
        form = task.form.model_validate(typed.answers(fields))
        with office(call) as at:
            made = task.run(at, key, form)
    except ValidationError as error:
        return _dialog(request, call, place, fields, typed, objections(error, fields))
    except NotPermitted:
        raise
    except DubanError as error:
        return _dialog(request, call, place, fields, typed, _refusal(error, fields))
    if not made.password:
        return done(made.text, refresh=True, close=True)
    template = "units/password.html"
    answer = render(request, call, template, fragment=template, made=made)
    answer.headers["HX-Trigger"] = '{"duban:refresh": true}'
    return answer


def _dialog(
    request: Request, call: Call, place: tuple[str, int, str], fields: tuple[Field, ...], typed: Typed,
    wrong: Objections | None = None,
) -> Response:  # fmt: skip
    about, key, deed = place
    task: Task = task_of(about, deed)
    with call.read() as session:
        subject = subject_of(session, call.actor, about, key, call.engine.registry.pack.roles)
        names = names_of(session, call, picked(typed, fields))
    template = "units/deed.html"
    return render(
        request, call, template, fragment=template, status=422 if wrong else 200, task=task, fields=fields,
        typed=typed, names=names, name=subject.name, action=f"/units/do/{about}/{key}/{deed}",
        wrong=wrong or Objections(),
    )  # fmt: skip


def _refusal(error: DubanError, fields: tuple[Field, ...]) -> Objections:
    """Beside the field that a service names, or above the form."""
    place = error.extra.get("field")
    if any(field.name == place for field in fields):
        return Objections({str(place): error.zh})
    return Objections(general=(error.zh,))


def _filled(fields: tuple[Field, ...], known: Any) -> Typed:
    given = {field.name: field.initial for field in fields if field.initial} | dict(known)
    return Typed([(PREFIX + name, str(value)) for name, value in given.items()], fields)


def _today(call: Call) -> date:
    return local_date(call.now)
