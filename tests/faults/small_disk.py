"""`python -m tests.faults.small_disk FOLDER`: an installation on a disk of a few megabytes that fills up and is freed.

Run on a file system of its own by `test_disk_full`; prints what was counted as JSON.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from services.db.base import Base
from services.db.session import Database
from services.documents import FileStore
from services.engine.core import Engine
from services.identity.sealing import Vault
from services.tables import all_models
from tests.api.web import Web, serve
from tests.support.cast import PETITION, build_county
from tests.support.dump import dump
from tests.support.invariants import check

LEFT = 600_000
UPLOAD = b"%PDF-1.4\n" + bytes(150_000)


def main(home: Path, rounds: int) -> dict[str, Any]:
    database, vault = Database(f"sqlite:///{home / 'duban.db'}"), Vault.create_if_missing(home / "secret.key")
    all_models()
    Base.metadata.create_all(database.engine)
    web = serve(build_county(database, Engine.of("tongcheng", vault)), vault, home)
    web.register()
    counted: Counter[str] = Counter()
    for _ in range(rounds):
        _fill(home)
        while counted["full"] < 8 * (counted["rounds"] + 1):
            counted.update(_try(web, home, upload=counted.total() % 2 == 0))
        (home / "filler").unlink()
        counted["rounds"] += 1
        assert web.register()["matter_id"] and _upload(web).status_code == 201, "it goes on once there is room"
    check(web.county)
    return dict(counted)


def _fill(home: Path) -> None:
    """Leave a little room, which what is done next uses up."""
    with (home / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(2**16))
        except OSError:
            file.truncate(max(file.tell() - LEFT, 0))


def _try(web: Web, home: Path, upload: bool) -> Counter[str]:
    """One upload or registration: done, or refused with 507 and nothing changed."""
    before, files = dump(web.county.database), _files(home)
    answer = _upload(web) if upload else _register(web)
    if answer.status_code == 201:
        return Counter(done=1)
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full"), answer.text
    assert "清理磁盘空间" in answer.json()["zh"]
    assert dump(web.county.database) == before
    store = FileStore(home / "files")
    assert all(store.is_whole(name) for name in _files(home) - files)
    assert not list((home / "files" / "incoming").glob("*"))
    return Counter(full=1)


def _register(web: Web) -> Any:
    answers = {**PETITION, "content": "长" * 5000, "received_on": web.county.today.isoformat()}
    body = {"procedure": "petition", "unit_id": web.county.units["county"], "answers": answers}
    return web.by("clerk").post("/api/v1/matters", json=body)


_number = [0]


def _upload(web: Web) -> Any:
    _number[0] += 1
    file = ("附件.pdf", UPLOAD + str(_number[0]).encode(), "application/pdf")
    return web.by("clerk").post("/api/v1/attachments", files={"file": file})


def _files(home: Path) -> set[str]:
    return {path.name for path in (home / "files").glob("??/??/*")}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))) + "\n")
