"""Pairs procedures with policies, once, at start; keeps the text of each version that was ever used."""

import hashlib
import importlib
import pkgutil
import sys
import types
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

import statemachines
from config.packs import Pack, Version
from services.db.together import Query, Row, read_rows
from services.db.upsert import insert_missing
from services.engine.errors import BadDeclarations, VersionLost
from services.engine.models import Text
from services.identity.sealing import Vault
from statemachines.kit.policy import Policy
from statemachines.kit.procedure import Procedure

_KEPT = select(Text.hash).where(Text.hash.in_((bindparam("procedure"), bindparam("policy"))))


@dataclass(frozen=True)
class Definition:
    """A procedure and its policy as one matter is bound to them. Hashes are SHA-256 of the texts, in hex."""

    procedure: Procedure
    policy: Policy
    procedure_hash: str
    policy_hash: str
    texts: tuple[tuple[str, str], ...]
    effective: date
    before_first: bool = False

    @property
    def kept(self) -> Query:
        """Asks for those of its texts that are kept; `is_kept` reads the answer."""
        return _KEPT, {"procedure": self.procedure_hash, "policy": self.policy_hash}

    def is_kept(self, rows: Collection[Row]) -> bool:
        return len(rows) == len({self.procedure_hash, self.policy_hash})


class Registry:
    """Everything that can be opened under one pack, and everything that was."""

    def __init__(self, pack: Pack, vault: Vault) -> None:
        self.pack, self._vault = pack, vault
        self._pinned: dict[tuple[str, str], Definition] = {}
        if problems := list(self._load()):
            raise BadDeclarations(problems)

    @cached_property
    def procedures(self) -> dict[str, Procedure]:
        return {key: procedure for key, (procedure, _) in self._sources.items()}

    @cached_property
    def link_titles(self) -> dict[str, tuple[str, str]]:
        """What the matters at either end of a link are called, by kind of link."""
        return {kind: both for procedure in self.procedures.values() for kind, both in procedure.links.items()}

    def current(self, key: str, on: date) -> Definition:
        """Return what a matter whose event was on this day is opened under (`rules.md` §3.10)."""
        version, before_first = self.pack.at(key, on)
        return self._definitions[key, version.effective, before_first]

    def versions(self, key: str) -> list[Definition]:
        return [self._definitions[key, v.effective, False] for v in self.pack.versions[key]]

    def pinned(self, session: Session, procedure_hash: str, policy_hash: str) -> Definition:
        """Return the version a matter is bound to, from memory or from its kept text; raise VersionLost."""
        found = self._pinned.get((procedure_hash, policy_hash))
        if found is None:
            found = self._revive(session, procedure_hash, policy_hash)
            self._pinned[procedure_hash, policy_hash] = found
        return found

    def keep(self, session: Session, definition: Definition, now: datetime) -> None:
        """Store the texts of a version that is about to be used; does nothing where they are kept already."""
        if definition.is_kept(read_rows(session, *definition.kept)):
            return
        rows = [
            {"hash": digest(text), "kind": kind, "key": definition.procedure.key, "pack": self.pack.key,
             "effective": definition.effective if kind == "policy" else None, "text": text,
             "signature": self._vault.sign(f"version\n{text}"), "first_used_at": now}
            for kind, text in definition.texts
        ]  # fmt: skip
        insert_missing(session, Text, rows, ["hash"])

    @cached_property
    def _sources(self) -> dict[str, tuple[Procedure, str]]:
        return dict(_discover())

    def _load(self) -> Iterator[str]:
        self._definitions: dict[tuple[str, date, bool], Definition] = {}
        for key in sorted(self.pack.versions.keys() - self._sources.keys()):
            yield f"{self.pack.key}/{key}.toml: there is no procedure {key}"
        for key, (procedure, text) in self._sources.items():
            if key not in self.pack.versions:
                yield f"{key}: pack {self.pack.key} has no policy for it"
                continue
            for version in self.pack.versions[key]:
                yield from self._add(procedure, text, version)

    def _add(self, procedure: Procedure, text: str, version: Version) -> Iterator[str]:
        where = f"{self.pack.key}/{procedure.key}.toml ({version.effective})"
        try:
            policy = Policy.model_validate(version.doc)
        except ValidationError as error:
            yield from (f"{where}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            return
        known = frozenset(self.pack.roles)
        yield from (f"{where}: {p}" for p in policy.problems(procedure, known, self.procedures))
        policy_text = canonical(version.doc)
        texts = (("procedure", text), ("policy", policy_text))
        for early in (False, True):
            made = Definition(procedure, policy, digest(text), digest(policy_text), texts, version.effective, early)
            self._definitions[procedure.key, version.effective, early] = made
            if not early:
                self._pinned[made.procedure_hash, made.policy_hash] = made

    def _revive(self, session: Session, procedure_hash: str, policy_hash: str) -> Definition:
        wanted = [procedure_hash, policy_hash]
        kept = {t.hash: t for t in session.scalars(select(Text).where(Text.hash.in_(wanted)))}
        for wanted_hash in wanted:
            text = kept.get(wanted_hash)
            if (
                text is None
                or digest(text.text) != wanted_hash
                or not self._vault.verify(f"version\n{text.text}", text.signature)
            ):
                raise VersionLost(f"version {wanted_hash[:12]} is missing or was changed; restore it from a backup")
        old_procedure, old_policy = kept[procedure_hash], kept[policy_hash]
        procedure = _from_text(old_procedure.key, old_procedure.text, procedure_hash)
        doc = orjson.loads(old_policy.text)
        return Definition(
            procedure, Policy.model_validate(doc), procedure_hash, policy_hash,
            (("procedure", old_procedure.text), ("policy", old_policy.text)),
            date.fromisoformat(doc["source"]["effective"]),
        )  # fmt: skip


def canonical(value: Any) -> str:
    """The one text of a JSON value: sorted keys, no blanks, dates as ISO."""
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS).decode()


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _discover() -> Iterator[tuple[str, tuple[Procedure, str]]]:
    for module in pkgutil.iter_modules(statemachines.__path__):
        if not module.ispkg:
            loaded = importlib.import_module(f"statemachines.{module.name}")
            text = Path(str(loaded.__file__)).read_text(encoding="utf-8")
            yield module.name, (_declared_in(loaded, module.name), text)


def _from_text(key: str, text: str, text_hash: str) -> Procedure:
    """Run a kept procedure. Its signature was checked: only texts this installation once ran get here."""
    module = types.ModuleType(f"statemachines._{key}_{text_hash[:16]}")
    sys.modules[module.__name__] = module  # Pydantic looks annotations up there
    exec(compile(text, f"<{key} {text_hash[:12]}>", "exec"), module.__dict__)  # noqa: S102
    return _declared_in(module, key)


def _declared_in(module: types.ModuleType, key: str) -> Procedure:
    found = [v for v in vars(module).values() if isinstance(v, Procedure)]
    if [p.key for p in found] != [key]:
        raise BadDeclarations([f"statemachines/{key}.py must declare one procedure, {key!r}"])
    return found[0]
