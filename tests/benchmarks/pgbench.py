"""The ceiling: pgbench runs the very statements that an action of ours sends, with no work between them.

The statements are caught while the action runs; ids of the matter, its clock and its work item become variables that
pgbench reads from the answers, as our code does. It prepares them, as our driver does after a few calls.
"""

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks.racing import Sample
from tests.support.driver import each_statement

Caught = list[tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Script:
    """A transaction for pgbench: `text` as it reads it, `statements` how many it sends between BEGIN and COMMIT."""

    text: str
    statements: int


def catch(act: Callable[[], Any]) -> Caught:
    """Run `act` and return every statement it gave to the driver, with its parameters."""
    caught: Caught = []
    with each_statement(lambda sql, values: caught.append((sql, values))):
        act()
    return caught


def script(
    caught: Caught, ids: Mapping[int, str], named: Mapping[str, str], reads: Mapping[str, str], begin: str
) -> Script:
    """Write a script: parameters with these values (`ids`) or names become variables or expressions.

    `reads` maps a part of a statement to the prefix under which its answer is kept (and lines to run after it, behind a
    new line); `begin` are the lines that choose a matter.
    """
    lines = [_statement(sql, values, ids, named, reads) for sql, values in caught]
    return Script("\n".join([begin, "BEGIN;", *lines, "COMMIT;", ""]), len(caught))


def _statement(
    sql: str, values: Mapping[str, Any], ids: Mapping[int, str], named: Mapping[str, str], reads: Mapping[str, str]
) -> str:
    def put(found: re.Match[str]) -> str:
        name = found[1] or list(values)[int(found[2]) - 1]
        value = values[name]
        column = re.sub(r"__\d+$", "", name)
        if column in named:
            return named[column]
        if type(value) is int and value in ids:
            return ids[value]
        return f"({_literal(value)})"

    text = re.sub(r"%\((\w+)\)s|\$(\d+)", put, re.sub(r"\s+", " ", sql)).replace("%%", "%")
    keep = next((prefix for part, prefix in reads.items() if part in text), None)
    if keep is None:
        return f"{text};"
    prefix, _, after = keep.partition("\n")
    return f"{text} \\gset {prefix}\n{after}"


_QUOTED = re.compile(r"\s*(E?)'(.*)'(::\w+)?", re.DOTALL)


def _literal(value: Any) -> str:
    """Write a value so that pgbench, which knows no quotes, takes nothing in it for a variable."""
    text = psycopg.sql.Literal(value).as_string(None)
    if (quoted := _QUOTED.fullmatch(text)) is None:
        return text
    body = quoted[2] if quoted[1] else quoted[2].replace("\\", r"\\")
    body = body.replace(":", r"\x3a")
    return f" E'{body}'{quoted[3] or ''}"


def run(program: Path, url: str, scripts: list[Script], clients: int, seconds: float) -> Sample:
    """Let pgbench run for that long, at least a second; the scripts take equal turns."""
    with tempfile.TemporaryDirectory() as folder:
        files: list[str] = []
        for number, one in enumerate(scripts):
            file = Path(folder) / f"{number}.sql"
            file.write_text(one.text, encoding="utf-8")
            files += ["-f", f"{file}@1"]
        done = subprocess.run(
            [program, "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(max(1, round(seconds))),
             "--log", f"--log-prefix={folder}/took", *files, url],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        rate = re.search(r"tps = ([\d.]+)", done.stdout)
        if done.returncode or rate is None:
            raise RuntimeError(f"pgbench: {done.stderr or done.stdout}")
        took = tuple(_took(Path(folder)))
        return Sample(took, len(took) / float(rate[1]))


def _took(folder: Path) -> Iterator[float]:
    for file in folder.glob("took.*"):
        for line in file.read_text().splitlines():
            yield int(line.split()[2]) / 1e6
