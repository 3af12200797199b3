"""Work items between people: claim, release, transfer, urge, copy. Each locks the matter and is journalled."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from config.calendar import local_date, start_of_day
from services.engine import journal
from services.engine.core import Engine
from services.engine.errors import ClaimedByAnother, Conflict, InvalidAnswers, MatterNotFound, NotPermitted
from services.engine.loading import Loaded, load_locked
from services.engine.messages import message_rows, send
from services.engine.models import Matter, Message, WorkItem
from services.engine.permission import stands_in_for
from services.engine.routing import COUNTY_OFFICE, find_turn, path_of
from services.engine.visibility import find_visible, visible
from services.identity.access import Actor, load_actor
from services.identity.models import Person
from statemachines.kit.policy import MEMBER

MAY_TRANSFER = frozenset({"unit_leader", COUNTY_OFFICE})
"""Who moves an item that somebody else has, besides that somebody."""

Item = Mapping[str, Any]


class ItemClosed(Conflict):
    """The item was done, or the matter moved on, before this request came."""

    code: ClassVar[str] = "work_item_closed"

    def __init__(self) -> None:
        super().__init__("this work item is closed; look at the matter again", "该待办已办结，请刷新后查看")


class TransferRefused(Conflict):
    """The person does not hold the item's role at its unit, or is kept away from the matter."""

    code: ClassVar[str] = "transfer_refused"

    def __init__(self, role: str) -> None:
        super().__init__(
            f"this person may not take it over: choose an active holder of {role} there who is not excluded",
            "该人员不能接办：请选择在该单位担任相应角色且未回避的在岗人员",
        )


class UrgedToday(Conflict):
    """Everybody it waits for was urged today already, or it waits for nobody but whoever urges."""

    code: ClassVar[str] = "urged_today"

    def __init__(self) -> None:
        super().__init__(
            "everybody it waits for was urged today; urge again tomorrow", "今日已催办过，每人每天只能催办一次"
        )


class CopyRefused(Conflict):
    """The person may not know of the matter, so he gets no copy of it."""

    code: ClassVar[str] = "copy_refused"

    def __init__(self) -> None:
        super().__init__(
            "this person may not see the matter; choose someone whose scope it lies in",
            "该人员无权查看本事项，不能抄送",
        )


def claim(session: Session, engine: Engine, item_id: int, actor: Actor, now: datetime) -> None:
    """Take an item for oneself; nothing happens where it is one's own already.

    Of two at once one gets it, the other ClaimedByAnother. Raises NotPermitted where it waits for others,
    ItemClosed, MatterNotFound.
    """
    loaded, actor, item = _locked_item(session, engine, item_id, actor)
    if item["person_id"] is not None and item["person_id"] == actor.id:
        return
    if item["person_id"] is not None:
        raise ClaimedByAnother(item["person_name"])
    lent_by = _waits_for(loaded, item, actor)
    _give(session, item_id, actor.id)
    _note(session, loaded, actor, now, "claim", {"item": item_id, "kind": item["kind"]}, lent_by)


def release(session: Session, engine: Engine, item_id: int, actor: Actor, now: datetime) -> None:
    """Give an item that one has back to everyone it would wait for; raise NotPermitted for another's or nobody's."""
    loaded, actor, item = _locked_item(session, engine, item_id, actor)
    if not _has(loaded, item, actor):
        raise NotPermitted("only whoever has this item releases it", "只有签收人本人可以释放该待办")
    _give(session, item_id, None)
    content = {"item": item_id, "kind": item["kind"]}
    _note(session, loaded, actor, now, "release", content, _other(actor, item["person_id"]))


def transfer(
    session: Session, engine: Engine, item_id: int, to_person: int, actor: Actor, reason: str, now: datetime
) -> None:
    """Hand an item to another holder of its role at its unit, with a reason.

    By whoever has it, or by a leader or the county office there. Raises TransferRefused, NotPermitted, ItemClosed.
    """
    loaded, actor, item = _locked_item(session, engine, item_id, actor)
    reason = _text(reason, "reason", "请填写转办理由")
    path = path_of(session, item["unit_id"])
    if not _has(loaded, item, actor) and not actor.roles_at(path, loaded.people) & MAY_TRANSFER:
        raise NotPermitted(
            f"only whoever has it, or one of {', '.join(sorted(MAY_TRANSFER))} there, transfers it",
            "只有签收人、所在单位分管领导或县信访室可以转办",
        )
    if item["role"] not in _roles_of(session, to_person, path, loaded, now):
        raise TransferRefused(item["role"])
    _give(session, item_id, to_person)
    content = {"item": item_id, "kind": item["kind"], "from": item["person_id"], "to": to_person, "reason": reason}
    _note(session, loaded, actor, now, "transfer", content)
    send(session, message_rows([to_person], loaded.id, "transferred", f"{loaded.row['number']}已转由您办理", now))


def urge(session: Session, engine: Engine, matter_id: int, actor: Actor, text: str, now: datetime) -> tuple[int, ...]:
    """Press whoever the matter waits for, each of them once a day; return whom. Raises UrgedToday, ItemClosed."""
    loaded, actor = _locked(session, engine, matter_id, actor)
    text = _text(text, "text", "请填写催办内容")
    if (item := loaded.turn) is None:
        raise ItemClosed
    members = {i["person_id"] for i in loaded.items if i["role"] == MEMBER}
    awaited = _awaited(session, loaded, item, now) | members
    people = _not_urged_today(session, loaded, awaited, now) - {actor.id}
    if not people:
        raise UrgedToday
    session.execute(update(WorkItem).where(WorkItem.id == item["id"]).values(urged=WorkItem.urged + 1, urged_at=now))
    told = tuple(sorted(people))
    _note(session, loaded, actor, now, "urge", {"item": item["id"], "to": list(told), "text": text})
    send(session, message_rows(told, matter_id, "urged", f"{loaded.row['number']}被催办：{text}", now))
    return told


def copy_to(
    session: Session, engine: Engine, matter_id: int, actor: Actor, to_person: int, note: str, now: datetime
) -> None:
    """Draw somebody's attention to a matter that he may see anyway; it gives no right. Raises CopyRefused."""
    loaded, actor = _locked(session, engine, matter_id, actor)
    if not _may_see(session, engine, matter_id, to_person, now):
        raise CopyRefused
    _note(session, loaded, actor, now, "copy", {"to": to_person, "note": note.strip()})
    said = f"{loaded.row['number']}抄送您知悉" + (f"：{note.strip()}" if note.strip() else "")
    send(session, message_rows([to_person], matter_id, "copied", said, now))


def _locked(session: Session, engine: Engine, matter_id: int, actor: Actor) -> tuple[Loaded, Actor]:
    if actor.id is None:
        raise NotPermitted("only people pass work between them", "该操作须由工作人员办理")
    loaded, actor, _ = load_locked(engine, session, matter_id, actor)
    find_visible(session, engine, actor, matter_id)
    return loaded, actor


def _locked_item(session: Session, engine: Engine, item_id: int, actor: Actor) -> tuple[Loaded, Actor, Item]:
    """Lock the matter first and read the item after it: what was seen before may have changed."""
    matter_id = session.scalar(select(WorkItem.matter_id).where(WorkItem.id == item_id))
    if matter_id is None:
        raise MatterNotFound
    loaded, actor = _locked(session, engine, matter_id, actor)
    for item in loaded.items:
        if item["id"] == item_id:
            if item["role"] == MEMBER:
                raise NotPermitted("a seat on a panel is nobody else's", "该待办须由成员本人办理，不能签收、释放或转办")
            return loaded, actor, item
    raise ItemClosed


def _has(loaded: Loaded, item: Item, actor: Actor) -> bool:
    """Whether the item is the actor's, or somebody's for whom he acts and who is not excluded."""
    return item["person_id"] in stands_in_for(actor) - loaded.people


def _waits_for(loaded: Loaded, item: Item, actor: Actor) -> int | None:
    """Return whose delegation makes the item wait for the actor (None: his own role); raise NotPermitted."""
    holders = {
        grant.holder_id
        for grant in actor.grants
        if (grant.role, grant.unit_id) == (item["role"], item["unit_id"]) and grant.holder_id not in loaded.people
    }
    if not holders:
        raise NotPermitted("this work item does not wait for you", "该待办不由您办理，不能签收")
    return None if actor.id in holders else min(holders)


def _roles_of(session: Session, person_id: int, path: str, loaded: Loaded, now: datetime) -> frozenset[str]:
    """What somebody holds himself; a role lent to him is not handed on."""
    other = load_actor(session, person_id, local_date(now))
    held = {grant.role for grant in other.grants if grant.holder_id == person_id and path.startswith(grant.path)}
    return frozenset() if person_id in loaded.people else frozenset(held)


def _awaited(session: Session, loaded: Loaded, item: Item, now: datetime) -> set[int]:
    if item["person_id"] is not None and item["person_id"] not in loaded.people:
        return {item["person_id"]}
    path = path_of(session, item["unit_id"])
    return set(find_turn(session, item["role"], path, local_date(now), loaded.people).people)


def _not_urged_today(session: Session, loaded: Loaded, people: set[int], now: datetime) -> set[int]:
    urged = select(Message.person_id).where(
        Message.matter_id == loaded.id,
        Message.kind == "urged",
        Message.person_id.in_(people),
        Message.made_at >= start_of_day(local_date(now)),
    )
    return people - set(session.scalars(urged))


def _may_see(session: Session, engine: Engine, matter_id: int, person_id: int, now: datetime) -> bool:
    if session.scalar(select(Person.id).where(Person.id == person_id, Person.active)) is None:
        return False
    other = load_actor(session, person_id, local_date(now))
    seen = select(Matter.id).where(Matter.id == matter_id, visible(other, engine.registry))
    return session.scalar(seen) is not None


def _give(session: Session, item_id: int, person_id: int | None) -> None:
    session.execute(update(WorkItem).where(WorkItem.id == item_id).values(person_id=person_id))


def _note(
    session: Session,
    loaded: Loaded,
    actor: Actor,
    now: datetime,
    action: str,
    content: dict[str, Any],
    behalf_of: int | None = None,
) -> None:
    journal.note(session, loaded.id, journal.Event(action, actor, now, content, behalf_of=behalf_of))
    undo = loaded.row["undo"]
    if action in ("claim", "transfer") and undo is not None and undo["by"] != actor.id:
        # somebody acts on it now, so the step before can no longer be withdrawn
        session.execute(update(Matter).where(Matter.id == loaded.id).values(undo=None))


def _other(actor: Actor, person_id: int) -> int | None:
    return None if person_id == actor.id else person_id


def _text(text: str, field: str, zh: str) -> str:
    if not text.strip():
        raise InvalidAnswers([{"field": field, "code": "missing", "en": f"say the {field}", "zh": zh}])
    return text.strip()
