"""A mail server on loopback that can be down, or break off at the worst moment."""

import email
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email.policy import default

UP, DOWN, CUT = "up", "down", "cut"
"""`DOWN`: it hangs up at once. `CUT`: it takes a mail whole and is gone before it says so."""


class MailServer(socketserver.ThreadingTCPServer):
    """`taken` counts the mails it took, by their text."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Conversation)
        self.port: int = self.server_address[1]
        self.mode = UP
        self.taken: Counter[str] = Counter()
        self.lock = threading.Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client killed midway is what these tests are about: no traceback for it."""

    @property
    def url(self) -> str:
        """The channel as apprise writes it."""
        return f"mailto://127.0.0.1:{self.port}?from=duban@example.org&to=office@example.org&name=duban&mode=insecure"


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        if self.server.mode == DOWN:
            return
        self._say("220 loopback")
        while line := self.rfile.readline():
            word = line[:4].upper().strip()
            if word == b"DATA":
                self._say("354 go on")
                if not self._take():
                    return
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _take(self) -> bool:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        body = email.message_from_bytes(b"".join(lines), policy=default).get_body(("plain", "html"))
        with self.server.lock:
            self.server.taken[body.get_content().strip() if body else ""] += 1
        if self.server.mode == CUT:
            return False
        self._say("250 taken")
        return True

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def mail_server(port: int = 0) -> Iterator[MailServer]:
    """A server that answers until it is left; afterwards its port refuses."""
    with MailServer(port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
