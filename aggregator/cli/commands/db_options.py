"""`evnews db`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aggregator.cli.app import app
from aggregator.cli.options import SourcesFile

db_app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Look after the archive.", epilog="Example: evnews db check"
)
app.add_typer(db_app, name="db")


@db_app.command("backup", epilog="Examples: evnews db backup copy.db; evnews db backup /mnt/backups/ --keep 7")
def db_backup(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="FILE-OR-FOLDER/", help="A file that is not there yet, or a folder.")
    ],
    keep: Annotated[int, typer.Option("--keep", min=0, metavar="N", help="In a folder: only the newest N stay.")] = 0,
) -> None:
    """Copy the archive as it is at this moment, whole or not at all; others may read and write meanwhile."""
    from aggregator.cli.commands.db import run_backup

    raise typer.Exit(run_backup(context.obj.load(), target, keep=keep))


@db_app.command("prune", epilog="Examples: evnews db prune --dry-run; evnews db prune --even starred")
def db_prune(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go, and take nothing.")] = False,
    even: Annotated[
        list[str] | None,
        typer.Option("--even", metavar="KIND", help="Remove what else stays: starred, withdrawn; may be repeated."),
    ] = None,
    sources: SourcesFile = None,
) -> None:
    """Remove articles older than `keep` says, and the oldest captured pages until they take what `keep_pages` says."""
    from aggregator.cli.commands.db import run_prune

    raise typer.Exit(run_prune(context.obj.load(), sources, even or (), is_dry=dry_run))


@db_app.command("upgrade", epilog="Examples: evnews db upgrade; evnews db upgrade --no-backup")
def db_upgrade(
    context: typer.Context,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Without a copy beside the archive first.")] = False,
) -> None:
    """Bring the archive of an older evnews up to date, after a backup; other commands do so without one."""
    from aggregator.cli.commands.db import run_upgrade

    raise typer.Exit(run_upgrade(context.obj.load(), is_backed_up=no_backup))


@db_app.command("restore", epilog="Example: evnews db restore /mnt/backups/evnews-20260131T120000Z.db")
def db_restore(context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Put a backup in the archive's place; the one that was there is kept beside it."""
    from aggregator.cli.commands.db import run_restore

    raise typer.Exit(run_restore(context.obj.load(), file))


@db_app.command("check", epilog="Examples: evnews db check; evnews db check --all")
def db_check(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Read every capture, not only a thousand of them.")] = False,
) -> None:
    """Prove the archive whole: database, search index, captures; exit status 1 when it is not."""
    from aggregator.cli.commands.db import run_check

    raise typer.Exit(run_check(context.obj.load(), every=every))


@db_app.command("optimize", epilog="Example: evnews db optimize")
def db_optimize(context: typer.Context) -> None:
    """Make searches fast again after much was added; nobody else writes meanwhile."""
    from aggregator.cli.commands.db import run_optimize

    raise typer.Exit(run_optimize(context.obj.load()))


@db_app.command("reindex", epilog="Example: evnews db reindex")
def db_reindex(context: typer.Context) -> None:
    """Build the search index anew beside the one that answers; goes on where it was left."""
    from aggregator.cli.commands.db import run_reindex

    raise typer.Exit(run_reindex(context.obj.load()))
