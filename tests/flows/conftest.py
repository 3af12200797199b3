"""A row of the table that points at a function of the test, and a runtime without Prefect."""

import socket
import sys
import types
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import services.runs.models  # noqa: F401  (its table joins the metadata)
from config.settings import Settings
from flows.schedule import Scheduled
from services.db.session import Database
from services.identity.sealing import Vault
from services.runtime import Runtime

MakeItem = Callable[..., Scheduled]


@pytest.fixture
def works(sqlite: Database, vault: Vault, tmp_path: Path) -> Runtime:
    """Its Prefect port was free a moment ago, so nothing answers there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings = Settings(home=tmp_path, prefect_port=server.getsockname()[1])
    return Runtime(settings, sqlite, vault)


@pytest.fixture
def make_item(monkeypatch: pytest.MonkeyPatch) -> MakeItem:
    """`make_item(work, name=…, cron=…)`: a row whose plain function is `work(runtime, now, **parameters)`."""
    module = types.ModuleType("duban_fake_work")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def make(
        work: Callable[[Runtime, datetime], dict[str, Any]],
        name: str = "probe",
        cron: str = "0 0 1 1 *",
        **parameters: Any,
    ) -> Scheduled:
        setattr(module, name, work)
        return Scheduled(name, "测试", f"duban_fake_work:{name}", cron, timedelta(minutes=30), parameters)

    return make
