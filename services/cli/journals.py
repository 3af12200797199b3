"""`duban journal verify`, `duban journal anchor`."""

from typing import Annotated, Any

import typer
from rich.console import Console

from services.cli.edge import AsJson, clock_now, migrated_runtime, progress, report, table

app = typer.Typer()


@app.callback()
def journal() -> None:
    """What happened, and whether it was tampered with."""


@app.command()
def verify(
    matter: Annotated[int | None, typer.Option(help="Only this matter's journal, by its id.")] = None,
    anchors: Annotated[bool, typer.Option("--anchors", help="Compare with the anchors outside the database.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check every entry against the chain of hashes; name the first bad one of each matter. Exit 1 if any is bad.

    The record of administration is checked along, unless one matter is asked for.
    """
    from services.administration import record
    from services.cli.refusals import BadArgument
    from services.engine.journal import verify as check
    from services.keeping.anchors import verify_anchors

    if anchors and matter is not None:
        raise BadArgument("anchors are of all matters; leave out --matter or --anchors")
    made = migrated_runtime()
    with made.database.read() as session, progress("entries", _count(session, matter)) as checked:
        answer = check(session, None if matter is None else [matter], checked)
        if matter is None:
            deeds = record.verify(session)
            answer |= {"administration": deeds, "ok": answer["ok"] and deeds["ok"]}
    if anchors:
        with made.database.read() as session:
            anchored = verify_anchors(made, session, progress)
        answer |= {"anchors": anchored, "ok": answer["ok"] and anchored["ok"]}
    _refuse_unknown(answer, matter)
    report(answer, as_json, lambda console: _show(console, answer))
    if not answer["ok"]:
        raise typer.Exit(1)


@app.command()
def anchor(as_json: AsJson = False) -> None:
    """Write where the chains end into a file of the anchor folder, chained to the one before; the clock does daily."""
    from services.keeping.anchors import anchor_journal

    answer = anchor_journal(migrated_runtime(), clock_now())
    said = f"anchor {answer['number']}: {answer['heads']} chains had grown\n{answer['file']}\nsha256 {answer['sha256']}"
    report(answer, as_json, lambda console: console.print(said))


def _count(session: Any, matter: int | None) -> int:
    from sqlalchemy import func, select

    from services.engine.models import Entry

    counting = select(func.count()).select_from(Entry)
    return int(session.scalar(counting if matter is None else counting.where(Entry.matter_id == matter)))


def _refuse_unknown(answer: dict[str, Any], matter: int | None) -> None:
    from services.cli.refusals import BadArgument

    if matter is not None and not answer["matters"]:
        raise BadArgument(f"there is no matter {matter}")


def _show(console: Console, answer: dict[str, Any]) -> None:
    rows = [(b["matter_id"], b["seq"], b["why"]) for b in answer["broken"]]
    checked = f"{answer['entries']} entries of {answer['matters']} matters"
    if deeds := answer.get("administration"):
        checked += f", {deeds['entries']} deeds of administrators"
        rows += [("administration", b["seq"], b["why"]) for b in deeds["broken"]]
    if anchored := answer.get("anchors"):
        checked += f", {anchored['heads']} heads in {anchored['anchors']} anchors"
        rows += [(b["matter_id"], b["seq"], f"anchor {b['anchor']}: {b['why']}") for b in anchored["broken"]]
    if not rows:
        console.print(f"{checked}: every one holds")
        return
    console.print(table("matter", "entry", "what is wrong", rows=rows, title=f"{checked}; these do not hold:"))
