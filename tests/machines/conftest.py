"""What several machines need beside Python."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines.cluster import Cluster, Postgres, nginx_binary, postgres_binaries, until

MISSING = "PostgreSQL with contrib or nginx is missing: apt-get install postgresql postgresql-contrib nginx-light"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Not in the fixture: skipped here, all of them are told of in one line."""
    if "cluster" in getattr(item, "fixturenames", ()) and not (postgres_binaries() and nginx_binary()):
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Everything started but the watch; made once, since it takes half a minute."""
    binaries = postgres_binaries()
    assert binaries is not None
    # not in pytest's own folder, which shuts out the user that PostgreSQL runs as
    folder = Path(tempfile.mkdtemp(prefix="duban-cluster-"))
    folder.chmod(0o755)
    made = None
    try:
        made = Cluster(folder, Postgres(folder, binaries))
        made.start_prefect()
        made.start_web("web1")
        made.start_web("web2")
        made.start_nginx()
        until(made.prefect_is_up)
        yield made
    finally:
        if made is not None:
            made.end()
        shutil.rmtree(folder, ignore_errors=True)
