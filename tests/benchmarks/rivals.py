"""Peers at the same work, each in processes of its own with the packages of `requirements.lock` in `.venv-bench`."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.cluster import Cluster
from tests.benchmarks.racing import Sample

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-bench/bin/python"
MISSING = "no .venv-bench, so neither viewflow nor SpiffWorkflow: `make bench` installs it"


@dataclass
class Rival:
    """A peer and its database."""

    name: str
    url: str

    def call(self, work: str, *given: float) -> str:
        command = [PYTHON, "-m", f"tests.benchmarks.peers.{self.name}_peer", self.url, work, *map(str, given)]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=sys.stderr, text=True, check=True)
        return done.stdout

    def sample(self, work: str, *given: float) -> Sample:
        found = json.loads(self.call(work, *given))
        return Sample(tuple(found["took"]), found["elapsed"], found["pieces"])

    def advance(self, clients: int, seconds: float) -> Sample:
        return self.sample("W1", clients, seconds)

    def open(self, clients: int, seconds: float) -> Sample:
        return self.sample("W2", clients, seconds)

    def sweep(self, due: int) -> Sample:
        return self.sample("W4", due)


def viewflow(server: Cluster, size: int) -> Rival | None:
    return _rival(server, "viewflow", size)


def spiff(server: Cluster, size: int) -> Rival | None:
    return _rival(server, "spiff", size)


def _rival(server: Cluster, name: str, size: int) -> Rival | None:
    if not PYTHON.exists():
        return None
    rival = Rival(name, server.create(name))
    rival.call("seed", size)
    return rival
