"""Many at once: two sweepers and staff, the same request twice, numbers under pressure, sweepers killed midway."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.db.errors import DubanError
from services.db.session import Database
from services.engine import deeds
from services.engine import sweep as sweeping
from services.engine.core import Engine
from services.engine.errors import ActionRefused, AlreadyPerformed, MatterNotFound, NotPermitted, Stale
from services.engine.loading import load_locked
from services.engine.models import FiredRung
from services.engine.opening import Opened, open_matter
from services.engine.perform import perform
from services.engine.sealed import open_sealed
from services.engine.sweep import sweep_all
from services.engine.work import claim
from services.identity.access import CLOCK, Actor, ActorGrant
from services.identity.errors import NotAuthenticated
from services.identity.models import Grant
from services.identity.people import deactivate, grant, rename_person, revoke
from tests.support.cast import PETITION, County, build_county
from tests.support.invariants import check, matter, open_items, rows_of
from tests.support.rungs import assert_each_rung_once, overdue

ROOT = Path(__file__).parents[2]


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Start all at one moment; return what each gave, or the DubanError it raised. Any other error is the test's."""
    ready = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        ready.wait(timeout=30)
        try:
            return act()
        except DubanError as refusal:
            return refusal

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(run, act) for act in acts]]


def kinds(results: list[Any]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


class TestTheSameRequestTwice:
    def test_one_is_carried_out(self, county: County) -> None:
        matter_id = county.open().matter_id
        results = together(*[lambda: county.act(matter_id, "accept", "clerk", request_key="k")] * 4)
        assert kinds(results) == {"Performed": 1, "AlreadyPerformed": 3}
        assert matter(county, matter_id)["version"] == 2
        check(county)

    def test_on_two_matters_one_is_too(self, county: County) -> None:
        ids = [county.open().matter_id for _ in range(2)]
        acts = [lambda m=m: county.act(m, "accept", "clerk", request_key="k") for m in ids * 2]
        results = together(*acts)
        assert kinds(results) == {"Performed": 1, "AlreadyPerformed": 3}
        check(county)

    def test_of_two_from_the_same_page_one_is(self, county: County) -> None:
        matter_id = county.walk("accept", "propose", "approve")
        note = county.usual("note_progress")[1]
        results = together(*[lambda: county.act(matter_id, "note_progress", "handler", note, seen_version=4)] * 4)
        assert kinds(results) == {"Performed": 1, "Stale": 3}
        assert all(r.extra == {"seen": 4, "present": 5} for r in results if isinstance(r, Stale))

    def test_one_registration(self, county: County) -> None:
        results = together(*[lambda: register(county, request_key="k")] * 4)
        assert kinds(results) == {"Opened": 1, "AlreadyPerformed": 3}
        opened = next(r for r in results if isinstance(r, Opened))
        assert all(r.extra["matter_id"] == opened.matter_id for r in results if isinstance(r, AlreadyPerformed))
        assert county.open().number == "信访〔2016〕2号"
        check(county)


def register(county: County, request_key: str | None = None, fail: bool = False) -> Opened:
    data = {**PETITION, "received_on": county.today.isoformat()}
    with county.database.write() as session:
        opened = open_matter(
            county.engine, session, "petition", data, county.actor("clerk", session), county.now,
            unit_id=county.units["county"], request_key=request_key,
        )  # fmt: skip
        if fail:
            raise ActionRefused("changed_mind", "rolled back", "已撤销")
        return opened


def test_numbers_have_no_gaps_whoever_fails(county: County) -> None:
    acts = [lambda n=n: register(county, fail=n % 3 == 0) for n in range(12)]
    results = together(*acts)
    assert kinds(results) == {"Opened": 8, "ActionRefused": 4}
    numbers = sorted(
        int(r.number.removeprefix("信访〔2016〕").removesuffix("号")) for r in results if isinstance(r, Opened)
    )
    assert numbers == list(range(1, 9))
    check(county)


class TestWaitingForOneAnother:
    def test_whoever_waited_sees_where_the_matter_went(self, county: County) -> None:
        """It moves to another unit meanwhile: it is still found, and the second approval refused for its reason."""
        matter_id = county.walk("accept", "propose")
        with ThreadPoolExecutor(1) as pool:
            with county.database.write() as session:
                leader = county.actor("leader", session)
                perform(county.engine, session, matter_id, "approve", leader, {}, county.now)
                second = pool.submit(together, lambda: county.act(matter_id, "approve", "leader", {}))
                wait_until_blocked(county.database)
            (refusal,) = second.result(timeout=60)
        assert isinstance(refusal, ActionRefused), refusal
        assert refusal.extra["reason"] == "not_in_this_state"

    def test_referring_to_a_matter_waits_for_nobody(self, postgres: Database, engine: Engine) -> None:
        """Else an opening that holds its number and a split that holds its matter could wait for each other."""
        county = build_county(postgres, engine)
        matter_id = county.open().matter_id
        with ThreadPoolExecutor(1) as pool, county.database.write() as session:
            load_locked(county.engine, session, matter_id, CLOCK)
            assert pool.submit(county.open, repeat_of=matter_id).result(timeout=20).number

    def test_roles_taken_away_while_he_waited_do_not_count(self, county: County) -> None:
        """He came with them, and still had them when he began to wait."""
        matter_id = county.walk("accept", "propose")
        with county.database.read() as session:
            leader = county.actor("leader", session)
        with ThreadPoolExecutor(1) as pool:
            with county.database.write() as session:
                load_locked(county.engine, session, matter_id, CLOCK)
                second = pool.submit(together, lambda: _do(county, perform, matter_id, "approve", leader, {}))
                wait_until_blocked(county.database)
                for role in leader.grants:
                    _revoke(session, county, role)
            (refusal,) = second.result(timeout=60)
        assert isinstance(refusal, MatterNotFound), refusal
        assert matter(county, matter_id)["state"] == "approval"


class TestWhoCameBeforeTheDirectoryChanged:
    """An actor is who he was when he came; what he holds is asked again of the directory as it is."""

    @pytest.fixture
    def clerk(self, county: County) -> Actor:
        with county.database.read() as session:
            return county.actor("clerk", session)

    @pytest.fixture(params=["perform", "open", "claim", "seal"])
    def deed(self, county: County, request: pytest.FixtureRequest) -> Callable[[Actor], Any]:
        registered, waiting = county.open().matter_id, county.open().matter_id
        item = open_items(county, waiting)[0]["id"]
        data = {**PETITION, "received_on": county.today.isoformat()}
        at = {"unit_id": county.units["county"]}
        deeds: dict[str, Callable[[Actor], Any]] = {
            "perform": lambda who: _do(county, perform, registered, "accept", who, {}),
            "open": lambda who: _do(county, open_matter, "petition", data, who, **at),
            "claim": lambda who: _within(county, lambda s: claim(s, county.engine, item, who, county.now)),
            "seal": lambda who: _within(
                county, lambda s: open_sealed(s, county.engine, waiting, "complainant", who, "联系来信人", county.now)
            ),
        }
        return deeds[request.param]

    def test_what_was_taken_away_does_not_count(
        self, county: County, clerk: Actor, deed: Callable[[Actor], Any]
    ) -> None:
        with county.database.write() as session:
            for role in clerk.grants:
                _revoke(session, county, role)
        with pytest.raises((MatterNotFound, NotPermitted)):
            deed(clerk)

    def test_what_was_given_counts(self, county: County, clerk: Actor, deed: Callable[[Actor], Any]) -> None:
        with county.database.write() as session:
            newcomer = county.actor("nobody", session)
            for role in clerk.grants:
                grant(session, county.people["nobody"], role.role, role.unit_id, newcomer.on, None, "接任")
        deed(newcomer)

    def test_who_is_inactive_by_now_does_nothing(
        self, county: County, clerk: Actor, deed: Callable[[Actor], Any]
    ) -> None:
        with county.database.write() as session:
            deactivate(session, county.people["clerk"], county.now)
        with pytest.raises(NotAuthenticated):
            deed(clerk)

    def test_what_others_hold_is_still_not_his(self, county: County, clerk: Actor) -> None:
        matter_id = county.open().matter_id
        with county.database.write() as session:
            newcomer = county.actor("nobody", session)
            rename_person(session, county.people["clerk"], "方闻")
        with pytest.raises(MatterNotFound):
            _do(county, perform, matter_id, "accept", newcomer, {})
        _do(county, perform, matter_id, "accept", clerk, {})


def _do(county: County, do: Callable[..., Any], *given: Any, **more: Any) -> Any:
    return _within(county, lambda session: do(county.engine, session, *given, county.now, **more))


def _within(county: County, do: Callable[[Session], Any]) -> Any:
    with county.database.write() as session:
        return do(session)


def _revoke(session: Session, county: County, role: ActorGrant) -> None:
    held = select(Grant.id).where(Grant.person_id == role.holder_id, Grant.role == role.role)
    revoke(session, session.execute(held.where(Grant.unit_id == role.unit_id)).scalar_one(), county.today)


def test_sweepers_take_number_series_in_one_order(
    postgres: Database, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two batches open supervision at the same two townships, met in opposite order: neither waits for the other."""
    county = build_county(postgres, engine)
    order = {"summary": "督办", "demand": "限期", "source": "leader", "handler_unit": county.units["liuhe"]}
    county.open("office", "supervised_handling", **order)  # so that its rules are on record: storing them waits too
    for unit in ("liuhe", "baishi", "baishi", "liuhe"):
        matter_id = county.walk("accept", "give_acceptance_notice")
        county.act(matter_id, "propose", "clerk", {**county.usual("propose")[1], "handler_unit": county.units[unit]})
        county.act(matter_id, "approve", *county.usual("approve"))
    county.later(days=36)
    sweep_all(county.database, engine, county.now)
    county.later(days=1)
    monkeypatch.setattr(sweeping, "BATCH", 2)
    both_hold_one, first_holds_one = threading.Barrier(2), threading.Event()
    met: set[int] = set()

    def open_slowly(*args: Any) -> None:
        carry_out(*args)
        if threading.get_ident() not in met:
            met.add(threading.get_ident())
            first_holds_one.set()
            with suppress(threading.BrokenBarrierError):
                both_hold_one.wait(timeout=1)

    carry_out = deeds._open
    monkeypatch.setattr(deeds, "_open", open_slowly)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(sweep_all, county.database, engine, county.now)
        assert first_holds_one.wait(timeout=30)
        other = pool.submit(sweep_all, county.database, engine, county.now)
        assert one.result(timeout=60)["fired"] + other.result(timeout=60)["fired"] == 4
    assert_each_rung_once(county)


def wait_until_blocked(database: Database) -> None:
    """Return once somebody waits for a row lock; on SQLite a second writer waits from its first moment."""
    if database.engine.dialect.name == "sqlite":
        return
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    for _ in range(2000):
        with database.engine.connect() as connection:
            if connection.exec_driver_sql(waiting).scalar_one():
                return
        time.sleep(0.005)
    raise AssertionError("nobody waits")


def test_two_sweepers_and_staff_at_once(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "BATCH", 3)
    ids = overdue(county, 12)
    completion = county.usual("complete")[1]

    def staff(which: int) -> int:
        for matter_id in ids[which::3]:
            who = "handler" if matter(county, matter_id)["unit_id"] == county.units["liuhe"] else "elsewhere"
            county.act(matter_id, "note_progress", who, {"content": "催办中"})
            county.act(matter_id, "complete", who, completion)
        return len(ids[which::3])

    def sweeper() -> dict[str, Any]:
        return sweep_all(county.database, county.engine, county.now)

    results = together(sweeper, sweeper, *(lambda n=n: staff(n) for n in range(3)), lambda: county.open())
    assert kinds(results) == {"dict": 2, "int": 3, "Opened": 1}, results
    assert sum(r for r in results if isinstance(r, int)) == 12
    sweep_all(county.database, county.engine, county.now)
    assert all(matter(county, m)["state"] == "recheck" for m in ids)
    assert_each_rung_once(county)


SWEEPER = """
import sys
from datetime import datetime
from pathlib import Path
from services.db.session import Database
from services.engine import sweep as sweeping
from services.engine.core import Engine
from services.identity.sealing import Vault
sweeping.BATCH = 2
url, key, now = sys.argv[1:]
engine = Engine.of("tongcheng", Vault.create_if_missing(Path(key)))
sweeping.sweep_all(Database(url), engine, datetime.fromisoformat(now), lambda _: print("batch", flush=True))
"""


def test_a_sweeper_killed_midway_loses_and_repeats_nothing(county: County, tmp_path: Path) -> None:
    overdue(county, 8)
    url = county.database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", SWEEPER, url, str(tmp_path / "secret.key"), county.now.isoformat()]
    for batches in (1, 2):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as sweeper:
            assert sweeper.stdout is not None
            for _ in range(batches):
                assert sweeper.stdout.readline() == "batch\n"
            os.kill(sweeper.pid, signal.SIGKILL)
    with county.database.read() as session:
        before = len(rows_of(session, FiredRung))
    rest = sweep_all(county.database, county.engine, county.now)
    assert before > 0
    with county.database.read() as session:
        assert len(rows_of(session, FiredRung)) == before + rest["fired"]
    assert_each_rung_once(county)
