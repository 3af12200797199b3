"""The API's description as text: `python -m services.api.openapi > docs/openapi.json`."""

import json
import sys
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.api.shapes import Problem
from services.http.problems import MEDIA_TYPE

DESCRIPTION = """Deadline-bound procedures of a county's discipline inspection work: petitions and what follows them.

Every refusal is a problem document (RFC 9457, application/problem+json) with a stable code, an English detail and
a Chinese zh. Send a bearer: a session (POST /api/v1/session) or a token with the scope an operation names; a browser
may use the session cookie, for changes from this site's own pages only.

A change is carried out wholly or not at all. Send an Idempotency-Key to make a request safe to repeat, and the
version or ETag of the matter you looked at to be refused if somebody was faster. Dates are days in Asia/Shanghai,
instants carry their offset. Whatever the caller may not know of does not exist: lists and counts leave it out."""

REFUSAL: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, text in (("4XX", "refused; the code says why"), ("5XX", "failed; nothing was changed"))
}


def describe(app: FastAPI) -> dict[str, Any]:
    """Make the OpenAPI document once, with the schema of problems, which no endpoint returns by itself."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
        )
        document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        app.openapi_schema = document
    return app.openapi_schema


def openapi_text() -> str:
    """Return the document, keys sorted, with a final newline. Needs no database and no settings."""
    from services.api.app import application

    return json.dumps(describe(application()), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(openapi_text())
