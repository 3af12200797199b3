"""An engine over procedures made in a test: a procedure object and a policy dict, no file."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from config.calendar import WorkingCalendar
from config.packs import Version, load_pack
from services.engine.core import Engine
from services.engine.registry import Registry
from services.identity.sealing import Vault
from statemachines.kit.procedure import Procedure

Versions = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class _Declared(Registry):
    """A registry that finds what it is given beside what stands in the files."""

    def __init__(self, pack: Any, vault: Vault, sources: Mapping[str, tuple[Procedure, str]]) -> None:
        self.__dict__["_sources"] = {**Registry._sources.func(self), **sources}
        super().__init__(pack, vault)


def declared(vault: Vault, *declarations: tuple[Procedure, Versions], upon: str = "tongcheng") -> Engine:
    """Return an engine that knows these procedures, each with its policy (or one per date), and those of a pack.

    A policy needs `source.effective` as a date. Nothing revives such a procedure from the database: keep the engine.
    """
    pack = load_pack(upon)
    versions = {p.key: tuple(_versions(policies)) for p, policies in declarations}
    sources = {p.key: (p, f"{p.key} made in a test") for p, _ in declarations}
    made = replace(pack, versions={**pack.versions, **versions})
    return Engine(_Declared(made, vault, sources), vault, WorkingCalendar(pack.calendar))


def _versions(policies: Versions) -> list[Version]:
    listed = [policies] if isinstance(policies, Mapping) else list(policies)
    return sorted((Version(_effective(doc), doc) for doc in listed), key=lambda version: version.effective)


def _effective(doc: Mapping[str, Any]) -> date:
    day: date = doc["source"]["effective"]
    return day
