"""What an operator copies: commands that exist, settings that are known, files that are named where they are."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from config.settings import load_settings
from services.cli import app

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*.service"))


def read_environ(file: Path) -> dict[str, str]:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def commented_out(file: Path) -> dict[str, str]:
    return dict(re.findall(r"^# (DUBAN_\w+)=(.*)$", file.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("name", ["duban.env", "several-machines.env"])
def test_settings_are_known_and_usable_also_those_left_out(name: str) -> None:
    given = read_environ(DEPLOY / name)
    assert load_settings(given).several_machines == (name == "several-machines.env")
    load_settings(given | commented_out(DEPLOY / name))


def test_prefect_is_reached_where_its_server_listens_with_the_log_in_it_asks_for() -> None:
    ours, theirs = read_environ(DEPLOY / "several-machines.env"), read_environ(DEPLOY / "prefect.env")
    address = f"http://{theirs['PREFECT_SERVER_API_HOST']}:{theirs['PREFECT_SERVER_API_PORT']}/api"
    assert ours["DUBAN_PREFECT_API_URL"] == address
    assert ours["DUBAN_PREFECT_AUTH"] == theirs["PREFECT_SERVER_API_AUTH_STRING"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_start_commands_that_exist_with_settings_that_are_told_of(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    (command,) = re.findall(r"^ExecStart=\S+/\.venv/bin/(.+)$", text, re.MULTILINE)
    assert command == "prefect server start" or known(command.split())
    (environ,) = re.findall(r"^EnvironmentFile=(\S+)$", text, re.MULTILINE)
    assert environ in (DEPLOY / "README.md").read_text(encoding="utf-8")
    sections = re.findall(r"^\[(\w+)\]$", text, re.MULTILINE)
    assert sections == ["Unit", "Service", "Install"]


def test_containers_start_commands_that_exist() -> None:
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    ours = [service["command"] for service in services.values() if service["image"].startswith("duban:")]
    assert len(ours) == 5
    assert all(command == ["prefect", "server", "start"] or known(command) for command in ours)


def test_the_guide_names_what_is_there() -> None:
    guide = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for named in re.findall(r"deploy/([\w.@/{},-]+\.\w+)", guide):
        assert "{" in named or (DEPLOY / named).exists(), named
    commands = re.findall(r"^\s*(?:duban) ([a-z][a-z -]+?)(?: [/<-].*| +#.*| &&.*)?$", guide, re.MULTILINE)
    assert len(commands) > 5
    assert all(known(["duban", *command.split()]) for command in commands), commands


def known(words: list[str]) -> bool:
    """Whether these words are a command of ours."""
    assert words[0] == "duban"
    found: Any = get_command(app)
    for word in words[1:]:
        found = found.commands.get(word) if hasattr(found, "commands") else None
        if found is None:
            return False
    return True
