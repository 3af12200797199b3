"""Password rules, verification, and the pause after failures."""

from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher

from services.identity.errors import LoginLocked, WeakPassword
from services.identity.models import Person
from services.identity.passwords import (
    FAILURES,
    MAX_LENGTH,
    PAUSE,
    clear_failures,
    count_failure,
    matches,
    refresh_hash,
    refuse_if_locked,
    set_password,
)

GOOD = "four-words-of-luck"


@pytest.fixture
def person() -> Person:
    return Person(name="王小明同志您好您好呀", login="wangxiaoming", failed_count=0)


def test_a_password_matches_itself_only(person: Person) -> None:
    set_password(person, GOOD)
    assert matches(person.password_hash, GOOD)
    assert not matches(person.password_hash, GOOD + " ")
    assert not matches(person.password_hash, GOOD.upper())
    assert person.password_hash and GOOD not in person.password_hash


def test_full_width_typing_is_the_same_password(person: Person) -> None:
    set_password(person, "ｆｏｕｒ－ｗｏｒｄｓ－１２")
    assert matches(person.password_hash, "four-words-12")


def test_two_people_with_one_password_have_different_hashes(person: Person) -> None:
    set_password(person, GOOD)
    first = person.password_hash
    set_password(person, GOOD)
    assert person.password_hash != first


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "at least"),
        ("123456789", "at least"),
        ("x" * (MAX_LENGTH + 1), "at most"),
        ("WangXiaoMing", "login"),
        ("ｗａｎｇｘｉａｏｍｉｎｇ", "login"),
        ("王小明同志您好您好呀", "name"),
        ("1111111111", "different"),
        ("ababababab", "different"),
    ],
)
def test_weak_passwords_are_refused_and_change_nothing(person: Person, password: str, reason: str) -> None:
    set_password(person, GOOD)
    before = person.password_hash
    with pytest.raises(WeakPassword, match=reason) as refused:
        set_password(person, password)
    assert "密码" in refused.value.zh
    assert person.password_hash == before


@pytest.mark.parametrize("password_hash", [None, "", "no hash", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA"])
def test_no_hash_is_no_password(password_hash: str | None) -> None:
    assert not matches(password_hash, GOOD)
    assert not matches(password_hash, "the password of an unknown login")
    assert not matches(password_hash, "x" * 10_000)


def test_an_old_hash_is_renewed_when_its_password_is_known(person: Person) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(GOOD)
    person.password_hash = weak
    refresh_hash(person, GOOD)
    assert person.password_hash != weak and matches(person.password_hash, GOOD)
    renewed = person.password_hash
    refresh_hash(person, GOOD)
    assert person.password_hash == renewed


def test_the_pause_comes_with_the_last_failure_and_ends(person: Person, now: datetime) -> None:
    for _ in range(FAILURES - 1):
        count_failure(person, now)
        refuse_if_locked(person, now)
    count_failure(person, now)
    with pytest.raises(LoginLocked) as locked:
        refuse_if_locked(person, now + PAUSE - timedelta(seconds=1))
    assert locked.value.extra["until"] == now + PAUSE
    refuse_if_locked(person, now + PAUSE)
    count_failure(person, now + PAUSE)
    refuse_if_locked(person, now + PAUSE)


def test_clearing_ends_the_pause(person: Person, now: datetime) -> None:
    for _ in range(FAILURES):
        count_failure(person, now)
    clear_failures(person)
    refuse_if_locked(person, now)
