"""`evnews db`: check, back up, restore, upgrade, prune, optimize and reindex the archive."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.archive import make_home, open_archive
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import SourcesFile
from aggregator.cli.output import EXIT_FAILURE, megabytes, usage_error
from aggregator.formatting import format_count
from aggregator.logs import safe_line

if TYPE_CHECKING:
    from aggregator.config import Config

SAMPLED_CAPTURES = 1_000
"""Number of captures, spread over the WARC files, that a check reads without --all."""

app = CommandApp(no_args_is_help=True, examples=("evnews db check", "evnews db backup /mnt/backups/ --keep 7"))


@app.callback()
def db() -> None:
    """Check, back up, restore, upgrade and prune the archive."""


@app.add("backup", "evnews db backup copy.db", "evnews db backup /mnt/backups/ --keep 7")
def db_backup(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A new file, or a folder with a / at its end.")],
    keep: Annotated[
        int, typer.Option("--keep", min=0, metavar="N", help="Keep only the newest N backups of the folder; 0: all.")
    ] = 0,
) -> None:
    """Copy the database while others use it.

    The copy is complete and consistent. Captured pages are in the folder warc/; copy that folder too.
    """
    raise typer.Exit(back_up(context.obj.load(), target, keep=keep))


@app.add("restore", "evnews db restore /mnt/backups/evnews-20260131T120000Z.db")
def db_restore(
    context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="Backup to restore.")]
) -> None:
    """Replace the database by a backup.

    The replaced database is renamed, not deleted. Exit status 1 if WARC files of the backup are missing.
    """
    raise typer.Exit(restore_backup(context.obj.load(), file))


@app.add("check", "evnews db check", "evnews db check --all")
def db_check(
    context: typer.Context,
    read_all: Annotated[bool, typer.Option("--all", help="Read every capture instead of a sample of 1000.")] = False,
) -> None:
    """Check the database, the search index and the captures.

    Exit status 1 if there is a problem.
    """
    raise typer.Exit(check_archive(context.obj.load(), read_all=read_all))


@app.add("upgrade", "evnews db upgrade", "evnews db upgrade --no-backup")
def db_upgrade(
    context: typer.Context,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Do not back up the database first.")] = False,
) -> None:
    """Upgrade the database of an older evnews.

    Makes a backup in the home folder first. Other commands upgrade too, but without a backup.
    """
    raise typer.Exit(upgrade(context.obj.load(), is_backed_up=no_backup))


@app.add("prune", "evnews db prune --dry-run", "evnews db prune --even starred")
def db_prune(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be deleted without deleting it.")
    ] = False,
    even: Annotated[
        list[str] | None,
        typer.Option("--even", metavar="KIND", help="Delete starred or withdrawn articles too; repeatable."),
    ] = None,
    sources: SourcesFile = None,
) -> None:
    """Delete old articles and captured pages.

    The settings `keep` and `keep_pages` of evnews.toml and of each source say what is old or too much.
    """
    from aggregator.cli.commands.data.db_prune import prune_archive

    raise typer.Exit(prune_archive(context.obj.load(), sources, even or (), is_dry=dry_run))


@app.add("optimize", "evnews db optimize")
def db_optimize(context: typer.Context) -> None:
    """Optimize the search index after large additions.

    Other processes wait for their writes meanwhile.
    """
    raise typer.Exit(optimize_index(context.obj.load()))


@app.add("reindex", "evnews db reindex")
def db_reindex(context: typer.Context) -> None:
    """Rebuild the search index while searches go on.

    An interrupted rebuild continues where it stopped.
    """
    raise typer.Exit(rebuild_index(context.obj.load()))


def back_up(config: Config, target: str, *, keep: int) -> int:
    """Copy the archive to a file, or into a folder under the current time, of which the newest `keep` remain."""
    from aggregator.cli.terminal import progress_bar
    from storage.maintenance.backup import WARC_LIST_SUFFIX, backup_path, create_backup, delete_old_backups

    path = Path(target)
    is_folder = path.is_dir() or target.endswith("/")
    if keep and not is_folder:
        usage_error(f"--keep needs a folder; write {target}/ if you mean one")
    with open_archive(config) as database, progress_bar("copying database pages") as progress:
        copy = create_backup(database, backup_path(path, datetime.now(UTC)) if is_folder else path, progress)
    print(f"{copy.file}: {megabytes(copy.size)}")
    if copy.warc_files:
        print(
            f"its captured pages are in {format_count(copy.warc_files, 'file')} of {config.warc_folder},"
            f" {megabytes(copy.warc_bytes)}: copy them too, {copy.file.name}{WARC_LIST_SUFFIX} lists them"
        )
    for file in delete_old_backups(path, keep) if keep else ():
        print(f"removed {file}")
    return 0


def restore_backup(config: Config, copy: Path) -> int:
    """Replace the database by a backup. Return 1 if WARC files are missing."""
    from storage.db.database import sqlite_path
    from storage.maintenance.backup import find_missing_warc_files, restore_backup

    file = sqlite_path(config.database_url)
    if file is None:
        usage_error("restore PostgreSQL with its own command: pg_restore --clean --dbname=DATABASE evnews.dump")
    make_home(config)
    replaced = restore_backup(file, copy)
    print(f"restored {copy}" + (f"; the replaced database is {replaced}" if replaced else ""))
    missing = find_missing_warc_files(copy, config.warc_folder)
    for name in missing:
        print(safe_line(f"missing in {config.warc_folder}: {name}"))
    return EXIT_FAILURE if missing else 0


def check_archive(config: Config, *, read_all: bool) -> int:
    """Print every problem. Return 1 if there is one."""
    from storage.maintenance.check import check_archive
    from storage.monitor import Monitor

    with open_archive(config) as database:
        problems = check_archive(database, config.warc_folder, None if read_all else SAMPLED_CAPTURES)
        captures = Monitor(database).stats().captures
    for problem in problems:
        print(safe_line(problem))
    print("no problems found" if not problems else f"{format_count(len(problems), 'problem')} found")
    if not read_all and captures > SAMPLED_CAPTURES:
        print(f"about {SAMPLED_CAPTURES} of {captures} captures were read; --all reads every capture")
    return EXIT_FAILURE if problems else 0


def upgrade(config: Config, *, is_backed_up: bool) -> int:
    """Bring the schema up to date, after a backup unless `is_backed_up` already."""
    from storage.archive import SCHEMA_VERSIONS, read_schema_version
    from storage.db.database import sqlite_path
    from storage.maintenance.backup import POSTGRES_HINT

    version = read_schema_version(config.database_url)
    if version == SCHEMA_VERSIONS[-1]:
        print(f"the database schema is {version}, the latest; nothing to upgrade")
        return 0
    if version in SCHEMA_VERSIONS and not is_backed_up:
        file = sqlite_path(config.database_url)
        if file is None:
            usage_error(f"{POSTGRES_HINT}; then run evnews db upgrade --no-backup")
        _back_up_before_upgrade(file, SCHEMA_VERSIONS[-1])
    with open_archive(config):  # migrates in one transaction
        print(f"the database schema is now {SCHEMA_VERSIONS[-1]}" + (f", upgraded from {version}" if version else ""))
    return 0


def _back_up_before_upgrade(file: Path, new_version: str) -> None:
    from aggregator.cli.terminal import progress_bar
    from storage.maintenance.backup import back_up_file, backup_path

    target = file.with_name(f"before-{new_version}-{backup_path(file.parent, datetime.now(UTC)).name}")
    with progress_bar("copying database pages") as progress:
        copy = back_up_file(file, target, progress)
    print(f"backup: {copy.file}: {megabytes(copy.size)}", flush=True)


def optimize_index(config: Config) -> int:
    """Merge the segments of the search index."""
    from storage.search.optimize import optimize_index

    with open_archive(config) as database:
        before, after = optimize_index(database)
    print(f"optimized; the database has {megabytes(after)}, {megabytes(before)} before")
    return 0


def rebuild_index(config: Config) -> int:
    """Build the search index from the articles."""
    from aggregator.cli.terminal import progress_bar
    from storage.maintenance.check import reindex_archive

    with open_archive(config) as database, progress_bar("indexing articles") as progress:
        count = reindex_archive(database, progress)
    print(f"{format_count(count, 'article')} indexed")
    return 0
