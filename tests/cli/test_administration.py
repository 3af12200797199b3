"""`duban admin create`: a fresh database becomes usable, or nothing at all is made."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from config.calendar import local_date
from services.cli import administration
from services.identity.access import load_actor
from services.identity.credentials import open_session
from services.identity.models import Person, Unit
from services.runtime import runtime

PASSWORD = "correct horse 7"
CREATE = ("admin", "create", "--login", "zhang", "--name", "张三")


@pytest.fixture(autouse=True)
def migrated(answer: Callable[..., Any]) -> None:
    answer("db", "upgrade")


def test_the_administrator_can_log_in_and_holds_the_role_everywhere(answer: Callable[..., Any]) -> None:
    made = answer(*CREATE, "--county", "清河县", typed=PASSWORD + "\n")
    now = datetime.now(UTC)
    secret, person = open_session(runtime().database, "zhang", PASSWORD, now)
    assert secret
    with runtime().database.read() as session:
        root = session.scalars(select(Unit)).one()
        actor = load_actor(session, person.id, local_date(now))
        assert actor.roles_at(root.path) == {"admin"}
    assert made == {"person_id": person.id, "login": "zhang", "unit_id": root.id, "unit": "清河县", "role": "admin"}


def test_a_second_one_needs_no_county(answer: Callable[..., Any]) -> None:
    answer(*CREATE, "--county", "清河县", typed=PASSWORD + "\n")
    second = answer("admin", "create", "--login", "li", "--name", "李四", typed=PASSWORD + "\n")
    assert second["unit"] == "清河县"


@pytest.mark.parametrize(
    ("more", "password", "code"),
    [
        ((), PASSWORD, "bad_argument: there is no county yet"),
        (("--county", "清河县"), "short", "weak_password: a password has at least 10 characters"),
        (("--county", "清河县"), "", "weak_password"),
        (("--county", "  "), PASSWORD, "unit_refused"),
    ],
)
def test_a_refusal_leaves_nothing_behind(
    refusal: Callable[..., str], more: tuple[str, ...], password: str, code: str
) -> None:
    assert f"duban: {code}" in refusal(*CREATE, *more, typed=password + "\n")
    with runtime().database.read() as session:
        assert (session.scalars(select(Unit)).all(), session.scalars(select(Person)).all()) == ([], [])


def test_another_name_for_the_county_is_refused(answer: Callable[..., Any], refusal: Callable[..., str]) -> None:
    answer(*CREATE, "--county", "清河县", typed=PASSWORD + "\n")
    said = refusal("admin", "create", "--login", "li", "--name", "李四", "--county", "柳河县", typed=PASSWORD + "\n")
    assert "the county is 清河县 already" in said


def test_a_log_in_is_given_once(answer: Callable[..., Any], refusal: Callable[..., str]) -> None:
    answer(*CREATE, "--county", "清河县", typed=PASSWORD + "\n")
    assert "person_refused: login zhang is taken" in refusal(*CREATE, typed=PASSWORD + "\n")


def test_on_a_terminal_the_password_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def prompt(_text: str, **options: Any) -> str:
        asked.append(options)
        return PASSWORD

    monkeypatch.setattr(administration.sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(administration.typer, "prompt", prompt)
    assert administration._password() == PASSWORD
    assert asked == [{"hide_input": True, "confirmation_prompt": "Once more"}]
