"""What a policy makes happen by itself, in words for a terminal: obligations and candidates."""

from collections.abc import Iterator, Mapping
from typing import Any


def standing_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines for what `describe` told under "obligations" and "candidates"; none where there is nothing."""
    if told["obligations"]:
        yield "\nobligations"
    for name, rule in told["obligations"].items():
        yield f"  {name} {rule['title']}: every {rule['every']}, for {_for_whom(rule['each'])}, {_when(rule)}"
        yield from _basis(rule)
    if told["candidates"]:
        yield "\ncandidates"
    for name, rule in told["candidates"].items():
        yield f"  {name} {rule['title']}: {_found(rule)}"
        yield from _basis(rule)


def _for_whom(each: Mapping[str, Any]) -> str:
    if each["county"]:
        return "the county"
    return f"{'the head of ' if each['post'] else ''}each {' and '.join(each['unit_kind'])}"


def _when(rule: Mapping[str, Any]) -> str:
    span = [f"{word} {rule[word]}" for word in ("from", "to") if rule[word]]
    days = (f"{word} {_place(rule[key])}" for word, key in (("opened", "opens"), ("due", "due")))
    more = [f"{key} {value}" for key, value in rule["answers"].items()]
    return ", ".join([*days, f"at the {rule['at']}", *span, *more])


def _place(place: str | list[str]) -> str:
    return place if isinstance(place, str) else " and ".join(place)


def _found(rule: Mapping[str, Any]) -> str:
    where = [f"{path} is {' or '.join(map(str, values))}" for path, values in rule["where"].items()]
    within = {None: "ever", "tenure": "while its present head headed it", "year": "in one year"}
    span = within.get(rule["within"], f"within {rule['within']}")
    said = f"{rule['count']} matter(s) with {rule['fact']}{' where ' if where else ''}{' and '.join(where)}"
    tags = [f"{name} {value}" for name, value in rule["tags"].items()]
    return ", ".join([said, f"per {rule['per']}", span, *tags])


def _basis(rule: Mapping[str, Any]) -> Iterator[str]:
    yield f"      source: {rule['source']}{'' if rule['verified'] else '; not verified'}"
