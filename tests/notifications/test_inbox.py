"""One's own messages, and none of a matter that keeps one away."""

from services.engine import work
from services.identity.people import delegate
from services.notifications.inbox import MessageView, count_unread, list_messages, mark_read
from tests.support.cast import County


def urge(county: County, matter: int) -> None:
    with county.database.write() as session:
        work.urge(session, county.engine, matter, county.actor("office", session), "请抓紧办理", county.now)


def inbox(county: County, who: str, unread: bool = False) -> list[MessageView]:
    with county.database.read() as session:
        return list_messages(session, county.actor(who, session), unread=unread).rows


def unread(county: County, who: str) -> int:
    with county.database.read() as session:
        return count_unread(session, county.actor(who, session))


def mark(county: County, who: str, ids: list[int] | None = None) -> int:
    with county.database.write() as session:
        return mark_read(session, county.actor(who, session), county.now, ids)


def test_everyone_has_his_own(county: County) -> None:
    urge(county, county.walk("accept", "propose", "approve"))
    (message,) = inbox(county, "handler")
    assert (message.kind, message.number, message.read_at) == ("urged", "信访〔2016〕1号", None)
    assert "请抓紧办理" in message.text
    for who in ("office", "leader", "elsewhere"):
        assert inbox(county, who) == [] and unread(county, who) == 0


def test_nobody_marks_anothers_as_read(county: County) -> None:
    urge(county, county.walk("accept", "propose", "approve"))
    (message,) = inbox(county, "handler")
    assert mark(county, "handler2", [message.id]) == 0 and mark(county, "leader") == 0
    assert unread(county, "handler") == 1
    assert mark(county, "handler", [message.id]) == 1 and mark(county, "handler", [message.id]) == 0
    assert unread(county, "handler") == 0 and inbox(county, "handler", unread=True) == []
    assert inbox(county, "handler")[0].read_at == county.now and unread(county, "handler2") == 1


def test_a_delegate_does_not_read_anothers_messages(county: County) -> None:
    urge(county, county.walk("accept", "propose", "approve"))
    with county.database.write() as session:
        people = county.people["handler"], county.people["leader"]
        delegate(session, *people, county.today, county.today, "出差", None)
    assert inbox(county, "leader") == []


def test_messages_of_a_matter_vanish_for_whoever_is_excluded_from_it(county: County) -> None:
    matter = county.walk("accept", "propose", "approve")
    urge(county, matter)
    assert unread(county, "handler2") == 1
    county.act(matter, "recuse", *county.usual("recuse"))
    assert inbox(county, "handler2") == [] and unread(county, "handler2") == 0
    assert mark(county, "handler2") == 0


def test_newest_first_and_paged(county: County) -> None:
    matters = [county.walk("accept", "propose", "approve") for _ in range(3)]
    for matter in matters:
        urge(county, matter)
    with county.database.read() as session:
        actor = county.actor("handler", session)
        first = list_messages(session, actor, limit=2)
        rest = list_messages(session, actor, limit=2, cursor=first.next)
    assert [m.matter_id for m in first.rows + rest.rows] == matters[::-1] and rest.next is None
