"""The page for complainants: what this is, and looking a receipt up without script."""

from html import escape
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from services.api.calls import TheService
from services.api.pages import element, page
from services.api.routes.public import PublicStatus, status_of
from services.api.shapes import Secret
from services.db.errors import DubanError

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/")
def show_landing_page() -> HTMLResponse:
    """Say what this is."""
    return page("landing", code="", answer="")


@router.get("/receipt")
def show_receipt(request: Request, the: TheService, code: Annotated[Secret, Query()] = "") -> HTMLResponse:
    """The same answer as the API gives, as a page."""
    try:
        answer, status = _answer(status_of(code, request, the)), 200
    except DubanError as refusal:
        answer, status = element("p", refusal.zh, class_="answer", role="alert"), refusal.status
    return page("landing", status, code=escape(code), answer=answer)


def _answer(status: PublicStatus) -> str:
    provisional = "（暂定，节假日安排公布后以公布为准）" if status.provisional else ""
    lines = [
        ("办理状态", status.zh),
        ("不予受理情形", status.refusal and status.refusal.ground),
        ("理由", status.refusal and status.refusal.reason),
        ("移交（告知）机关", status.refusal and status.refusal.receiving_organ),
        ("办理期限", f"{status.due.isoformat()}{provisional}" if status.due else None),
    ]
    rows = "".join(element("dt", name) + element("dd", text) for name, text in lines if text)
    return f'<div class="answer" role="status"><dl>{rows}</dl></div>'
