"""Every refusal of the engine: stable code, HTTP status, and what to do about it in both languages."""

from typing import Any, ClassVar

from services.db.errors import DubanError
from services.identity.errors import NotPermitted as NotPermitted


class MatterNotFound(DubanError):
    """No such matter, or none this person may know of: the two are not told apart."""

    code: ClassVar[str] = "matter_not_found"
    status: ClassVar[int] = 404

    def __init__(self) -> None:
        super().__init__("no such matter within your scope", "没有找到该事项，或您无权查看")


class ActionRefused(DubanError):
    """The procedure's table or a guard says no; `extra["reason"]` is the guard's own code."""

    code: ClassVar[str] = "action_refused"
    status: ClassVar[int] = 409

    def __init__(self, reason: str, text: str, zh: str) -> None:
        super().__init__(text, zh, reason=reason)


class InvalidAnswers(DubanError):
    """The form does not validate; `extra["errors"]` lists {field, code, en, zh}."""

    code: ClassVar[str] = "invalid_answers"
    status: ClassVar[int] = 422

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        fields = ", ".join(sorted({e["field"] or "form" for e in errors}))
        super().__init__(f"correct these fields: {fields}", "请更正标出的内容后重新提交", errors=errors)


class Conflict(DubanError):
    """Somebody was faster, or this very request was carried out before."""

    code: ClassVar[str] = "conflict"
    status: ClassVar[int] = 409


class AlreadyPerformed(Conflict):
    code: ClassVar[str] = "already_performed"

    def __init__(self, entry: int, matter_id: int) -> None:
        super().__init__(
            "this request was carried out before; nothing was done again", "该操作此前已提交成功，未重复办理",
            entry=entry, matter_id=matter_id,
        )  # fmt: skip


class AlreadyOpened(Conflict):
    """The procedure opens such a matter once, and there is one."""

    code: ClassVar[str] = "already_opened"

    def __init__(self, title: str) -> None:
        super().__init__("there is one already, and there is only ever one", f"已有同一对象的“{title}”，不能重复登记")


class Stale(Conflict):
    code: ClassVar[str] = "stale_version"

    def __init__(self, seen: int, present: int) -> None:
        super().__init__(
            f"the matter changed (you saw version {seen}, it is at {present}); look again",
            "事项已被他人更新，请刷新后再办理", seen=seen, present=present,
        )  # fmt: skip


class ClaimedByAnother(Conflict):
    code: ClassVar[str] = "claimed_by_another"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has claimed this work item", f"该待办已由{name}签收，请其办理或释放", holder=name)


class Unmeasured(DubanError):
    """No clock would run: such a move is refused."""

    code: ClassVar[str] = "unmeasured"
    status: ClassVar[int] = 409

    def __init__(self, text: str, zh: str = "") -> None:
        super().__init__(text, zh or "该操作将使事项没有办理期限，不能执行；请联系管理员检查时限设置")


class ExtensionRefused(DubanError):
    """More time is not to be had; `extra["reason"]` is expired, used_up, too_much or not_running."""

    code: ClassVar[str] = "extension_refused"
    status: ClassVar[int] = 409

    def __init__(self, reason: str, text: str, zh: str) -> None:
        super().__init__(text, zh, reason=reason)


class DutiesOpen(DubanError):
    code: ClassVar[str] = "duties_open"
    status: ClassVar[int] = 409

    def __init__(self, titles: list[str]) -> None:
        listed = ", ".join(titles)
        super().__init__(f"still owed: {listed}", f"尚有未履行的告知（报告）义务：{'、'.join(titles)}", duties=titles)


class BadDeclarations(DubanError):
    """Procedures and policies disagree; the service refuses to start and names every point."""

    code: ClassVar[str] = "bad_declarations"
    status: ClassVar[int] = 500

    def __init__(self, problems: list[str]) -> None:
        super().__init__("procedures and policies disagree:\n  " + "\n  ".join(problems), problems=problems)


class VersionLost(DubanError):
    """The text a matter is pinned to is missing or was tampered with: the matter cannot move."""

    code: ClassVar[str] = "version_lost"
    status: ClassVar[int] = 500

    def __init__(self, text: str) -> None:
        super().__init__(text, "该事项所依据的规则文本缺失或已被改动，暂不能办理，请联系系统管理员从备份恢复")
