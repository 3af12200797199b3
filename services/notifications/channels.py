"""The way out: mail and chat through apprise, which is imported only when something leaves."""

from collections.abc import Callable, Iterable

_MAIL = ("mailto://", "mailtos://")
"""Apprise rests 5.5 s between two mails: a county's heap of reminders would take hours on a server of its own."""

Send = Callable[[str], None]
"""Sends one text; raises NotDelivered if no channel took it."""


class NotDelivered(Exception):
    """No channel took the text. The message never holds a channel's address: that may contain a password."""


def send_through(urls: Iterable[str]) -> Send:
    """Return what sends a text through every channel; it counts as sent once any of them took it.

    To try the others again would say everything twice on those that work; in the app it stands anyhow.
    """
    from apprise import Apprise

    channels = []
    for url in urls:
        channel = Apprise()
        channel.add(url)
        if url.startswith(_MAIL):
            for server in channel:
                server.request_rate_per_sec = 0
        channels.append(channel)

    def send(text: str) -> None:
        taken = [channel.notify(title="督办提醒", body=text) for channel in channels]
        if not any(taken):
            raise NotDelivered(f"none of {len(taken)} channel(s) took it; check DUBAN_NOTIFY_URLS")

    return send
