"""The one thing that anybody may ask: the state of a petition, by its receipt code."""

from datetime import date
from typing import Literal

from fastapi import APIRouter, Request

from services.api.shapes import Secret, Shown
from services.http.calls import TheService
from services.http.receipts import status_of

router = APIRouter(prefix="/public", tags=["public"])


class Refused(Shown):
    """Why a petition was not accepted, and which organ has it now."""

    ground: str
    reason: str
    receiving_organ: str


class PublicStatus(Shown):
    """All that a receipt code tells. `due` is the end of the handling period while it runs."""

    state: Literal["registered", "accepted", "referred", "in_handling", "closed"]
    zh: str
    refusal: Refused | None
    due: date | None
    provisional: bool


@router.get("/receipts/{code}")
def look_receipt_up(code: Secret, request: Request, the: TheService) -> PublicStatus:
    """Look a receipt up, without logging in; ten times a minute and a hundred a day from one address."""
    return PublicStatus.model_validate(status_of(code, request, the))
