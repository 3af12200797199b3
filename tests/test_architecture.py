"""What a new procedure needs, and no more: its file, a policy, its test, its diagram. No list to enter it in."""

import pkgutil
from pathlib import Path

import pytest

import statemachines
from config.packs import available, load_pack

ROOT = Path(__file__).parents[1]
PROCEDURES = [module.name for module in pkgutil.iter_modules(statemachines.__path__) if not module.ispkg]


@pytest.mark.parametrize("key", PROCEDURES)
def test_a_procedure_is_complete(key: str) -> None:
    assert (ROOT / f"tests/statemachines/test_{key}.py").exists()
    assert (ROOT / f"docs/procedures/{key}.svg").exists()
    for pack in available():
        assert key in load_pack(pack).versions, f"{pack} has no policy for {key}"


def test_no_registry_host_and_no_download_address_in_the_locks() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index-url" not in text
        assert "--find-links" not in text
