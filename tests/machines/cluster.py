"""Several machines on one: PostgreSQL, Prefect's server, workers, webs, watch, nginx, as an operator starts them."""

import json
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg

from config.settings import Settings
from services import migrations
from services.runs.prefect_server import prefect_environ
from services.runtime import Runtime, make_runtime

ROOT = Path(__file__).parents[2]
DUBAN = (sys.executable, "-m", "services.cli")
PREFECT_AUTH = "duban:of-this-test-alone"
WATCH = """
import sys
from dataclasses import fields
from datetime import timedelta
from apscheduler.triggers.cron import CronTrigger
from config.calendar import SHANGHAI
from flows import tending, watching
from flows.schedule import Scheduled
from services.runs import prefect_runs
second = timedelta(seconds=1)
watching.LOOK_EVERY = watching.DEPLOYMENTS_EVERY = tending.TROUBLES_EVERY = second
watching.DEAD_AFTER, prefect_runs.SETTLED_AFTER = 25 * second, 5 * second
sweep = next(item for item in watching.SCHEDULE if item.name == "escalate_overdue")
if "hurried" in sys.argv:
    class Hurried(Scheduled):
        def trigger(self):
            return CronTrigger(second="*/5", timezone=SHANGHAI)
    watching.PATIENCE = tending.LATE_AFTER = 5 * second
    sweep = Hurried(**{each.name: getattr(sweep, each.name) for each in fields(sweep)})
watching.SCHEDULE = (sweep,)
sys.exit(watching.main())
"""
"""The shipped watch of sweeps alone, which looks every second; `hurried`: they are due every five."""


def postgres_binaries() -> Path | None:
    """Debian's newest server that has the contrib modules Prefect asks for; None if there is none."""
    found = sorted(Path("/usr/share/postgresql").glob("*/extension/pg_trgm.control"))
    binaries = [Path("/usr/lib/postgresql", path.parts[-3], "bin") for path in found]
    return next((path for path in reversed(binaries) if (path / "initdb").exists()), None)


def nginx_binary() -> str | None:
    return shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")


def until(condition: Callable[[], Any], seconds: float = 90.0, pause: float = 0.2) -> Any:
    """What the condition returns once it holds; fail at the deadline."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(pause)
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Postgres:
    """A server with two databases, without fsync; as root it runs as the user `postgres`, as it insists."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.port = free_port()
        self._data, self._binaries = folder / "postgres", binaries
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self._data.mkdir(mode=0o700)
        if self._user:
            os.chown(self._data, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "--no-sync", "--auth=trust", "--username=duban", "--encoding=UTF8", "--locale=C.UTF-8")
        settings = f"-p {self.port} -h 127.0.0.1 -c fsync=off -c unix_socket_directories= -c max_connections=200"
        self._run("pg_ctl", "start", "-w", "-o", settings, "-l", str(self._data / "log"))
        for name in ("duban", "prefect"):
            self.execute(f"CREATE DATABASE {name}")

    def url(self, database: str, driver: str = "postgresql") -> str:
        return f"{driver}://duban@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as admin:
            admin.execute(statement)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-m", "immediate")

    def _run(self, program: str, *arguments: str) -> None:
        who = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        command = [str(self._binaries / program), "-D", str(self._data), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **who)


class Cluster:
    """Everything but the test. Processes by name; `home` is the folder that the machines share."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.folder, self.postgres = folder, postgres
        self.ports = {name: free_port() for name in ("prefect", "web1", "web2", "https", "http")}
        self.settings = Settings(
            home=folder / "home",
            port=self.ports["web1"],
            database_url=postgres.url("duban"),
            prefect_api_url=f"http://127.0.0.1:{self.ports['prefect']}/api",
            prefect_auth=PREFECT_AUTH,
        )
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        migrations.upgrade(self.settings.database_url)
        self.works: Runtime = make_runtime(self.settings)

    def start(self, name: str, command: tuple[str, ...], environ: Mapping[str, str] | None = None) -> None:
        with (self.folder / f"{name}.log").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=dict(environ or self.environ()), stdout=output, stderr=output,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def environ(self, **more: str) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("DUBAN_", "PREFECT_"))}
        return kept | self.settings.as_environ() | more

    def start_prefect(self) -> None:
        """As `deploy/systemd/duban-prefect.service` does."""
        environ = prefect_environ(self.settings, self.environ()) | {
            "PREFECT_API_DATABASE_CONNECTION_URL": self.postgres.url("prefect", "postgresql+asyncpg"),
            "PREFECT_SERVER_API_AUTH_STRING": PREFECT_AUTH,
        }
        port = str(self.ports["prefect"])
        self.start(
            "prefect",
            (sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port),
            environ,
        )

    def start_web(self, name: str) -> None:
        self.start(name, (*DUBAN, "web"), self.environ(DUBAN_PORT=str(self.ports[name])))

    def start_worker(self, name: str) -> None:
        self.start(name, (*DUBAN, "worker", "--name", name))

    def start_watch(self, *how: str) -> None:
        self.start("watch", (sys.executable, "-c", WATCH, *how), prefect_environ(self.settings, self.environ()))

    def duban(self, *arguments: str) -> Any:
        made = subprocess.run(
            [*DUBAN, *arguments, "--json"], cwd=ROOT, env=self.environ(), capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)

    def prefect(self, method: str, path: str, body: Any = None) -> Any:
        user, _, password = PREFECT_AUTH.partition(":")
        with httpx.Client(auth=(user, password), trust_env=False, timeout=30) as client:
            answer = client.request(method, f"{self.settings.prefect_api_url}/{path}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def prefect_is_up(self) -> bool:
        with suppress(httpx.HTTPError):
            return self.prefect("GET", "health") is True
        return False

    def web_is_up(self, name: str) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{self.ports[name]}/api/health", trust_env=False, timeout=2).is_success
        return False

    def start_nginx(self) -> None:
        """With the shipped configuration, names and ports apart, and a certificate of its own."""
        folder = self.folder / "nginx"
        folder.mkdir()
        certificate = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem"
        name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        subprocess.run([*certificate.split(), *name], cwd=folder, check=True, capture_output=True)
        shipped = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")
        for there, here in {
            "listen 443 ssl": f"listen 127.0.0.1:{self.ports['https']} ssl",
            "listen [::]:443 ssl;": "",
            "listen 80;": f"listen 127.0.0.1:{self.ports['http']};",
            "listen [::]:80;": "",
            "duban.county.example": "localhost",
            "/etc/duban/tls/cert.pem": str(folder / "cert.pem"),
            "/etc/duban/tls/key.pem": str(folder / "key.pem"),
            "/var/log/nginx/duban.log": str(folder / "access.log"),
            "127.0.0.1:8001": f"127.0.0.1:{self.ports['web1']}",
            "127.0.0.1:8002": f"127.0.0.1:{self.ports['web2']}",
        }.items():
            assert there in shipped, there
            shipped = shipped.replace(there, here)
        (folder / "duban.conf").write_text(shipped, encoding="utf-8")
        temporary = "\n".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{}}\nhttp {{ access_log off; {temporary}\ninclude {folder}/duban.conf; }}\n",
            encoding="utf-8",
        )
        self.start(
            "nginx",
            (str(nginx_binary()), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")),
        )

    def browser(self) -> httpx.Client:
        """A client that trusts our certificate and nothing else."""
        trust = ssl.create_default_context(cafile=str(self.folder / "nginx" / "cert.pem"))
        return httpx.Client(
            base_url=f"https://localhost:{self.ports['https']}", verify=trust, trust_env=False, timeout=30
        )

    def kill(self, name: str) -> None:
        """kill -9 of a process, which can tell nobody any more, and of everything it started."""
        process = self.processes.pop(name)
        for pid in [process.pid, *_descendants(process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()

    def stop(self, name: str) -> None:
        """As systemd does: it finishes what it is at."""
        process = self.processes.pop(name)
        process.terminate()
        assert process.wait(60) == 0

    def runs_at(self, worker: str, flow_run: str) -> bool:
        """Whether a process of this flow run is the worker's."""
        with suppress(OSError):
            return any(
                flow_run.encode() in Path(f"/proc/{pid}/environ").read_bytes()
                for pid in _descendants(self.processes[worker].pid)
            )
        return False

    def end(self) -> None:
        for name in list(self.processes):
            self.kill(name)
        self.works.database.close()
        self.postgres.stop()


def _descendants(pid: int) -> list[int]:
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            parents[int(folder.name)] = int(fields[1])
    found = [pid]
    for parent in found:
        found += [child for child, its in parents.items() if its == parent]
    return found[1:]
