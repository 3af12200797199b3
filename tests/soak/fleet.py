"""The processes under load: started, killed with -9, started again; those that end by themselves are remembered."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Child:
    """`killed` is set while we wait for an end that we caused."""

    name: str
    command: tuple[str, ...]
    more: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    killed: bool = False


@dataclass
class Fleet:
    """All processes of one installation; start them from one thread, since they end with it."""

    environ: dict[str, str]
    logs: Path
    children: dict[str, Child] = field(default_factory=dict)
    webs: dict[str, int] = field(default_factory=dict)
    ended_by_themselves: list[str] = field(default_factory=list)

    def add(self, name: str, module: str, **more: str) -> None:
        """A process with this module as its program, and more environment of its own."""
        self.children[name] = Child(name, (sys.executable, "-m", module), more)

    def add_web(self, name: str) -> None:
        self.webs[name] = port = free_port()
        self.children[name] = Child(name, (
            sys.executable, "-m", "uvicorn", "tests.soak.web:create_app", "--factory", "--host", "127.0.0.1",
            "--port", str(port), "--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "5",
        ))  # fmt: skip

    def addresses(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.webs.values()]

    def start(self) -> None:
        """Start everything and return once every web answers."""
        for child in self.children.values():
            self._start(child)
        for name, address in zip(self.webs, self.addresses(), strict=True):
            self._wait(name, address)

    def kill(self, name: str) -> None:
        child = self.children[name]
        if child.process is not None and child.process.poll() is None:
            child.killed = True
            child.process.send_signal(signal.SIGKILL)

    def keep_up(self) -> None:
        """Start again what has ended, as a supervisor would; remember what we did not kill."""
        for child in self.children.values():
            if child.process is None or child.process.poll() is None:
                continue
            if not child.killed:
                self.ended_by_themselves.append(f"{child.name} ({child.process.returncode})")
            self._start(child)

    def stop(self) -> None:
        """Ask all to end, as a stopped service does; kill what has not after half a minute."""
        running = [c.process for c in self.children.values() if c.process is not None]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, child: Child) -> None:
        child.killed = False
        with (self.logs / f"{child.name}.log").open("ab") as log:
            child.process = subprocess.Popen(
                child.command, cwd=ROOT, env=self.environ | child.more, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, preexec_fn=_end_with_us,
            )  # fmt: skip

    def _wait(self, name: str, address: str) -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                httpx.get(f"{address}/api/health", timeout=2, trust_env=False).raise_for_status()
                return
            except httpx.HTTPError:
                process = self.children[name].process
                assert process is not None and process.poll() is None, f"{name} ended; see {self.logs}/{name}.log"
                assert time.monotonic() < deadline, f"{name} does not answer; see {self.logs}/{name}.log"
                time.sleep(0.1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _end_with_us() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.setsid()
