"""What the description promises holds for requests made from it, sensible and senseless."""

from datetime import timedelta
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from services.api.app import application
from services.engine.sweep import sweep_all
from services.identity.people import grant
from tests.api.web import TestClient, Web, make_admin

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
LEFT_OUT = ["shut_out", "take_role", "show_readiness"]
"""They end the caller's own rights; or rightly answer 503, as these databases were not made by migrations."""

ROLES = ("petition_clerk", "unit_leader", "county_leader", "handler", "rechecker", "supervisor")

schema = schemathesis.openapi.from_dict(application().openapi()).exclude(operation_id=LEFT_OUT)
schema.config.phases.coverage.enabled = False  # two thousand more requests, and minutes; test_problems has their like


@pytest.fixture(scope="module")
def caller(shared_web: Web) -> TestClient:
    """Somebody who may do everything, in a county with some matters of every kind."""
    web = shared_web
    client = make_admin(web, "office", "county")
    with web.county.database.write() as session:
        for role in ROLES:
            grant(session, web.county.people["office"], role, web.county.units["county"], web.county.today, None, "x")
    for steps in ((), ("accept",), ("accept", "propose", "approve")):
        web.walk(web.register()["matter_id"], *steps)
    web.county.now += timedelta(days=40)
    sweep_all(web.county.database, web.county.engine, web.county.now)
    return client


@schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_described(case: schemathesis.Case, caller: TestClient) -> None:
    answer = caller.request(**_aimed(case))
    case.validate_response(answer, checks=CHECKS)


def _aimed(case: schemathesis.Case) -> dict[str, Any]:
    """Numbers in paths are made small, so that some of them hit what is there; the caller has his own credentials."""
    for name, value in (case.path_parameters or {}).items():
        if isinstance(value, int):
            case.path_parameters[name] = value % 7 + 1
    prepared = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
    headers = {
        name: value for name, value in prepared.headers.items() if name.lower() not in ("authorization", "cookie")
    }
    return {"method": prepared.method, "url": prepared.url, "headers": headers, "content": prepared.body}
