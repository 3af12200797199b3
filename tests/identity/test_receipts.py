"""Receipt codes survive being read aloud and typed, and cannot be guessed from the database."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.errors import BadReceiptCode
from services.identity.receipts import ALPHABET, digest, digests, new_receipt_code, normalise
from services.identity.sealing import Vault

codes = st.builds(new_receipt_code)


def test_codes_look_as_described_and_differ() -> None:
    made = {new_receipt_code() for _ in range(500)}
    assert len(made) == 500
    assert all(re.fullmatch(f"([{ALPHABET}]{{4}}-){{3}}[{ALPHABET}]", code) for code in made)
    assert len(ALPHABET) == 32 and not set("ILOU") & set(ALPHABET)


@given(codes, st.sampled_from(["lower", "spaces", "wide", "letters", "bare"]))
def test_however_it_is_typed_it_is_the_same_code(code: str, manner: str) -> None:
    typed = {
        "lower": code.lower(),
        "spaces": f" {code.replace('-', ' ')} ",
        "wide": "".join(chr(ord(character) + 0xFEE0) for character in code),
        "letters": code.replace("0", "o").replace("1", "l"),
        "bare": code.replace("-", ""),
    }[manner]
    assert normalise(typed) == code


@given(codes, st.data())
def test_every_single_slip_is_found(code: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([at for at, character in enumerate(code) if character != "-"]))
    wrong = data.draw(st.sampled_from([character for character in ALPHABET if character != code[place]]))
    with pytest.raises(BadReceiptCode):
        normalise(code[:place] + wrong + code[place + 1 :])


@given(codes, st.integers(0, 11))
def test_swapped_neighbours_are_found_save_one_pair(code: str, at: int) -> None:
    bare = list(code.replace("-", ""))
    pair = {bare[at], bare[at + 1]}
    bare[at], bare[at + 1] = bare[at + 1], bare[at]
    if len(pair) == 1 or pair == {ALPHABET[0], ALPHABET[-1]}:
        assert normalise("".join(bare))
    else:
        with pytest.raises(BadReceiptCode):
            normalise("".join(bare))


@given(st.text(max_size=40))
def test_anything_else_is_refused_or_a_code(text: str) -> None:
    try:
        assert normalise(normalise(text)) == normalise(text)
    except BadReceiptCode as refused:
        assert (refused.code, refused.status) == ("bad_receipt_code", 422)


def test_digests_are_keyed_and_survive_rotation(tmp_path: Path, vault: Vault) -> None:
    other = Vault.create_if_missing(tmp_path / "other.key")
    code = new_receipt_code()
    assert digest(code, vault) == digest(code.lower(), vault) != digest(code, other)
    assert code not in digest(code, vault)
    both = tmp_path / "both.key"
    both.write_bytes((tmp_path / "other.key").read_bytes() + (tmp_path / "secret.key").read_bytes())
    both.chmod(0o600)
    assert digests(code, Vault(both)) == (digest(code, other), digest(code, vault))
