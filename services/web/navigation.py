"""The navigation on the left, by role. An entry is shown once its page exists."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from services.identity.access import Actor

_SUPERVISING = frozenset({"supervisor", "county_office", "county_leader", "unit_leader", "rechecker", "admin"})
_WATCHING = frozenset({"supervisor", "county_office", "county_leader", "admin"})
_ADMINISTERING = frozenset({"admin"})
_REGISTERING = frozenset({"petition_clerk", "county_office", "supervisor"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A page. `roles`: any of them, on any unit, sees the entry (None: everybody); pages judge for themselves."""

    path: str
    title: str
    icon: str
    roles: frozenset[str] | None = None


GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    ("我的工作", (
        Entry("/worklist", "我的待办", "inbox"),
        Entry("/watching", "我的关注", "star"),
        Entry("/done", "已办事项", "checks"),
        Entry("/matters/new", "登记新事项", "file-plus", _REGISTERING),
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


def navigation(actor: Actor, pages: Collection[str]) -> list[tuple[str, list[Entry]]]:
    """Return the groups with what this person is shown of them; empty groups are left out."""
    roles = {grant.role for grant in actor.grants}
    groups = ((title, list(_shown(entries, roles, pages))) for title, entries in GROUPS)
    return [(title, entries) for title, entries in groups if entries]


def _shown(entries: Iterable[Entry], roles: set[str], pages: Collection[str]) -> Iterable[Entry]:
    return (e for e in entries if e.path in pages and (e.roles is None or roles & e.roles))
