"""The page for complainants: looking a receipt up, without logging in and without script."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from services.db.errors import DubanError
from services.web.calls import TheService, status_of
from services.web.rendering import render_bare

router = APIRouter()
STEPS = (("registered", "登记"), ("accepted", "受理"), ("in_handling", "办理"), ("closed", "办结"))


@router.get("/receipt")
def show_receipt(request: Request, the: TheService, code: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The same answer as the API gives, counted with the same limits, as a page."""
    found: dict[str, Any] | None = None
    refusal: DubanError | None = None
    if code.strip():
        try:
            found = status_of(code, request, the)
        except DubanError as error:
            refusal = error
    status = refusal.status if refusal else 200
    return render_bare(
        request, "receipt/page.html", status=status, code=code, found=found, refusal=refusal, steps=STEPS,
        number=request.state.id,
    )  # fmt: skip
