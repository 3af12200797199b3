"""Rules that change: a running matter keeps its own, revived from the database, and only if nobody touched the text."""

import shutil
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from config import packs
from config.calendar import WorkingCalendar
from config.packs import load_pack
from services.engine import registry
from services.engine.aside import SetAside
from services.engine.core import Engine
from services.engine.errors import ActionRefused, BadDeclarations, VersionLost
from services.engine.models import Matter, Text
from services.engine.sweep import sweep_all
from services.identity.sealing import Vault
from tests.support.cast import County
from tests.support.dump import dump
from tests.support.invariants import check, clocks, matter


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of all packs, to be changed at will."""
    return Path(shutil.copytree(packs.POLICIES, tmp_path / "policies"))


def rewrite(root: Path, file: str, *changes: tuple[str, str]) -> None:
    path = root / file
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def restarted(root: Path, vault: Vault, key: str = "tongcheng") -> Engine:
    """The service as it comes up on these files, with nothing in memory."""
    pack = load_pack(key, root)
    return Engine(registry.Registry(pack, vault), vault, WorkingCalendar(pack.calendar))


def handling_due(county: County, matter_id: int) -> date:
    due: date = clocks(county, matter_id)["handling"]["effective_due"]
    return due


TWO_MONTHS = ('general = "1 month"', 'general = "2 month"')
ALONE = ("len(set(answers.team)) >= 2", "len(set(answers.team)) >= 1")


class TestARunningMatterKeepsItsRules:
    def test_the_policy_it_was_opened_under(self, county: County, root: Path, vault: Vault) -> None:
        old = county.walk("accept", "propose")
        rewrite(root, "tongcheng/petition.toml", TWO_MONTHS)
        county.engine = restarted(root, vault)
        new = county.walk("accept", "propose", "approve")
        county.act(old, "approve", *county.usual("approve"))
        assert (handling_due(county, old), handling_due(county, new)) == (date(2016, 4, 1), date(2016, 5, 3))
        assert matter(county, old)["policy_hash"] != matter(county, new)["policy_hash"]
        check(county)

    def test_the_procedure_it_was_opened_under(
        self, county: County, root: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = county.walk("accept", "propose", "approve")
        change_procedure(monkeypatch, ALONE)
        county.engine = restarted(root, vault)
        new = county.walk("accept", "propose", "approve")
        alone = {**county.usual("complete")[1], "team": [county.people["handler"]]}
        with pytest.raises(ActionRefused) as refused:
            county.act(old, "complete", "handler", alone)
        assert refused.value.extra["reason"] == "team_of_two"
        assert county.act(new, "complete", "handler", alone).state == "recheck"
        check(county)

    def test_so_does_the_sweep(self, county: County, root: Path, vault: Vault) -> None:
        matter_id = county.walk("accept", "propose", "approve")
        rewrite(root, "national/petition.toml", ('at = "+10 workday"\ndo = ["raise county_leader"]', ""))
        rewrite(root, "national/petition.toml", ("[[clocks.handling.ladder]]\n\n", ""))
        county.engine = restarted(root, vault)
        county.later(days=60)
        assert sweep_all(county.database, county.engine, county.now)["by_rung"]["handling +10 workday"] == 1
        check(county)
        assert matter_id


def change_procedure(monkeypatch: pytest.MonkeyPatch, change: tuple[str, str]) -> None:
    """Let the next start find another text of the petition."""
    found = dict(registry._discover())
    text = found["petition"][1]
    assert change[0] in text
    changed = text.replace(*change)
    made = registry._from_text("petition", changed, registry.digest(changed))
    monkeypatch.setattr(registry, "_discover", lambda: iter({**found, "petition": (made, changed)}.items()))


class TestTheKeptText:
    def forget(self, county: County, root: Path, vault: Vault) -> None:
        rewrite(root, "tongcheng/petition.toml", TWO_MONTHS)
        county.engine = restarted(root, vault)

    @pytest.mark.parametrize("what", ["changed", "signed by another key", "replaced with a hash that fits"])
    @pytest.mark.parametrize("kind", ["policy", "procedure"])
    def test_that_was_tampered_with_moves_nothing(
        self, county: County, root: Path, vault: Vault, tmp_path: Path, what: str, kind: str
    ) -> None:
        matter_id = county.walk("accept", "propose")
        self.forget(county, root, vault)
        tamper(county, matter_id, what, kind, Vault.create_if_missing(tmp_path / "other.key"))
        before = dump(county.database)
        with pytest.raises(VersionLost, match=matter(county, matter_id)[f"{kind}_hash"][:12]):
            county.act(matter_id, "approve", *county.usual("approve"))
        assert dump(county.database) == before

    def test_that_a_matter_needs_cannot_be_deleted(self, county: County) -> None:
        county.open()
        with pytest.raises(IntegrityError), county.database.write() as session:
            session.execute(delete(Text))

    def test_one_such_matter_stops_no_other(self, county: County, root: Path, vault: Vault) -> None:
        lost = county.walk("accept", "propose", "approve")
        self.forget(county, root, vault)
        sound = [county.walk("accept", "propose", "approve") for _ in range(2)]
        tamper(county, lost, "changed", "policy", vault)
        county.later(days=100)
        done = sweep_all(county.database, county.engine, county.now)
        assert done["set_aside"] == len(clocks(county, lost, active=True))
        assert all(clocks(county, m)["handling"]["rungs_fired"] == 5 for m in sound)
        assert clocks(county, lost)["handling"]["rungs_fired"] == 0
        with county.database.read() as session:
            reasons = session.scalars(select(SetAside.why).where(SetAside.matter_id == lost)).all()
        assert reasons and all("restore it" in why for why in reasons)

    def test_one_set_aside_is_served_once_it_is_mended(self, county: County, root: Path, vault: Vault) -> None:
        matter_id = county.walk("accept", "propose", "approve")
        self.forget(county, root, vault)
        key = matter(county, matter_id)["policy_hash"]
        with county.database.read() as session:
            kept = session.get_one(Text, key).text
        tamper(county, matter_id, "changed", "policy", vault)
        county.later(days=100)
        sweep_all(county.database, county.engine, county.now)
        with county.database.write() as session:
            session.execute(update(Text).where(Text.hash == key).values(text=kept))
        assert sweep_all(county.database, county.engine, county.now)["fired"] == 0
        county.later(hours=2)
        sweep_all(county.database, county.engine, county.now)
        assert clocks(county, matter_id)["handling"]["rungs_fired"] == 5
        check(county)


def tamper(county: County, matter_id: int, what: str, kind: str, other: Vault) -> None:
    """Do to a kept text what somebody with the database, but without the key, can do."""
    column = f"{kind}_hash"
    with county.database.write() as session:
        row = session.get_one(Text, matter(county, matter_id)[column])
        match what:
            case "changed":
                row.text += " "
            case "signed by another key":
                row.signature = other.sign(f"version\n{row.text}")
            case _:
                text = row.text + " "
                columns = {c.name: getattr(row, c.name) for c in Text.__table__.columns}
                session.execute(insert(Text).values({**columns, "text": text, "hash": registry.digest(text)}))
                session.execute(update(Matter).where(Matter.id == matter_id).values({column: registry.digest(text)}))


def test_everything_that_is_wrong_is_named_at_once(root: Path, vault: Vault) -> None:
    rewrite(
        root,
        "national/petition.toml",
        ('accept = ["petition_clerk", "county_office"]\n', ""),
        ('archive = ["petition_clerk"]', 'archive = ["king"]\nburn = ["petition_clerk"]'),
        ('triage = "petition_clerk"\n', ""),
        ('anchor = "open.received_on"\nbudget = "15 day"', 'anchor = "open.sent_on"\nbudget = "15 day"'),
        ('do = ["open supervised_handling"]', 'do = ["open spot_check", "sing loudly", "tell king"]'),
        ("[clocks.transfer]", "[clocks.transport]"),
        ("[[clocks.transfer.ladder]]", "[[clocks.transport.ladder]]"),
        ("[lists.inquiry_modes]", "[lists.inquiry_manners]"),
    )
    rewrite(root, "tongcheng/petition.toml", ('major = "3 month"', 'major = "three months"'))
    (root / "tongcheng" / "hunting.toml").write_text('[source]\ntitle = "无"\neffective = 2016-01-01\n')
    with pytest.raises(BadDeclarations) as national:
        restarted(root, vault, "national")
    with pytest.raises(BadDeclarations) as tongcheng:
        restarted(root, vault)
    text = "\n".join(national.value.extra["problems"])
    for said in (
        "no role may accept", "roles for unknown action burn", "unknown role king",
        "in state triage it is nobody's turn",
        "anchor open.sent_on is no answer", "no rung can open spot_check", "cannot read 'sing loudly'",
        "no clock transfer in the policy", "clock transport is started by nothing", "no list inquiry_modes",
    ):  # fmt: skip
        assert said in text
    text = "\n".join(tongcheng.value.extra["problems"])
    assert "there is no procedure hunting" in text
    assert "three months" in text
