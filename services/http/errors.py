"""The refusals that only HTTP knows."""

from typing import ClassVar

from services.db.errors import DubanError


class InsufficientScope(DubanError):
    """The token is right but was not made for this; `extra["scope"]` is what it lacks."""

    code: ClassVar[str] = "insufficient_scope"
    status: ClassVar[int] = 403

    def __init__(self, scope: str) -> None:
        super().__init__(f"this needs a token with the scope {scope}", "该令牌没有此项权限。", scope=scope)


class SessionOnly(DubanError):
    """A token must not make tokens or change passwords: it would outgrow its scopes."""

    code: ClassVar[str] = "session_only"
    status: ClassVar[int] = 403

    def __init__(self) -> None:
        super().__init__("this needs a person's own session; log in first", "此操作须本人登录后办理。")


class CrossSite(DubanError):
    """A change asked for with the session cookie by a page that is not ours, or by nobody knows whom."""

    code: ClassVar[str] = "cross_site"
    status: ClassVar[int] = 403

    def __init__(self) -> None:
        super().__init__(
            "a change with the session cookie must come from this site's own pages; elsewhere use a bearer token",
            "请求来源不是本系统页面，已拒绝。",
        )


class MetricsClosed(DubanError):
    """The figures are for this machine and for whoever has the token."""

    code: ClassVar[str] = "metrics_closed"
    status: ClassVar[int] = 403

    def __init__(self) -> None:
        super().__init__(
            "metrics are read on this machine, or with DUBAN_METRICS_TOKEN as bearer token", "仅供本机监控读取。"
        )


class TooManyRequests(DubanError):
    """The look-up is rate-limited; `extra["retry_after"]` says in how many seconds to try again."""

    code: ClassVar[str] = "too_many_requests"
    status: ClassVar[int] = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"too many look-ups; try again in {seconds} s",
            f"查询过于频繁，请 {seconds} 秒后再试。",
            retry_after=seconds,
        )


class NoSuchProcedure(DubanError):
    code: ClassVar[str] = "unknown_procedure"
    status: ClassVar[int] = 404

    def __init__(self, key: str) -> None:
        super().__init__(f"there is no procedure {key}", "没有此类事项。")


class NoSuchStep(DubanError):
    """The procedure has no action that does this to this clock."""

    code: ClassVar[str] = "clock_step_unknown"
    status: ClassVar[int] = 409

    def __init__(self, clock: str) -> None:
        super().__init__(f"its procedure has no such step for the clock {clock}", "该时限不能办理此项操作。")
