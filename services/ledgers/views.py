"""Views of the ledger that a person named: filters and columns, his own alone."""

from datetime import datetime
from typing import ClassVar
from urllib.parse import urlencode

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.db.errors import DubanError
from services.identity.access import Actor
from services.identity.errors import NotFound
from services.ledgers.asking import Asking
from services.ledgers.models import SavedView

MOST = 30
LONGEST = 30


class ViewRefused(DubanError):
    """The name is empty, too long or taken, or there are as many views as one may have."""

    code: ClassVar[str] = "view_refused"
    status: ClassVar[int] = 422


def list_views(session: Session, actor: Actor) -> list[SavedView]:
    """Return one's views, the default first, then by name."""
    mine = select(SavedView).where(SavedView.person_id == actor.id)
    return list(session.scalars(mine.order_by(SavedView.default.desc(), SavedView.name)))


def default_view(session: Session, actor: Actor) -> SavedView | None:
    """Return the view that the ledger opens with, if one was chosen."""
    mine = SavedView.person_id == actor.id, SavedView.default
    return session.scalars(select(SavedView).where(*mine)).first()


def save_view(session: Session, actor: Actor, name: str, asking: Asking, now: datetime) -> SavedView:
    """Keep a view under a name; one of that name takes the new filters. Raises ViewRefused."""
    assert actor.id is not None
    name, address = _checked(name), urlencode(asking.address)
    if (found := _named(session, actor, name)) is not None:
        found.address = address
        return found
    counted = select(func.count(SavedView.id)).where(SavedView.person_id == actor.id)
    if (session.scalar(counted) or 0) >= MOST:
        raise ViewRefused(f"at most {MOST} views; delete one first", f"最多保存 {MOST} 个视图，请先删除不用的")
    view = SavedView(person_id=actor.id, name=name, address=address, default=False, made_at=now)
    session.add(view)
    session.flush()
    return view


def rename_view(session: Session, actor: Actor, view_id: int, name: str) -> None:
    """Give a view another name; raise ViewRefused, NotFound."""
    view, name = _own(session, actor, view_id), _checked(name)
    if (other := _named(session, actor, name)) is not None and other.id != view_id:
        raise ViewRefused(f"there is a view named {name}; choose another name", "已有同名视图，请换一个名称")
    view.name = name


def delete_view(session: Session, actor: Actor, view_id: int) -> None:
    """Forget a view; raise NotFound."""
    session.delete(_own(session, actor, view_id))


def choose_default(session: Session, actor: Actor, view_id: int, chosen: bool) -> None:
    """Let the ledger open with this view, or with none; raise NotFound."""
    _own(session, actor, view_id)
    session.execute(update(SavedView).where(SavedView.person_id == actor.id).values(default=False))
    if chosen:
        session.execute(update(SavedView).where(SavedView.id == view_id).values(default=True))


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise ViewRefused("give the view a name", "请填写视图名称")
    if len(name) > LONGEST:
        raise ViewRefused(f"a name has at most {LONGEST} characters", f"视图名称不超过 {LONGEST} 个字")
    return name


def _named(session: Session, actor: Actor, name: str) -> SavedView | None:
    wanted = SavedView.person_id == actor.id, SavedView.name == name
    return session.scalars(select(SavedView).where(*wanted)).first()


def _own(session: Session, actor: Actor, view_id: int) -> SavedView:
    view = session.get(SavedView, view_id)
    if view is None or view.person_id != actor.id:
        raise NotFound(f"you have no view {view_id}", "没有这个视图，可能已被删除。")
    return view
