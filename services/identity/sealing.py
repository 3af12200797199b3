"""The keys that are not in the database, and what they protect: sealed texts, signatures, keyed digests.

The key file is text: one key of 32 bytes in base64 a line, the current one first. To rotate, put a new line
on top and keep the old ones for as long as anything is sealed with them.
"""

import base64
import binascii
import hmac
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.identity.errors import SealBroken, SecretFileUnusable

_KEY_BYTES = 32
_ID_BYTES = 4
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, repr=False)
class _Key:
    """What is derived from one line of the file: each use has a key of its own, and the id tells nothing."""

    id: bytes
    seal: bytes
    mac: bytes

    @classmethod
    def derive(cls, master: bytes) -> Self:
        def part(info: bytes, length: int) -> bytes:
            return HKDF(SHA256(), length, salt=None, info=b"duban " + info).derive(master)

        return cls(part(b"id", _ID_BYTES), part(b"seal", _KEY_BYTES), part(b"mac", _KEY_BYTES))


class Vault:
    """The installation's keys, read once from `secret_file`; `SecretFileUnusable` says how to mend it."""

    def __init__(self, secret_file: Path) -> None:
        self._keys = tuple(_Key.derive(master) for master in _read(secret_file))
        self._by_id = {key.id: key for key in self._keys}

    @classmethod
    def create_if_missing(cls, secret_file: Path) -> Self:
        """Open the vault; where there is no file yet, make one with a new key, readable by its owner only."""
        if not secret_file.exists():
            _create(secret_file)
        return cls(secret_file)

    def seal(self, plain: str, context: str) -> bytes:
        """Encrypt with AES-256-GCM: id of the current key, nonce, ciphertext. Opens in this context only."""
        key, nonce = self._keys[0], os.urandom(_NONCE_BYTES)
        return key.id + nonce + AESGCM(key.seal).encrypt(nonce, plain.encode(), context.encode())

    def open(self, sealed: bytes, context: str) -> str:
        """The text sealed in this context. `SealBroken`: altered, moved, or its key is not in the file."""
        key_id, nonce = sealed[:_ID_BYTES], sealed[_ID_BYTES : _ID_BYTES + _NONCE_BYTES]
        if (key := self._by_id.get(key_id)) is None:
            raise SealBroken(
                f"sealed with key {key_id.hex()}, which is not in the secret file; put that key back into it",
                "密封内容所用密钥不在本系统的密钥文件中，请联系管理员恢复密钥。",
            )
        try:
            plain = AESGCM(key.seal).decrypt(nonce, sealed[_ID_BYTES + _NONCE_BYTES :], context.encode())
        except (InvalidTag, ValueError):
            raise SealBroken(
                "the sealed text was altered or belongs elsewhere; restore it from a backup",
                "密封内容已被改动或错置，无法打开，请联系管理员。",
            ) from None
        return plain.decode()

    def knows(self, sealed: bytes) -> bool:
        """Whether the key that sealed this is in the file; whether it still opens only `open` can tell."""
        return sealed[:_ID_BYTES] in self._by_id

    def sign(self, text: str) -> str:
        """A signature of the text with the current key: 43 URL-safe characters. Say in the text what for."""
        return _mac(self._keys[0], "sign", text)

    def verify(self, text: str, signature: str) -> bool:
        """Whether any of the keys made this signature of this text."""
        given = signature.encode()
        return any(hmac.compare_digest(_mac(key, "sign", text).encode(), given) for key in self._keys)

    def digests(self, text: str, purpose: str) -> tuple[str, ...]:
        """Keyed digests to look a secret up by: the current key's, to be stored, then the older keys'."""
        return tuple(_mac(key, f"digest {purpose}", text) for key in self._keys)


def _mac(key: _Key, purpose: str, text: str) -> str:
    tag = hmac.digest(key.mac, f"{purpose}\n{text}".encode(), "sha256")
    return base64.urlsafe_b64encode(tag).rstrip(b"=").decode()


def _read(file: Path) -> list[bytes]:
    try:
        mode, lines = file.stat().st_mode, file.read_text("ascii").split()
    except FileNotFoundError:
        raise SecretFileUnusable(f"there is no secret file {file}; restore it from a backup") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SecretFileUnusable(f"the secret file {file} cannot be read: {error}") from None
    if mode & 0o077:
        raise SecretFileUnusable(f"others may read the secret file {file}; run: chmod 600 {file}")
    try:
        keys = [base64.b64decode(line, validate=True) for line in lines]
    except binascii.Error:
        keys = []
    if not keys or any(len(key) != _KEY_BYTES for key in keys):
        raise SecretFileUnusable(f"{file} does not hold keys of {_KEY_BYTES} bytes in base64, one a line")
    return keys


def _create(file: Path) -> None:
    """Write the whole file aside, then link it: of two processes starting together both read the same key."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as draft:
            draft.write(base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
            draft.flush()
            os.fsync(draft.fileno())
        os.link(name, file)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
