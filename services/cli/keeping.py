"""`duban backup`, `duban restore`, `duban backup-key`, `duban db copy`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from services.cli.edge import AsJson, clock_now, migrated_runtime, progress, report, table

_Identity = Annotated[Path | None, typer.Option(help="The file with the secret key that opens an encrypted backup.")]


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
    recipient: Annotated[
        list[str] | None, typer.Option(help="Encrypt to this age public key; may be repeated.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Restore it aside afterwards and compare.")] = False,
    identity: _Identity = None,
    as_json: AsJson = False,
) -> None:
    """Write everything into one file while the service runs. Exit 1 if files are missing or it does not verify.

    The key file that seals identities goes along only if the backup is encrypted.
    """
    from services.cli.refusals import BadArgument
    from services.keeping.backing import back_up
    from services.keeping.restoring import verify_backup

    if verify and recipient and identity is None:
        raise BadArgument("to verify an encrypted backup, name the secret key: --identity FILE")
    made = migrated_runtime()
    answer = back_up(made, file.absolute(), clock_now(), recipient or (), progress)
    if verify:
        answer["verified"] = verify_backup(made.settings, file.absolute(), identity, progress)
    report(answer, as_json, lambda console: _show_backup(console, answer))
    if answer["missing"] or (verify and not answer["verified"]["ok"]):
        raise typer.Exit(1)


def restore(
    file: Annotated[Path, typer.Argument(help="A backup made by duban.")],
    identity: _Identity = None,
    check: Annotated[bool, typer.Option("--check", help="Only look whether it could be restored, aside.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup into the empty place that the settings name, SQLite or PostgreSQL. Exit 1 if anything is missing."""
    from config.settings import load_settings
    from services.keeping import restoring

    work = restoring.verify_backup if check else restoring.restore
    answer = work(load_settings(), file.absolute(), identity, progress)
    report(answer, as_json, lambda console: _show_restored(console, answer, check))
    if not answer["ok"]:
        raise typer.Exit(1)


def backup_key(
    file: Annotated[Path, typer.Argument(help="The file for the secret half; keep it off this machine.")],
    as_json: AsJson = False,
) -> None:
    """Make a key pair for encrypted backups and print the public half; the same as age-keygen makes."""
    from services.keeping.archive import new_key

    public = new_key(file)
    said = f"{public}\nThe secret key is in {file}. Keep it off this machine: without it no encrypted backup opens."
    report({"recipient": public, "file": str(file)}, as_json, lambda console: console.print(said))


def copy(
    to: Annotated[str, typer.Option("--to", help="An empty PostgreSQL database: postgresql://user@host/name")],
    anew: Annotated[bool, typer.Option("--anew", help="Throw away what a killed copy left there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Carry this SQLite installation to PostgreSQL and compare. Run it again after it was killed: it goes on.

    Nothing may be served meanwhile. Exit 1 if the journal or a file does not hold.
    """
    from services.keeping.copying import copy_database

    made = migrated_runtime()
    answer = copy_database(made, to, anew, progress)
    report(answer, as_json, lambda console: _show_copied(console, answer))
    if not answer["ok"]:
        raise typer.Exit(1)


def _show_backup(console: Console, answer: dict[str, Any]) -> None:
    kind = "encrypted, with the key file" if answer["encrypted"] else "not encrypted, WITHOUT the key file"
    console.print(
        f"{answer['file']}: {answer['rows']} rows, {answer['contents']} files, {answer['bytes']} bytes, {kind}"
    )
    _show_missing(console, answer["missing"])
    if verified := answer.get("verified"):
        console.print("restored aside and compared: " + ("the same" if verified["ok"] else "NOT the same"))
        _show_check(console, verified["check"])


def _show_restored(console: Console, answer: dict[str, Any], aside: bool) -> None:
    done = "can be restored" if aside else "restored"
    console.print(f"{done}: {answer['rows']} rows, {answer['contents']} files, made at {answer['made_at']}")
    console.print(f"key file: {'was here' if answer['key_from'] == 'place' else 'from the backup'}")
    if answer.get("differing"):
        console.print(f"these tables differ: {', '.join(answer['differing'])}")
    _show_check(console, answer["check"])


def _show_copied(console: Console, answer: dict[str, Any]) -> None:
    went_on = f", {answer['resumed_at']} of them by an earlier run" if answer["resumed_at"] else ""
    console.print(f"{answer['rows']} rows of {answer['tables']} tables copied{went_on}; every table is the same")
    _show_check(console, answer["check"])
    console.print("Set DUBAN_DATABASE_URL to the new database; files and key stay in the data folder.")


def _show_check(console: Console, checked: dict[str, Any]) -> None:
    journal, deeds = checked["journal"], checked["administration"]
    console.print(
        f"journal: {journal['entries']} entries of {journal['matters']} matters and {deeds['entries']} deeds, "
        f"{len(journal['broken']) + len(deeds['broken'])} broken; {checked['files']['contents']} files"
    )
    _show_missing(console, checked["files"]["missing"])


def _show_missing(console: Console, missing: list[dict[str, Any]]) -> None:
    if missing:
        rows = [(one["sha256"], ", ".join(map(str, one["attachments"]))) for one in missing]
        console.print(table("sha256", "attachments", rows=rows, title="missing or damaged files:"))
