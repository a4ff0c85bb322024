"""`evnews db prune`: delete expired articles and captured pages beyond the size limits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.archive import open_archive
from aggregator.cli.catalogue import read_catalogue
from aggregator.cli.output import megabytes, usage_error
from aggregator.cli.terminal import progress_bar
from aggregator.formatting import format_count
from aggregator.logs import safe_line
from aggregator.service.housekeeping import build_expiry_rules, build_size_limits, prune_files
from storage.maintenance.expiry import PROTECTED_ARTICLES, delete_expired, find_expired
from storage.maintenance.retention import files_to_delete

if TYPE_CHECKING:
    from aggregator.config import Config
    from storage.db.database import Database
    from storage.maintenance.expiry import ArticleAges
    from storage.maintenance.retention import FileToDelete, SizeLimits


def prune_archive(config: Config, file: Path | None, even: Sequence[str], *, is_dry: bool) -> int:
    """Delete articles past their age and the oldest captured pages beyond the size limits, or list them."""
    if unknown := next((kind for kind in even if kind not in PROTECTED_ARTICLES), ""):
        usage_error(f"--even {unknown!r} is unknown; write {' or '.join(PROTECTED_ARTICLES)}")
    catalogue = read_catalogue(config, file)
    limits = build_size_limits(config, catalogue)
    with open_archive(config) as database:
        ages = build_expiry_rules(config, catalogue, database)
        if ages.is_unlimited and limits.is_unlimited:
            usage_error('no limit is set; set keep = "5y" or keep_pages = "200 GB" in evnews.toml')
        (_list_articles if is_dry else _delete_articles)(database, ages, even)
        if not limits.is_unlimited:
            (_list_files if is_dry else _delete_files)(config, database, limits)
    return 0


def _list_articles(database: Database, ages: ArticleAges, even: Sequence[str]) -> None:
    count = 0
    for article in find_expired(database, ages, datetime.now(UTC), remove_protected=even):
        count += 1
        print(safe_line(f"{article.sort_time:%Y-%m-%d}  {article.source}  {article.id}  {article.title}"))
    if not ages.is_unlimited:
        print(f"{format_count(count, 'article')} would be deleted" if count else "no article has expired")


def _delete_articles(database: Database, ages: ArticleAges, even: Sequence[str]) -> None:
    if ages.is_unlimited:
        return
    now, deleted = datetime.now(UTC), 0
    total = sum(1 for _ in find_expired(database, ages, now, remove_protected=even))
    with progress_bar("deleting articles") as progress:
        for batch in delete_expired(database, ages, now, remove_protected=even):
            deleted += batch
            progress(deleted, total)
    print(f"{format_count(deleted, 'article')} deleted" if deleted else "no article has expired")


def _list_files(config: Config, database: Database, limits: SizeLimits) -> None:
    freed = 0
    for file in files_to_delete(database, config.warc_folder, limits):
        freed += file.size
        print(_file_line(file))
    print(f"{megabytes(freed)} would be deleted" if freed else "captured pages are within their limits")


def _delete_files(config: Config, database: Database, limits: SizeLimits) -> None:
    freed = moved = 0
    for file, pages in prune_files(limits, config, database, lambda: datetime.now(UTC)):
        freed, moved = freed + file.size, moved + pages
        print(_file_line(file), flush=True)
    kept = f"; {format_count(moved, 'page')} moved to a new file" if moved else ""
    print(f"{megabytes(freed)} deleted{kept}" if freed else "captured pages are within their limits")


def _file_line(file: FileToDelete) -> str:
    sources = f" of {', '.join(sorted(file.last_capture_ids))}" if file.last_capture_ids else ""
    kept = f", {file.kept_pages} of them kept" if file.kept_pages else ""
    return f"{file.file.name}: {megabytes(file.size)}{sources}, {format_count(file.pages, 'page')}{kept}"
