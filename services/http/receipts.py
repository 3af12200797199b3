"""The look-up of a receipt, counted against the limits; for programs and for people alike."""

from typing import Any

from fastapi import Request

from services.engine.sealed import public_status
from services.http.calls import Service


def status_of(code: str, request: Request, the: Service) -> dict[str, Any]:
    """Count the look-up, then answer; an unknown code and a mistyped one are answered alike.

    Returns {"state", "zh", "refusal": {"ground", "reason", "receiving_organ"} | None, "due", "provisional"}.
    """
    the.look_ups.count(request.client.host if request.client else "")
    with the.runtime.database.read() as session:
        return public_status(session, the.engine, code)
