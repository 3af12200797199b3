"""One file: a gzipped tar, encrypted with age where recipients are given, written and read as a stream.

`age -d -i IDENTITY FILE | tar xz` opens it without us. Recipients alone encrypt, not passphrases: the machine that
makes backups at night then holds nothing that opens them, and nothing has to fit into memory.
"""

import errno
import gzip
import os
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from services.keeping.errors import BackupUnusable, CannotBackUp, RestoreRefused

_AGE, _GZIP = b"age-encryption.org/v1", b"\x1f\x8b"
_NO_PLACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES})
_LEVEL = 4
"""Half the size at a fraction of the time; attachments are compressed mostly."""


@contextmanager
def writing(file: IO[bytes], recipients: Sequence[str]) -> Iterator[tarfile.TarFile]:
    """Write members into the file, one after the other."""
    with (
        _encrypted(file, recipients) as out,
        gzip.GzipFile("", "wb", _LEVEL, out, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        yield archive


@contextmanager
def reading(file: Path, identity: Path | None) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """Read the members, one after the other: each has to be read before the next. Raises BackupUnusable."""
    try:
        with (
            file.open("rb") as source,
            _decrypted(source, file, identity) as plain,
            gzip.GzipFile(fileobj=plain) as packed,
            tarfile.open(fileobj=packed, mode="r|") as archive,
        ):
            yield _members(archive)
            while packed.read(2**20):  # to the end, where the checksum stands
                pass
    except OSError as error:
        if error.errno in _NO_PLACE:
            raise RestoreRefused(f"it cannot be unpacked: {error.strerror}; make room") from error
        raise BackupUnusable(f"{file} is damaged or cannot be read: {error}; take another backup") from error
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise BackupUnusable(f"{file} is damaged or cut off: {error}; take another backup") from error


def is_encrypted(file: Path) -> bool:
    """Whether age is needed to read it; raise BackupUnusable where it is no backup at all."""
    try:
        with file.open("rb") as source:
            beginning = source.read(len(_AGE))
    except OSError as error:
        raise BackupUnusable(f"{file} cannot be read: {error.strerror}") from None
    if beginning != _AGE and not beginning.startswith(_GZIP):
        raise BackupUnusable(f"{file} is no backup made by duban")
    return beginning == _AGE


def parse_recipients(texts: Iterable[str]) -> list[Any]:
    """Read public keys (age1…); raise CannotBackUp."""
    from pyrage import RecipientError, x25519

    try:
        return [x25519.Recipient.from_str(text) for text in texts]
    except RecipientError:
        raise CannotBackUp(
            "a recipient is no age public key (age1…); make a pair with: duban backup-key FILE"
        ) from None


def new_key(file: Path) -> str:
    """Make a pair: the secret half goes into a file that must not exist, readable by its owner; return the public."""
    from pyrage import x25519

    identity = x25519.Identity.generate()
    public = str(identity.to_public())
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CannotBackUp(f"{file} cannot be made: {error.strerror}") from None
    with os.fdopen(handle, "w") as out:
        out.write(f"# public key: {public}\n{identity}\n")
    return public


def _members(archive: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    for member in archive:
        content = archive.extractfile(member)
        if content is None:
            raise BackupUnusable(f"the backup holds {member.name}, which is no file")
        yield member.name, content


@contextmanager
def _encrypted(file: IO[bytes], recipients: Sequence[str]) -> Iterator[IO[bytes]]:
    if not recipients:
        yield file
        return
    import pyrage

    parsed = parse_recipients(recipients)
    with _beside(lambda source: pyrage.encrypt_io(source, file, parsed), reads=True) as out:
        yield out


@contextmanager
def _decrypted(source: IO[bytes], file: Path, identity: Path | None) -> Iterator[IO[bytes]]:
    if not is_encrypted(file):
        yield source
        return
    import pyrage

    identities = _read_identities(identity)
    try:
        with _beside(lambda out: pyrage.decrypt_io(source, out, identities), reads=False) as plain:
            yield plain
    except pyrage.DecryptError as error:
        raise BackupUnusable(f"it does not open with this identity, or is damaged ({error})") from error


def _read_identities(file: Path | None) -> list[Any]:
    from pyrage import IdentityError, x25519

    if file is None:
        raise BackupUnusable("it is encrypted; name the file with the secret key: --identity FILE")
    try:
        lines = [line.strip() for line in file.read_text("ascii").splitlines()]
        return [x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (OSError, UnicodeDecodeError, IdentityError):
        raise BackupUnusable(f"{file} holds no age secret key (AGE-SECRET-KEY-1…)") from None


@contextmanager
def _beside(work: Callable[[IO[bytes]], None], *, reads: bool) -> Iterator[IO[bytes]]:
    """Run work on one end of a pipe in a thread and give the other end; what went wrong there is raised here."""
    receive, send = os.pipe()
    theirs = os.fdopen(receive, "rb") if reads else os.fdopen(send, "wb")
    ours = os.fdopen(send, "wb") if reads else os.fdopen(receive, "rb")
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work(theirs)
        except BaseException as error:
            failed.append(error)
        finally:
            with suppress(OSError):
                theirs.close()

    thread = threading.Thread(target=run, name="age")
    thread.start()
    broken: BaseException | None = None
    try:
        yield ours
    except (OSError, EOFError, tarfile.TarError) as error:  # what is seen of a failure at the other end
        broken = error
    finally:
        with suppress(OSError):
            ours.close()
        thread.join()
    if failed and not (broken is None and isinstance(failed[0], BrokenPipeError)):
        raise failed[0]
    if broken is not None:
        raise broken
