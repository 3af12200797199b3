"""Column types behave alike on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Mapped, mapped_column

from services.db.base import Base
from services.db.session import Database

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Own(Base):
    """A table for these tests only, kept out of the product's metadata."""

    __abstract__ = True
    metadata = MetaData(naming_convention=Base.metadata.naming_convention)


class Sample(Own):
    __tablename__ = "specimen"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    facts: Mapped[dict[str, Any] | None]
    names: Mapped[list[str] | None]


@pytest.fixture
def samples(database: Database) -> Database:
    Own.metadata.create_all(database.engine)
    return database


def store(samples: Database, **values: Any) -> int:
    with samples.write() as session:
        session.add(row := Sample(**({"at": datetime(2016, 1, 1, tzinfo=UTC)} | values)))
        session.flush()
        return row.id


def fetch(samples: Database, sample_id: int) -> Sample:
    with samples.read() as session:
        return session.get_one(Sample, sample_id)


INSTANTS = st.datetimes(
    datetime(1950, 1, 2),
    datetime(2099, 12, 30),
    timezones=st.one_of(
        st.sampled_from([UTC, SHANGHAI, ZoneInfo("America/New_York")]),
        st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.lists(INSTANTS, min_size=1, max_size=8))
def test_an_instant_comes_back_the_same_in_utc_and_in_order(samples: Database, instants: list[datetime]) -> None:
    ids = [store(samples, at=instant) for instant in instants]
    instants = [instant.astimezone(UTC) for instant in instants]  # Python calls folds of two zones never equal
    assert [fetch(samples, key).at for key in ids] == instants
    assert all(fetch(samples, key).at.tzinfo is UTC for key in ids)
    with samples.read() as session:
        in_order = session.scalars(select(Sample.at).where(Sample.id.in_(ids)).order_by(Sample.at)).all()
        later = session.scalars(select(Sample.at).where(Sample.id.in_(ids), Sample.at > instants[0])).all()
    assert list(in_order) == sorted(instants)
    assert sorted(later) == sorted(instant for instant in instants if instant > instants[0])


def test_a_naive_instant_is_refused(samples: Database) -> None:
    with pytest.raises(StatementError, match="naive datetime"):
        store(samples, at=datetime(2016, 1, 1))
    with samples.read() as session, pytest.raises(StatementError, match="naive datetime"):
        session.scalars(select(Sample).where(Sample.at > datetime(2016, 1, 1))).all()


def test_json_keeps_chinese_readable_and_none_is_null(samples: Database) -> None:
    key = store(samples, facts={"单位": "柳河乡", "n": 1, "deep": [None, {"a": 0.5}]}, names=["甲", "乙"])
    assert fetch(samples, key).facts == {"单位": "柳河乡", "n": 1, "deep": [None, {"a": 0.5}]}
    assert fetch(samples, key).names == ["甲", "乙"]
    empty = store(samples, facts=None)
    with samples.read() as session:
        assert "柳河乡" in session.scalar(text(f"SELECT CAST(facts AS TEXT) FROM specimen WHERE id = {key}"))
        assert session.scalars(select(Sample.id).where(Sample.facts.is_(None))).all() == [empty]


def test_keys_number_themselves_and_hold_64_bits(samples: Database) -> None:
    first = store(samples)
    assert store(samples) == first + 1
    assert store(samples, id=2**40) == 2**40
    assert fetch(samples, 2**40).id == 2**40


def test_constraints_are_named_by_rule() -> None:
    table = Base.metadata.tables["credential"]
    assert {constraint.name for constraint in table.constraints} == {
        "pk_credential",
        "uq_credential_digest",
        "fk_credential_person_id",
        "ck_credential_kind",
    }
    assert {index.name for index in table.indexes} == {"ix_credential_person_id"}
