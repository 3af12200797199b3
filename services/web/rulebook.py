"""What the rules say, in Chinese words, in the shape that a page shows and two versions are compared by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sourced:
    """A sentence of the rules: where it stands (empty: nowhere), and whether somebody checked that."""

    name: str
    text: str
    source: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Step:
    """An action: who may take it, from where to where, what it asks for, what must hold, and what it does."""

    title: str
    who: str
    source: str
    target: str
    form: list[str]
    guards: list[str]
    effects: list[str]


@dataclass(frozen=True, slots=True)
class Period:
    """A clock: its length, from when, how it may be extended, and its ladder as (when, what happens)."""

    rule: Sourced
    duty: bool
    anchor: str
    extension: str
    ladder: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Rules:
    """A procedure under one version of its policy. `turns` is (state, whose turn, final)."""

    title: str
    basis: Sourced
    number: str
    may_open: str
    may_view: str
    turns: list[tuple[str, str, bool]]
    steps: list[Step]
    periods: list[Period]
    deciding: list[Sourced]
    standing: list[Sourced]
    lists: list[Sourced]
    settings: list[Sourced]
