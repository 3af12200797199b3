"""What a new procedure needs, and no more: its file, a policy, its test, its diagram. No list to enter it in."""

from pathlib import Path

import pytest

from config.packs import available, load_pack
from tests.support.on_disk import ON_DISK

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("key", sorted(ON_DISK))
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
