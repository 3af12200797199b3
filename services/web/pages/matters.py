"""One matter: its page, what can be done with it, its sheet on paper."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from services.db.errors import DubanError
from services.db.together import ask_along, read_together
from services.engine.errors import AlreadyPerformed, InvalidAnswers, MatterNotFound, Stale
from services.engine.journal import refuse_repeat, requested
from services.engine.looking import look
from services.engine.perform import perform
from services.engine.queries import PossibleAction
from services.engine.visibility import find_visible
from services.notifications.attention import note_seen
from services.web.acting import ActForm, empty_form, refused_form, shown_again
from services.web.calls import Call, InOneThread
from services.web.drawing import qr_code
from services.web.forgery import Visitor
from services.web.forms.fields import read_fields
from services.web.forms.objections import read_objections
from services.web.forms.reading import Typed
from services.web.forms.sent import Sent, request_key, whole
from services.web.matters import Deeds, deeds_of, look_whole, show_aside, show_history, show_matter
from services.web.rendering import done, frame, frame_asked, render

router = APIRouter(prefix="/matters", route_class=InOneThread)
Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
Name = Annotated[str, Path(max_length=100, pattern=r"^[a-z][a-z0-9_]*$")]
Asked = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]


@router.get("/{matter_id:int}")
def show(request: Request, call: Visitor, matter_id: Id, do: Asked = "") -> Response:
    """The page; for htmx what a move changes, which is all of it."""
    with call.read() as session:
        ask_along(session, *frame_asked(request, call))
        loaded = look_whole(session, call, matter_id)
        deeds = deeds_of(call, loaded)
        page = show_matter(session, call, loaded, deeds)
        form = empty_form(session, call, loaded, deeds, do)
        around = frame(session, request, call)
    if page.unread:
        with call.write() as session:
            note_seen(session, call.actor, matter_id, call.now)
    return render(
        request, call, "matter/page.html", fragment="matter/body.html", page=page, matter=page.matter,
        aside=page.aside, act=form, **around,
    )  # fmt: skip


@router.get("/{matter_id:int}/head")
def show_head(request: Request, call: Visitor, matter_id: Id) -> Response:
    """Title and buttons: reloaded when somebody begins or ends to follow it."""
    with call.read() as session:
        page = show_matter(session, call, look_whole(session, call, matter_id), Deeds([], []))
    return render(request, call, "matter/head.html", fragment="matter/head.html", page=page, matter=page.matter)


@router.get("/{matter_id:int}/actions/{action}")
def show_form(request: Request, call: Visitor, matter_id: Id, action: Name) -> Response:
    """One tab: the form of an action."""
    with call.read() as session:
        loaded = look(session, call.engine, call.actor, matter_id)
        form = empty_form(session, call, loaded, deeds_of(call, loaded), action)
    return _answer(request, call, form, 200)


@router.post("/{matter_id:int}/actions/{action}")
def act(request: Request, call: Visitor, matter_id: Id, action: Name, sent: Sent) -> Response:
    """Do it; what is wrong, or what others did meanwhile, is shown above everything that was typed."""
    with call.read() as session:
        loaded = look(session, call.engine, call.actor, matter_id)
        deeds = deeds_of(call, loaded)
        chosen = deeds.named(action)
        if chosen is None:
            try:
                # it may be this very request that moved it on
                refuse_repeat(read_together(session, *requested(call.actor, request_key(sent))))
            except AlreadyPerformed as error:
                return done(error.zh, moved=True, counted=True, performed=f"{matter_id}-{action}")
            return _answer(request, call, refused_form(session, call, loaded, deeds, action, sent), 409)
    fields = read_fields(chosen.form)
    typed = Typed(sent, fields)
    try:
        with call.write() as session:
            perform(
                call.engine, session, matter_id, action, call.actor, typed.answers(fields), call.now,
                request_key=request_key(sent), seen_version=whole(sent, "version"),
            )  # fmt: skip
    except AlreadyPerformed as error:
        return done(error.zh, moved=True, counted=True, performed=f"{matter_id}-{action}")
    except MatterNotFound:
        raise
    except DubanError as error:
        return _refused(request, call, matter_id, chosen, typed, sent, error)
    return _performed(call, matter_id, chosen)


@router.get("/{matter_id:int}/aside")
def show_beside(request: Request, call: Visitor, matter_id: Id) -> Response:
    """Deadlines, escalations, what happened: reloaded after a note."""
    with call.read() as session:
        aside = show_aside(session, call, look(session, call.engine, call.actor, matter_id))
    return render(request, call, "matter/aside.html", fragment="matter/aside.html", aside=aside, matter=aside.matter)


@router.get("/{matter_id:int}/timeline")
def show_more(request: Request, call: Visitor, matter_id: Id, cursor: Asked = "") -> Response:
    """Older entries, to be put below those shown."""
    with call.read() as session:
        history = show_history(session, call, look(session, call.engine, call.actor, matter_id), cursor or None)
    return render(
        request, call, "matter/entries.html", fragment="matter/entries.html", history=history, matter_id=matter_id
    )


@router.get("/{matter_id:int}/print")
def show_sheet(request: Request, call: Visitor, matter_id: Id) -> Response:
    """办理单: the matter on A4. What is sealed is nowhere on it."""
    with call.read() as session:
        page = show_matter(session, call, look_whole(session, call, matter_id), Deeds([], []))
    code = qr_code(f"{request.base_url}matters/{matter_id}")
    return render(request, call, "matter/sheet.html", page=page, matter=page.matter, code=code)


def _refused(
    request: Request, call: Call, matter_id: int, chosen: PossibleAction, typed: Typed, sent: Sent, error: DubanError
) -> Response:
    """Show the form again with everything in it."""
    if error.status >= 500:
        raise error
    wrong = isinstance(error, InvalidAnswers)
    objections = read_objections(error.extra["errors"], read_fields(chosen.form)) if wrong else None
    with call.read() as session:
        loaded = look(session, call.engine, call.actor, matter_id)
        form = shown_again(
            session, call, loaded, deeds_of(call, loaded), chosen.name, typed, sent,
            objections=objections, refusal="" if wrong or isinstance(error, Stale) else error.zh,
            changed=isinstance(error, Stale),
        )  # fmt: skip
    return _answer(request, call, form, 422 if wrong else 409)


def _performed(call: Call, matter_id: int, action: PossibleAction) -> Response:
    told = done(f"“{action.title}”已提交", moved=True, counted=True, performed=f"{matter_id}-{action.name}")
    try:
        with call.read() as session:
            find_visible(session, call.engine, call.actor, matter_id)
    except MatterNotFound:  # it went where this person does not look
        told.headers["HX-Redirect"] = "/worklist"
    return told


def _answer(request: Request, call: Call, form: ActForm, status: int) -> Response:
    return render(request, call, "matter/act.html", fragment="matter/act.html", status=status, act=form)
