"""Finds what is compared: a procedure under a pack's policy of a day, or a version kept in the database."""

import re
from datetime import date

from services.cli.refusals import BadArgument
from services.engine.differing import Side

_NAMED = re.compile(r"([a-z_]+)@([a-z][a-z0-9_]*)(?::(.+))?")
_HASH = re.compile(r"[0-9a-f]{6,64}")


def find_version(text: str, today: date) -> Side:
    """Read "petition@tongcheng", "petition@tongcheng:2017-01-01" (the day of the event) or the start of a hash.

    Raises `BadArgument`, `BadPack`, `BadDeclarations`, and for a kept version `VersionLost`.
    """
    if named := _NAMED.fullmatch(text):
        return _in_pack(text, named[1], named[2], named[3], today)
    if _HASH.fullmatch(text):
        return _kept(text)
    raise BadArgument(
        f'cannot read "{text}"; write petition@tongcheng, petition@tongcheng:2017-01-01, '
        "or the first 6 or more characters of a kept version's hash"
    )


def _in_pack(text: str, procedure: str, pack: str, day: str | None, today: date) -> Side:
    from services.engine.describing import read_pack

    registry = read_pack(pack)
    if procedure not in registry.procedures:
        raise BadArgument(f"pack {pack} has no procedure {procedure}")
    try:
        on = date.fromisoformat(day) if day else today
    except ValueError as error:
        raise BadArgument(f'"{day}" is no date; write it as 2017-01-01') from error
    found = registry.current(procedure, on)
    return Side(text, found.procedure, found.policy)


def _kept(prefix: str) -> Side:
    from sqlalchemy import select

    from services.cli.edge import migrated_runtime
    from services.engine.core import engine_for
    from services.engine.models import Matter, Text

    made = migrated_runtime()
    with made.database.read() as session:
        texts = session.scalars(select(Text).where(Text.hash.startswith(prefix))).all()
        if len(texts) != 1:
            raise BadArgument(f"{len(texts)} kept versions begin with {prefix}; give more characters of one hash")
        (text,) = texts
        column = Matter.procedure_hash if text.kind == "procedure" else Matter.policy_hash
        hashes = session.execute(
            select(Matter.procedure_hash, Matter.policy_hash).where(column == text.hash).limit(1)
        ).one_or_none()
        if hashes is None:
            raise BadArgument(f"no matter was ever opened under {prefix}")
        found = engine_for(made).registry.pinned(session, *hashes)
    label = f"{text.kind} {text.key} {text.hash[:12]} ({text.pack})"
    if text.kind == "procedure":
        return Side(label, found.procedure, None)
    return Side(label, None, found.policy)
