"""`evnews db`: the archive proved whole, copied and put back, and its search index built anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aggregator.archive import make_home, open_archive
from aggregator.cli.catalogue import read_catalogue
from aggregator.cli.output import format_count, mistake
from aggregator.cli.terminal import bar
from aggregator.config import Config
from aggregator.logs import safe_line
from aggregator.service.housekeeping import build_expiry_rules, build_size_limits, prune_files
from aggregator.service.setup import utc_now
from storage.archive import SCHEMA_VERSIONS, read_schema_version
from storage.db.database import Database, sqlite_path
from storage.maintenance.backup import (
    POSTGRES_HINT,
    WARC_LIST_SUFFIX,
    back_up_file,
    backup_path,
    create_backup,
    delete_old_backups,
    find_missing_warc_files,
    restore_backup,
)
from storage.maintenance.check import check_archive, reindex_archive
from storage.maintenance.expiry import ArticleAges, delete_expired, find_expired
from storage.maintenance.retention import FileToDelete, SizeLimits, files_to_delete
from storage.maintenance.staying import PROTECTED
from storage.monitor import Monitor
from storage.search.optimize import optimize_index

CAPTURES = 1_000
"""So many captures are read, spread over the tape, where not all are asked for."""


def run_check(config: Config, *, every: bool) -> int:
    """Print every problem; 1 where there is one."""
    with open_archive(config) as database:
        problems = check_archive(database, config.warc_folder, None if every else CAPTURES)
        captures = Monitor(database).stats().captures
    for problem in problems:
        print(safe_line(problem))
    print("the archive is whole" if not problems else f"{format_count(len(problems), 'problem')} found")
    if not every and captures > CAPTURES:
        print(f"about {CAPTURES} of {captures} captures were read; --all reads each")
    return 1 if problems else 0


def run_optimize(config: Config) -> int:
    """Join the pieces of the search index."""
    with open_archive(config) as database:
        before, after = optimize_index(database)
    print(f"the archive takes {after / 1e6:,.1f} MB ({before / 1e6:,.1f} MB before)")
    return 0


def run_reindex(config: Config) -> int:
    """Build the search index from the articles; one that was left half built is gone on with."""
    with open_archive(config) as database, bar("indexing articles") as progress:
        count = reindex_archive(database, progress)
    print(f"{format_count(count, 'article')} indexed")
    return 0


def run_backup(config: Config, where: str, *, keep: int) -> int:
    """Copy the archive to a file, or into a folder under its time; with `keep` only the newest stay there."""
    target = Path(where)
    is_folder = target.is_dir() or where.endswith("/")
    if keep and not is_folder:
        mistake("--keep says how many backups stay in a folder; name a folder (with a / at its end)")
    with open_archive(config) as database, bar("copying pages") as progress:
        made = create_backup(database, backup_path(target, utc_now()) if is_folder else target, progress)
    print(f"{made.file}: {made.size / 1e6:,.1f} MB")
    if made.warc_files:
        print(
            f"its pages lie in {format_count(made.warc_files, 'file')} of {config.warc_folder}, {made.warc_bytes / 1e6:,.1f} MB:"
            f" copy them too, {made.file.name}{WARC_LIST_SUFFIX} lists them"
        )
    for gone in delete_old_backups(target, keep) if keep else ():
        print(f"removed {gone}")
    return 0


def run_upgrade(config: Config, *, is_backed_up: bool) -> int:
    """Bring the archive's schema up to date, after a backup beside it unless `is_backed_up` already."""
    version = read_schema_version(config.database_url)
    if version == SCHEMA_VERSIONS[-1]:
        print(f"the archive's schema is {version}, the latest: nothing is to be done")
        return 0
    file = sqlite_path(config.database_url)
    if version in SCHEMA_VERSIONS and not is_backed_up:
        if file is None:
            mistake(f"{POSTGRES_HINT}; then evnews db upgrade --no-backup")
        with bar("copying pages") as progress:
            made = back_up_file(
                file,
                file.with_name(f"before-{SCHEMA_VERSIONS[-1]}-{backup_path(file.parent, utc_now()).name}"),
                progress,
            )
        print(f"backup: {made.file}: {made.size / 1e6:,.1f} MB", flush=True)
    with open_archive(config):  # which brings it up to date, whole or not at all
        print(f"the archive's schema is {SCHEMA_VERSIONS[-1]} now" + (f" ({version} before)" if version else ""))
    return 0


def run_prune(config: Config, file: Path | None, even: Sequence[str], *, is_dry: bool) -> int:
    """Remove articles that are older and pages that are more than is to be kept; or tell what would go."""
    if wrong := next((kind for kind in even if kind not in PROTECTED), ""):
        mistake(f"--even is {' or '.join(PROTECTED)}, not {wrong!r}")
    catalogue = read_catalogue(config, file)
    limits = build_size_limits(config, catalogue)
    with open_archive(config) as database:
        kept = build_expiry_rules(config, catalogue, database)
        if kept.is_unlimited and limits.is_unlimited:
            mistake('nothing limits what is kept; keep = "5y" and keep_pages = "200 GB" in evnews.toml do')
        (_list_articles if is_dry else _let_articles_go)(database, kept, even)
        if not limits.is_unlimited:
            (_list_pages if is_dry else _take_pages_off)(config, database, limits)
    return 0


def _list_articles(database: Database, kept: ArticleAges, even: Sequence[str]) -> None:
    many = 0
    for one in find_expired(database, kept, utc_now(), remove_protected=even):
        many += 1
        print(safe_line(f"{one.sort_time:%Y-%m-%d}  {one.source}  {one.id}  {one.title}"))
    if not kept.is_unlimited:
        print(f"{format_count(many, 'article')} would go" if many else "no article is to go")


def _let_articles_go(database: Database, kept: ArticleAges, even: Sequence[str]) -> None:
    if kept.is_unlimited:
        return
    now, gone = utc_now(), 0
    total = sum(1 for _ in find_expired(database, kept, now, remove_protected=even))
    with bar("removing articles") as progress:
        for some in delete_expired(database, kept, now, remove_protected=even):
            gone += some
            progress(gone, total)
    print(f"{format_count(gone, 'article')} removed" if gone else "no article is to go")


def _list_pages(config: Config, database: Database, limits: SizeLimits) -> None:
    freed = 0
    for one in files_to_delete(database, config.warc_folder, limits):
        freed += one.size
        print(_words(one))
    print(f"{freed / 1e6:,.1f} MB would go" if freed else "no page is to go")


def _take_pages_off(config: Config, database: Database, limits: SizeLimits) -> None:
    freed = carried = 0
    for one, moved in prune_files(limits, config, database, utc_now):
        freed, carried = freed + one.size, carried + moved
        print(_words(one), flush=True)
    gone = f"{freed / 1e6:,.1f} MB are gone" + (f"; {format_count(carried, 'page')} carried over" if carried else "")
    print(gone if freed else "no page is to go")


def _words(one: FileToDelete) -> str:
    of = f" of {', '.join(sorted(one.last_capture_ids))}" if one.last_capture_ids else ""
    staying = f", {one.kept_pages} of them stay" if one.kept_pages else ""
    return f"{one.file.name}: {one.size / 1e6:,.1f} MB{of}, {format_count(one.pages, 'page')}{staying}"


def run_restore(config: Config, copy: Path) -> int:
    """Put a backup in the archive's place; what was there is kept beside it. 1 where pages are missing."""
    file = sqlite_path(config.database_url)
    if file is None:
        mistake("PostgreSQL restores itself: pg_restore --clean --dbname=DATABASE evnews.dump")
    make_home(config)
    before = restore_backup(file, copy)
    print(f"{copy} is the archive now" + (f"; the one before lies in {before}" if before else ""))
    missing = find_missing_warc_files(copy, config.warc_folder)
    for name in missing:
        print(safe_line(f"missing in {config.warc_folder}: {name}"))
    return 1 if missing else 0
