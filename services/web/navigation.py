"""The navigation on the left, by role. An entry is shown once its page exists."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from services.identity.access import Actor

_SUPERVISING = frozenset({"supervisor", "county_office", "county_leader", "unit_leader", "rechecker", "admin"})
_WATCHING = frozenset({"supervisor", "county_office", "county_leader", "admin"})
_ADMINISTERING = frozenset({"admin"})
_SCORING = _SUPERVISING | {"conduct_office", "unit_head"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A page. `roles`: any of them, on any unit, sees the entry (None: everybody); pages judge for themselves.

    `opens`: shown to whom the rules in force let open some matter by hand, whatever his role.
    """

    path: str
    title: str
    icon: str
    roles: frozenset[str] | None = None
    opens: bool = False


Groups = tuple[tuple[str, tuple[Entry, ...]], ...]
"""Titles with the entries under them."""

GROUPS: Groups = (
    ("我的工作", (
        Entry("/worklist", "我的待办", "inbox"),
        Entry("/watching", "我的关注", "star"),
        Entry("/done", "已办事项", "checks"),
        Entry("/matters/new", "登记新事项", "file-plus", opens=True),
    )),
    ("督查管理", (
        Entry("/board", "督查看板", "layout-dashboard", _SUPERVISING),
        Entry("/ledger", "事项台账", "table"),
        Entry("/obligations", "定期事项", "calendar", _SUPERVISING),
        Entry("/scores", "考核得分", "trophy"),
        Entry("/bulletins", "督查通报", "speakerphone", _SUPERVISING),
        Entry("/flows", "自动任务", "route", _WATCHING),
    )),
    ("系统管理", (
        Entry("/units", "机构与人员", "sitemap", _ADMINISTERING),
        Entry("/roles", "角色与权限", "shield-check", _WATCHING),
        Entry("/procedures", "流程与时限", "adjustments"),
    )),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Side:
    """The left of every page: the county, what leads where, and the day. `current` is where one is, if that is listed.

    It says all it shows, so that it is drawn once for everybody with the same roles.
    """

    county: str
    groups: Groups
    current: str
    today: date


def current_of(groups: Groups, path: str) -> str:
    """Return the entry that this page belongs to; none is empty."""
    paths = (entry.path for _, entries in groups for entry in entries)
    return next((found for found in paths if path == found or path.startswith(f"{found}/")), "")


def navigation(actor: Actor, pages: Collection[str], opening: Collection[str]) -> Groups:
    """Return the groups with what this person is shown of them; empty groups are left out.

    `opening` are the roles that may open something by hand.
    """
    roles = {grant.role for grant in actor.grants}
    may_open = not roles.isdisjoint(opening)
    groups = ((title, tuple(_shown(entries, roles, may_open, pages))) for title, entries in GROUPS)
    return tuple((title, entries) for title, entries in groups if entries)


def _shown(entries: Iterable[Entry], roles: set[str], may_open: bool, pages: Collection[str]) -> Iterable[Entry]:
    for entry in entries:
        if entry.path in pages and (may_open if entry.opens else entry.roles is None or roles & entry.roles):
            yield entry
