"""Templates: `render` for pages of somebody logged in, `render_bare` for all others, toasts for what was done."""

import json
from collections.abc import Callable, Hashable, Iterable
from datetime import date, datetime, timedelta
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from sqlalchemy.orm import Session

from config.calendar import SHANGHAI, local_date
from services.db.together import Query
from services.engine.queries import Light
from services.web import lighting
from services.web.assets import Assets
from services.web.beginning import opening_roles
from services.web.calls import Call
from services.web.choices import Choice
from services.web.forgery import tokens_of
from services.web.forms.fields import Field
from services.web.forms.reading import Typed
from services.web.navigation import Side, current_of, navigation
from services.web.profiles import profile_asked, profile_of

TEMPLATES = Path(__file__).parent / "templates"
_WEEKDAYS = "一二三四五六日"


class Templates:
    """The templates of one application, with what they are given everywhere."""

    def __init__(self, assets: Assets) -> None:
        self.pages: frozenset[str] = frozenset()
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(), undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True, auto_reload=False,
        )  # fmt: skip
        icon = cache(partial(_icon, assets))
        self._environment.globals.update(LIGHTS=lighting.LIGHTS)
        # filters, not functions: those of a constant become a part of the compiled template
        self._environment.filters.update(static=cache(assets.url), icon=icon)
        self._environment.filters.update(day=day, due_day=due_day, moment=moment, when=when, weekday=weekday)
        self._environment.filters.update(badge=lru_cache(1000)(partial(_badge, icon)), chip=_chip)
        self._environment.filters.update(options=options, grouped=grouped, drawn=lru_cache(5000)(self._drawn))
        self._environment.filters.update(blank=lru_cache(1000)(self._blank))
        for name, template in (("ui", "macros.html"), ("forms", "forms/fields.html")):
            self._environment.globals[name] = self._environment.get_template(template).module

    def text(self, name: str, values: dict[str, Any]) -> str:
        return self._environment.get_template(name).render(values)

    def _drawn(self, line: Hashable, name: str) -> Markup:
        """Draw one line of a list from nothing but itself: the same one is shown again and again, and to many."""
        return Markup(self.text(name, {"line": line}))

    def _blank(self, fields: tuple[Field, ...]) -> Markup:
        """Draw a form that nobody has typed in."""
        return Markup(self.text("forms/blank.html", {"fields": fields, "typed": Typed.initial(fields)}))


def render(
    request: Request, call: Call, template: str, *, fragment: str | None = None, status: int = 200, **values: Any
) -> HTMLResponse:
    """Render a page for whoever calls; where htmx asks and a `fragment` is named, only that.

    Templates get `me` (Profile), `call`, `now`, `csrf`, `hx` (a fragment is asked for), `path`, and the values.
    """
    hx = fragment is not None and wants_fragment(request)
    given = {"call": call, "now": call.now, "csrf": tokens_of(call)[0], "path": request.url.path, "hx": hx}
    if "me" not in values and not wants_fragment(request):
        with call.read() as session:
            given |= frame(session, request, call)
    return _answer(request, fragment if hx and fragment else template, status, given | values)


def frame(session: Session, request: Request, call: Call) -> dict[str, Any]:
    """Return what the frame of a whole page shows, to be given to `render` by a page that is reading anyway."""
    if wants_fragment(request):
        return {}
    templates: Templates = request.app.state.templates
    opening = opening_roles(call.engine, local_date(call.now))
    me, groups = profile_of(session, call.actor), navigation(call.actor, templates.pages, opening)
    side = Side(me.county, groups, current_of(groups, request.url.path), local_date(call.now))
    return {"me": me, "side": side}


def frame_asked(request: Request, call: Call) -> tuple[Query, ...]:
    """What `frame` asks."""
    return () if wants_fragment(request) else (profile_asked(call.actor),)


def render_bare(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a page without navigation: log-in, receipts, errors."""
    return _answer(request, template, status, {"path": request.url.path, "hx": wants_fragment(request), **values})


def done(text: str, *, bad: bool = False, **events: Any) -> Response:
    """Answer a change whose page stays: a toast, and events for the page, such as `refresh=True`."""
    headers = {"HX-Trigger": json.dumps({"duban:toast": {"text": text, "bad": bad}} | _named(events))}
    return Response(status_code=204, headers=headers)


def wants_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of the page; after the browser's Back it asks for the whole."""
    return "hx-request" in request.headers and "hx-history-restore-request" not in request.headers


def day(value: date | datetime | None) -> str:
    """Write a local day: 2026-03-01."""
    if value is None:
        return ""
    return (local_date(value) if isinstance(value, datetime) else value).isoformat()


@lru_cache(maxsize=10_000)
def due_day(value: datetime | None) -> str:
    """Write the last local day before a deadline: a period that ends with its day is due at the next one's start."""
    return day(value and value - timedelta(microseconds=1))


def moment(value: datetime | None) -> str:
    """Write a local moment: 2026-03-01 09:30."""
    return "" if value is None else value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def when(value: datetime, now: datetime) -> str:
    """Write a moment of this year without the year, one of today as a time: 09:30, 03-01 09:30, 2025-03-01."""
    return _when(value, local_date(now))


@lru_cache(maxsize=10_000)
def _when(value: datetime, today: date) -> str:
    there = value.astimezone(SHANGHAI)
    written = there.isoformat(" ", "minutes")
    if there.date() == today:
        return written[11:16]
    return written[5:16] if there.year == today.year else written[:10]


def weekday(value: date) -> str:
    return f"周{_WEEKDAYS[value.weekday()]}"


def options(choices: Iterable[Choice], value: object) -> Markup:
    """Draw the options of a select; lists of them are the same on page after page."""
    return _options(tuple(choices), str(value))


@lru_cache(maxsize=1000)
def grouped(groups: tuple[tuple[str, tuple[Choice, ...]], ...], value: str | None) -> Markup:
    """Draw options under the titles of their groups."""
    return Markup("").join(
        Markup('<optgroup label="{}">{}</optgroup>').format(title, options(listed, value or ""))
        for title, listed in groups
    )


@lru_cache(maxsize=1000)
def _options(choices: tuple[Choice, ...], value: str) -> Markup:
    return Markup("").join(
        Markup('<option value="{}"{}{}>{}{}</option>').format(
            choice.value, Markup(' data-search="{}"').format(choice.search) if choice.search else "",
            Markup(" selected") if choice.value == value else "", "　" * choice.depth, choice.label,
        )
        for choice in choices
    )  # fmt: skip


def _answer(request: Request, name: str, status: int, values: dict[str, Any]) -> HTMLResponse:
    templates: Templates = request.app.state.templates
    return HTMLResponse(templates.text(name, values), status, {"Vary": "HX-Request"})


def _icon(assets: Assets, name: str, css: str = "") -> Markup:
    return Markup('<svg class="icon {}" aria-hidden="true"><use href="{}"></use></svg>').format(
        css, assets.icon_url(name)
    )


def _badge(icon: Callable[[str], Markup], shown: Light) -> Markup:
    """A light with its words; lists show the same few again and again."""
    drawn = icon(lighting.LIGHTS[shown.colour].icon)
    return Markup('<span class="light {}">{}{}</span>').format(shown.colour, drawn, shown.text)


@lru_cache(maxsize=1000)
def _chip(title: str, procedure: str) -> Markup:
    return Markup('<span class="chip chip-{}">{}</span>').format(procedure, title)


def _named(events: dict[str, Any]) -> dict[str, Any]:
    return {f"duban:{name}": value for name, value in events.items()}
