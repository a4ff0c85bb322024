"""`evnews db`: the archive proved whole, copied and put back, and its search index built anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aggregator.archive import make_home, open_archive
from aggregator.cli.catalogue import read_catalogue
from aggregator.cli.output import counted, mistake
from aggregator.cli.terminal import bar
from aggregator.config import Config
from aggregator.logs import safe_line
from aggregator.service.housekeeping import keeping, pruned, room
from aggregator.service.setup import utc_now
from storage.archive import STEPS, schema_of
from storage.db.database import Database, sqlite_file
from storage.maintenance.backup import LIST, POSTGRES, backup, backup_of, dated, missing_tapes, restore, thin_out
from storage.maintenance.check import check, reindex
from storage.maintenance.expiry import Keeping, expired, let_go
from storage.maintenance.retention import Leaving, Room, leaving
from storage.maintenance.staying import STAYS
from storage.monitor import Monitor
from storage.search.optimize import optimize

CAPTURES = 1_000
"""So many captures are read, spread over the tape, where not all are asked for."""


def run_check(config: Config, *, every: bool) -> int:
    """Print every problem; 1 where there is one."""
    with open_archive(config) as database:
        problems = check(database, config.warc_folder, None if every else CAPTURES)
        captures = Monitor(database).stats().captures
    for problem in problems:
        print(safe_line(problem))
    print("the archive is whole" if not problems else f"{counted(len(problems), 'problem')} found")
    if not every and captures > CAPTURES:
        print(f"about {CAPTURES} of {captures} captures were read; --all reads each")
    return 1 if problems else 0


def run_optimize(config: Config) -> int:
    """Join the pieces of the search index."""
    with open_archive(config) as database:
        before, after = optimize(database)
    print(f"the archive takes {after / 1e6:,.1f} MB ({before / 1e6:,.1f} MB before)")
    return 0


def run_reindex(config: Config) -> int:
    """Build the search index from the articles; one that was left half built is gone on with."""
    with open_archive(config) as database, bar("indexing articles") as progress:
        count = reindex(database, progress)
    print(f"{counted(count, 'article')} indexed")
    return 0


def run_backup(config: Config, where: str, *, keep: int) -> int:
    """Copy the archive to a file, or into a folder under its time; with `keep` only the newest stay there."""
    target = Path(where)
    is_folder = target.is_dir() or where.endswith("/")
    if keep and not is_folder:
        mistake("--keep says how many backups stay in a folder; name a folder (with a / at its end)")
    with open_archive(config) as database, bar("copying pages") as progress:
        made = backup(database, dated(target, utc_now()) if is_folder else target, progress)
    print(f"{made.file}: {made.size / 1e6:,.1f} MB")
    if made.tapes:
        print(
            f"its pages lie in {counted(made.tapes, 'file')} of {config.warc_folder}, {made.tape_bytes / 1e6:,.1f} MB:"
            f" copy them too, {made.file.name}{LIST} lists them"
        )
    for gone in thin_out(target, keep) if keep else ():
        print(f"removed {gone}")
    return 0


def run_upgrade(config: Config, *, is_backed_up: bool) -> int:
    """Bring the archive's schema up to date, after a backup beside it unless `is_backed_up` already."""
    version = schema_of(config.database_url)
    if version == STEPS[-1]:
        print(f"the archive's schema is {version}, the latest: nothing is to be done")
        return 0
    file = sqlite_file(config.database_url)
    if version in STEPS and not is_backed_up:
        if file is None:
            mistake(f"{POSTGRES}; then evnews db upgrade --no-backup")
        with bar("copying pages") as progress:
            made = backup_of(file, file.with_name(f"before-{STEPS[-1]}-{dated(file.parent, utc_now()).name}"), progress)
        print(f"backup: {made.file}: {made.size / 1e6:,.1f} MB", flush=True)
    with open_archive(config):  # which brings it up to date, whole or not at all
        print(f"the archive's schema is {STEPS[-1]} now" + (f" ({version} before)" if version else ""))
    return 0


def run_prune(config: Config, file: Path | None, even: Sequence[str], *, is_dry: bool) -> int:
    """Remove articles that are older and pages that are more than is to be kept; or tell what would go."""
    if wrong := next((kind for kind in even if kind not in STAYS), ""):
        mistake(f"--even is {' or '.join(STAYS)}, not {wrong!r}")
    catalogue = read_catalogue(config, file)
    limits = room(config, catalogue)
    with open_archive(config) as database:
        kept = keeping(config, catalogue, database)
        if kept.is_forever and limits.is_boundless:
            mistake('nothing limits what is kept; keep = "5y" and keep_pages = "200 GB" in evnews.toml do')
        (_list_articles if is_dry else _let_articles_go)(database, kept, even)
        if not limits.is_boundless:
            (_list_pages if is_dry else _take_pages_off)(config, database, limits)
    return 0


def _list_articles(database: Database, kept: Keeping, even: Sequence[str]) -> None:
    many = 0
    for one in expired(database, kept, utc_now(), even=even):
        many += 1
        print(safe_line(f"{one.dated:%Y-%m-%d}  {one.source}  {one.id}  {one.title}"))
    if not kept.is_forever:
        print(f"{counted(many, 'article')} would go" if many else "no article is to go")


def _let_articles_go(database: Database, kept: Keeping, even: Sequence[str]) -> None:
    if kept.is_forever:
        return
    now, gone = utc_now(), 0
    total = sum(1 for _ in expired(database, kept, now, even=even))
    with bar("removing articles") as progress:
        for some in let_go(database, kept, now, even=even):
            gone += some
            progress(gone, total)
    print(f"{counted(gone, 'article')} removed" if gone else "no article is to go")


def _list_pages(config: Config, database: Database, limits: Room) -> None:
    freed = 0
    for one in leaving(database, config.warc_folder, limits):
        freed += one.size
        print(_words(one))
    print(f"{freed / 1e6:,.1f} MB would go" if freed else "no page is to go")


def _take_pages_off(config: Config, database: Database, limits: Room) -> None:
    freed = carried = 0
    for one, moved in pruned(limits, config, database, utc_now):
        freed, carried = freed + one.size, carried + moved
        print(_words(one), flush=True)
    gone = f"{freed / 1e6:,.1f} MB are gone" + (f"; {counted(carried, 'page')} carried over" if carried else "")
    print(gone if freed else "no page is to go")


def _words(one: Leaving) -> str:
    of = f" of {', '.join(sorted(one.upto))}" if one.upto else ""
    staying = f", {one.staying} of them stay" if one.staying else ""
    return f"{one.file.name}: {one.size / 1e6:,.1f} MB{of}, {counted(one.pages, 'page')}{staying}"


def run_restore(config: Config, copy: Path) -> int:
    """Put a backup in the archive's place; what was there is kept beside it. 1 where pages are missing."""
    file = sqlite_file(config.database_url)
    if file is None:
        mistake("PostgreSQL restores itself: pg_restore --clean --dbname=DATABASE evnews.dump")
    make_home(config)
    before = restore(file, copy)
    print(f"{copy} is the archive now" + (f"; the one before lies in {before}" if before else ""))
    missing = missing_tapes(copy, config.warc_folder)
    for name in missing:
        print(safe_line(f"missing in {config.warc_folder}: {name}"))
    return 1 if missing else 0
