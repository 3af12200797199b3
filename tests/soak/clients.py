"""People at work over HTTP: they log in, look, register, act and upload, and try again what was not answered.

What was answered with 2xx is remembered, to be looked for afterwards. A request that was not answered is sent again
with the key it had, as the product's own pages do.
"""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from itertools import count
from typing import Any
from uuid import uuid4

import httpx

from tests.soak.simulated import Present
from tests.support.cast import PETITION, County

PASSWORD = "correct horse 1979"
STEPS = ("accept", "give_acceptance_notice", "propose", "approve", "note_progress", "note_progress", "complete",
         "pass_recheck", "feed_back", "archive")  # fmt: skip
READERS = ("clerk", "leader", "handler", "supervisor")
TRIES = 60


class GaveUp(Exception):
    """Nobody answered for as long as anybody would wait, or the run is over."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A change that was answered with 2xx, or with `already_performed` on being sent again."""

    kind: str
    id: int
    key: str
    says: str


@dataclass
class Desk:
    """What all clients share: where to go, as whom, and what came of it."""

    county: County
    present: Present
    addresses: list[str]
    tokens: dict[str, str]
    people: dict[str, int] = field(default_factory=dict)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())


class Client(threading.Thread):
    """One person at a time, by turns any of the cast; it goes on with matters that it registered itself."""

    def __init__(self, desk: Desk, number: int, seed: int) -> None:
        super().__init__(name=f"client {number}", daemon=True)
        self._desk, self._number = desk, number
        self._random = random.Random(seed * 1000 + number)
        self._http = httpx.Client(timeout=15, trust_env=False)
        self._sessions: dict[str, str] = {}
        self._mine: list[list[int]] = []
        self._turn = count(number)

    def run(self) -> None:
        doing: list[tuple[Callable[[], None], int]] = [
            (self._open, 8), (self._advance, 36), (self._worklist, 14), (self._pages, 24), (self._upload, 5),
            (self._log_in_anew, 1),
        ]  # fmt: skip
        what, weights = zip(*doing, strict=True)
        while not self._desk.ended.is_set():
            try:
                self._random.choices(what, weights)[0]()
            except GaveUp:
                continue
        self._http.close()

    def _open(self, **more: Any) -> None:
        county, key = self._county(), uuid4().hex
        received = county.today - timedelta(days=self._random.randrange(40))
        answers = {**PETITION, "summary": f"反映{key}", "received_on": received.isoformat(), **more}
        body = {"procedure": "petition", "unit_id": county.units["county"], "answers": answers}
        answer = self._send("open", "POST", "/api/v1/matters", self._desk.tokens["clerk"], json=body, key=key)
        if (matter_id := self._acknowledge("open", answer, key, answers["summary"])) is not None:
            self._mine.append([matter_id, 0, self._random.randrange(len(STEPS) + 4)])

    def _advance(self) -> None:
        going = [m for m in self._mine if m[1] < min(m[2], len(STEPS))]
        if not going:
            return self._open()
        chosen = self._random.choice(going)
        matter_id, step = chosen[0], STEPS[chosen[1]]
        who, answers = self._county().usual(step)
        key = uuid4().hex
        if step == "note_progress":
            answers = {**answers, "content": key}
        path = f"/api/v1/matters/{matter_id}/actions/{step}"
        answer = self._send("act", "POST", path, self._desk.tokens[who], json={"answers": answers}, key=key)
        if self._acknowledge("act", answer, f"{self._desk.people[who]}:{key}", key, matter_id) is None:
            self._mine.remove(chosen)
        chosen[1] += 1

    def _worklist(self) -> None:
        who = self._random.choice(READERS)
        self._send("worklist", "GET", "/api/v1/worklist", self._desk.tokens[who])

    def _pages(self) -> None:
        who = self._random.choice(READERS)
        if who not in self._sessions:
            self._log_in(who)
        matter = f"/matters/{self._random.choice(self._mine)[0]}" if self._mine else "/worklist"
        path = self._random.choice([matter, matter, "/worklist", "/board"])
        kind = "matter page" if path.startswith("/matters") else f"page {path}"
        if self._send(kind, "GET", path, self._sessions[who]).status_code == 303:
            del self._sessions[who]

    def _upload(self) -> None:
        content = b"%PDF-1.4\n" + uuid4().bytes + self._random.randbytes(self._random.randrange(1000, 200_000))
        file = {"file": ("附件.pdf", content, "application/pdf")}
        answer = self._send("upload", "POST", "/api/v1/attachments", self._desk.tokens["clerk"], files=file)
        if answer.status_code == 201:
            self._keep(Acknowledged("upload", answer.json()["id"], "", sha256(content).hexdigest()))
            self._open(attachments=[answer.json()["id"]])

    def _log_in_anew(self) -> None:
        self._log_in(self._random.choice(READERS))

    def _log_in(self, who: str) -> None:
        body = {"login": who, "password": PASSWORD}
        answer = self._send("log-in", "POST", "/api/v1/session", None, json=body)
        if answer.status_code != 201:
            raise GaveUp
        self._sessions[who] = answer.json()["secret"]

    def _county(self) -> County:
        return replace(self._desk.county, now=self._desk.present.now())

    def _send(
        self, kind: str, method: str, path: str, bearer: str | None, key: str = "", **more: Any
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        if key:
            headers["Idempotency-Key"] = key
        for _ in range(TRIES):
            address = self._desk.addresses[next(self._turn) % len(self._desk.addresses)]
            started = time.monotonic()
            try:
                answer = self._http.request(method, address + path, headers=headers, **more)
            except httpx.HTTPError as error:
                self._fail(type(error).__name__)
                continue
            with self._desk.lock:
                self._desk.statuses[str(answer.status_code)] += 1
                if answer.is_success:
                    self._desk.taken[kind].append(time.monotonic() - started)
            if answer.status_code < 500:
                return answer
            self._fail(_code(answer))
        raise GaveUp

    def _fail(self, why: str) -> None:
        with self._desk.lock:
            self._desk.failures[why] += 1
        if self._desk.ended.wait(0.2):
            raise GaveUp

    def _acknowledge(
        self, kind: str, answer: httpx.Response, key: str, says: str, matter_id: int | None = None
    ) -> int | None:
        if answer.is_success or _code(answer) == "already_performed":
            found: int = matter_id or answer.json()["matter_id"]
            self._keep(Acknowledged(kind, found, key, says))
            return found
        with self._desk.lock:
            self._desk.failures[f"refused: {_code(answer)}"] += 1
        return None

    def _keep(self, acknowledged: Acknowledged) -> None:
        with self._desk.lock:
            self._desk.acknowledged.append(acknowledged)


def _code(answer: httpx.Response) -> str:
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        return str(answer.json()["code"])
    return str(answer.status_code)
