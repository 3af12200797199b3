"""Reads policy packs: TOML files that extend one another and change on dates. Values only; the kit gives them shape."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.calendar import CalendarOverrides

POLICIES = Path(__file__).parent / "policies"


class BadPack(Exception):
    """A pack cannot be read; the message names the file and what is wrong."""


@dataclass(frozen=True)
class Version:
    """One policy of one procedure, complete, in force from `effective` on."""

    effective: date
    doc: Mapping[str, Any]


@dataclass(frozen=True)
class Pack:
    """A county's policies. `chain` goes from the pack it builds upon to the pack itself."""

    key: str
    title: str
    chain: tuple[str, ...]
    roles: Mapping[str, str]
    calendar: CalendarOverrides
    default_roll: str
    versions: Mapping[str, tuple[Version, ...]]

    def at(self, procedure: str, on: date) -> tuple[Version, bool]:
        """Return the policy in force on a day, and whether the day lies before the pack's first version."""
        versions = self.versions[procedure]
        in_force = [v for v in versions if v.effective <= on]
        return (in_force[-1], False) if in_force else (versions[0], True)


@cache
def load_pack(key: str, root: Path = POLICIES) -> Pack:
    """Read a pack with everything it extends; raise BadPack with the reason if that cannot be done."""
    heads = list(_heads(key, root))
    merged: dict[str, Any] = {}
    for _, head in reversed(heads):
        merged = merge(merged, head)
    chain = tuple(name for name, _ in reversed(heads))
    return Pack(
        key=key,
        title=merged.get("title", key),
        chain=chain,
        roles=merged.get("roles", {}),
        calendar=_calendar(key, merged.get("calendar", {})),
        default_roll=merged.get("default_roll", "next_workday"),
        versions={name: tuple(_versions(name, chain, root)) for name in sorted(_procedures(chain, root))},
    )


def _calendar(key: str, table: Mapping[str, Any]) -> CalendarOverrides:
    try:
        return CalendarOverrides.model_validate(table)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadPack(f"{key}/pack.toml [calendar]: {wrong}") from error


def available(root: Path = POLICIES) -> list[str]:
    return sorted(p.parent.name for p in root.glob("*/pack.toml"))


def merge(below: Mapping[str, Any], above: Mapping[str, Any], depth: str = "") -> dict[str, Any]:
    """Lay one table over another. Code lists, budgets and such go whole: a list that lost a code has lost it."""
    result = dict(below)
    for key, value in above.items():
        whole = depth == "lists" or key in ("budget", "each", "source", "where")
        if isinstance(value, dict) and isinstance(result.get(key), dict) and not whole:
            result[key] = merge(result[key], value, key)
        else:
            result[key] = value
    return result


def _heads(key: str, root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    seen: list[str] = []
    name: str | None = key
    while name is not None:
        if name in seen:
            raise BadPack(f"pack {key}: {' → '.join([*seen, name])} extends itself")
        seen.append(name)
        head = _read(root / name / "pack.toml")
        name, extends = head.pop("extends", None), name
        yield extends, head


def _procedures(chain: tuple[str, ...], root: Path) -> set[str]:
    return {p.stem for name in chain for p in (root / name).glob("*.toml")} - {"pack"}


def _versions(procedure: str, chain: tuple[str, ...], root: Path) -> Iterator[Version]:
    histories = [
        _history(root / name / f"{procedure}.toml") for name in chain if (root / name / f"{procedure}.toml").exists()
    ]
    start = histories[-1][0][0]
    days = sorted({start} | {day for history in histories for day, _ in history if day > start})
    for day in days:
        doc: dict[str, Any] = {}
        for history in histories:
            in_force = [d for effective, d in history if effective <= day] or [history[0][1]]
            doc = merge(doc, in_force[-1])
        yield Version(day, doc)


def _history(path: Path) -> list[tuple[date, dict[str, Any]]]:
    """Return (effective from, whole document) of one file: its base, then each amendment laid over the one before."""
    doc = _read(path)
    amendments = doc.pop("amendments", [])
    try:
        history = [(doc["source"]["effective"], doc)]
        for amendment in sorted(amendments, key=lambda a: a["source"]["effective"]):
            history.append((amendment["source"]["effective"], merge(history[-1][1], amendment)))
    except KeyError as error:
        raise BadPack(f"{path.parent.name}/{path.name}: every version needs [source] with {error}") from error
    return history


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadPack(f"there is no pack {path.parent.name}: {path.name} is missing") from error
    except tomllib.TOMLDecodeError as error:
        raise BadPack(f"{path.parent.name}/{path.name}: {error}") from error
