"""考核得分: the subjects one may know of, each figure explained down to the matters it rests on; and as a workbook."""

from tempfile import TemporaryFile
from typing import IO, Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response

from config.calendar import local_date
from services.scoring.entries import NoSuchPeriod, read_period
from services.scoring.exporting import export_scores
from services.scoring.reading import periods_of, scores_of
from services.web import choices
from services.web.calls import Call
from services.web.choices import Choice
from services.web.forgery import Visitor
from services.web.rendering import render, wants_fragment

router = APIRouter(prefix="/scores")
Asked = Annotated[str, Query(max_length=40, pattern=r"^[^\x00]*$")]
KINDS = {"interim": "阶段得分", "final": "年终固定", "correction": "更正"}
_HALVES = {"H1": "上半年", "H2": "下半年"}
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("")
def show(request: Request, call: Visitor, period: Asked = "", unit: Asked = "") -> Response:
    """The subjects of a period; for htmx only the list, and the address that shows it."""
    name, unit_id = _period(call, period), _unit(unit)
    address = {"period": name} | ({"unit": str(unit_id)} if unit_id else {})
    with call.read() as session:
        subjects = scores_of(session, call.engine, call.actor, name, unit_id=unit_id)
        known = periods_of(session, call.engine, call.actor, call.now)
        units = [] if wants_fragment(request) else choices.units(session, call)
    answer = render(
        request, call, "scores/page.html", fragment="scores/list.html", subjects=subjects, address=address,
        kinds=KINDS, periods=[Choice(one, title_of(one)) for one in sorted({name, *known}, reverse=True)], units=units,
        export=f"/scores/export?{urlencode(address)}", period_title=title_of(name),
    )  # fmt: skip
    if wants_fragment(request):
        answer.headers["HX-Push-Url"] = f"/scores?{urlencode(address)}"
    return answer


@router.get("/export")
def export(call: Visitor, period: Asked = "", unit: Asked = "") -> Response:
    """What the address shows, as a workbook."""
    name = _period(call, period)
    file: IO[bytes]
    with TemporaryFile() as file:
        with call.write() as session:
            subjects = scores_of(session, call.engine, call.actor, name, unit_id=_unit(unit))
            export_scores(session, call.actor, name, subjects, file, call.now)
        file.seek(0)
        content = file.read()
    title = quote(f"考核得分-{name}.xlsx")
    headers = {"Content-Disposition": f"attachment; filename=\"scores.xlsx\"; filename*=UTF-8''{title}"}
    return Response(content, media_type=_WORKBOOK, headers=headers)


def title_of(name: str) -> str:
    """2016 年, 2016 年上半年, 2016 年第 1 季度, 2016 年 3 月."""
    year, _, part = name.partition("-")
    if not part:
        return f"{year} 年"
    if part in _HALVES:
        return f"{year} 年{_HALVES[part]}"
    return f"{year} 年第 {part[1]} 季度" if part[0] == "Q" else f"{year} 年 {int(part)} 月"


def _period(call: Call, text: str) -> str:
    """The period asked for; what is none is as good as not asked for."""
    try:
        return read_period(text).name
    except NoSuchPeriod:
        return str(local_date(call.now).year)


def _unit(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
