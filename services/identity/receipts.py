"""Receipt codes: what a complainant, named or not, looks the state of a petition up by."""

import secrets
import unicodedata

from services.identity.errors import BadReceiptCode
from services.identity.sealing import Vault

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's 32: without I, L, O (read as 1, 1, 0) and U."""

RANDOM_CHARACTERS = 12  # 60 bits: at ten guesses a second, a hit takes longer than the county will stand

_GROUP = 4
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_DOUBLED = {character: sum(divmod(2 * value, len(ALPHABET))) for character, value in _VALUES.items()}
_READ_AS = str.maketrans("ILO", "110")


def new_receipt_code() -> str:
    """A new random code with its check character: XXXX-XXXX-XXXX-X."""
    body = "".join(ALPHABET[byte % len(ALPHABET)] for byte in secrets.token_bytes(RANDOM_CHARACTERS))  # 256 is 8 x 32
    return _grouped(body + _check(body))


def normalise(code: str) -> str:
    """The code as it was issued, however it was typed (case, spaces, full-width, O for 0, I or L for 1).

    Raises `BadReceiptCode` if it cannot be one: wrong length, foreign character, or a slip the check finds.
    """
    typed = unicodedata.normalize("NFKC", code).upper().translate(_READ_AS)
    bare = "".join(character for character in typed if character.isalnum())
    if len(bare) != RANDOM_CHARACTERS + 1 or not set(bare) <= set(ALPHABET) or _check(bare[:-1]) != bare[-1]:
        raise BadReceiptCode
    return _grouped(bare)


def digest(code: str, vault: Vault) -> str:
    """What is stored in place of the code. It is keyed: with the database alone no guess can be tested."""
    return digests(code, vault)[0]


def digests(code: str, vault: Vault) -> tuple[str, ...]:
    """All digests the code may be stored under, one for each key of the vault; look it up with IN."""
    return vault.digests(normalise(code), "receipt")


def _check(body: str) -> str:
    """Luhn's check to the base 32: finds every single slip and nearly every swap of neighbours."""
    backwards = body[::-1]
    total = sum(_DOUBLED[c] for c in backwards[::2]) + sum(_VALUES[c] for c in backwards[1::2])
    return ALPHABET[-total % len(ALPHABET)]


def _grouped(bare: str) -> str:
    return "-".join(bare[start : start + _GROUP] for start in range(0, len(bare), _GROUP))
