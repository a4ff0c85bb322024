"""Daily backup, expiry, retention and index maintenance while the service runs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

from aggregator import __version__
from aggregator.config import Config
from spiders.catalogue import Catalogue, CatalogueError, load_catalogue
from storage.db.database import Database
from storage.maintenance.backup import BACKUP_PREFIX, backup_path, create_backup, delete_old_backups, list_backups
from storage.maintenance.expiry import ArticleAges, delete_expired, load_source_ages
from storage.maintenance.retention import FileToDelete, SizeLimits, delete_files
from storage.model.crawl import CLOCK_SLACK
from storage.quantities import UNLIMITED
from storage.search.optimize import last_merged_at, merge_segments, record_merge
from storage.warc.store import WarcStore

log = logging.getLogger(__name__)

BACKUP_INTERVAL = timedelta(days=1)
INDEX_MERGE_INTERVAL = timedelta(days=7)
HOUSEKEEPING_CHECK_SECONDS = 600.0
_PAUSE_SECONDS = 0.05
"""Pause between two steps, so that other writers do not wait long."""
IsStopping = Callable[[], bool]
"""Returns whether the service stops; long work then ends at the next point where nothing is lost."""


class _ServiceStopping(Exception):
    """Ends a backup because the service stops."""


def _never() -> bool:
    return False


async def back_up_if_due(
    config: Config, database: Database, now: Callable[[], datetime], is_stopping: IsStopping = _never
) -> Path | None:
    """Create a backup if none is younger than a day, and delete the oldest ones; return the new file or None."""
    return await asyncio.to_thread(_back_up_if_due, config, database, now(), is_stopping) if config.backups else None


def _back_up_if_due(config: Config, database: Database, now: datetime, is_stopping: IsStopping) -> Path | None:
    folder = Path(config.backups).expanduser()
    if not _is_backup_due(folder, now):
        return None

    def check_stop(_: int, __: int) -> None:
        if is_stopping():
            raise _ServiceStopping

    try:
        backup = create_backup(database, backup_path(folder, now), check_stop)
    except _ServiceStopping:
        return None
    deleted = delete_old_backups(folder, config.keep_backups, exclude=backup.file)
    log.info("event=backed-up file=%s bytes=%d removed=%d", backup.file, backup.size, len(deleted))
    return backup.file


def _is_backup_due(folder: Path, now: datetime) -> bool:
    return not any(_is_within(BACKUP_INTERVAL, _backup_time(file), now) for file in list_backups(folder))


def _is_within(span: timedelta, at: datetime, now: datetime) -> bool:
    """Return whether a time lies in the last `span`; a time far ahead does not, as the clock was set back since."""
    return now - span < at <= now + CLOCK_SLACK


def _backup_time(file: Path) -> datetime:
    return datetime.strptime(file.stem.removeprefix(BACKUP_PREFIX), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def build_expiry_rules(config: Config, catalogue: Catalogue, database: Database) -> ArticleAges:
    """Return how long articles are kept, from evnews.toml and the catalogue.

    A source that is no longer in the catalogue keeps its last maximum age: the file may be missing or half written.
    Raise CatalogueError if an entry is invalid: its articles may have to be kept longer.
    """
    with database.read() as tx:
        known = load_source_ages(tx)
    for source in catalogue.sources:
        known.pop(source.name, None)
    configured = {source.name: source.keep for source in catalogue.sources if source.keep}
    rules = ArticleAges(default=config.keep, by_source=known | configured)
    if catalogue.problems and not rules.is_unlimited:
        raise CatalogueError(f"no article is removed until every source can be read: {catalogue.problems[0]}")
    return rules


def build_size_limits(config: Config, catalogue: Catalogue) -> SizeLimits:
    """Return how many bytes fetched pages may take, from evnews.toml and the catalogue."""
    by_source = {source.name: source.keep_pages for source in catalogue.sources if 0 < source.keep_pages < UNLIMITED}
    return SizeLimits(total=config.keep_pages or UNLIMITED, by_source=by_source)


async def merge_index_if_due(database: Database, now: Callable[[], datetime], is_stopping: IsStopping = _never) -> int:
    """Merge the segments of the search index once a week, step by step; return the number of steps."""
    return await asyncio.to_thread(_merge_index_if_due, database, now(), is_stopping)


def _merge_index_if_due(database: Database, now: datetime, is_stopping: IsStopping) -> int:
    with database.read() as tx:
        last = last_merged_at(tx)
    if last is not None and _is_within(INDEX_MERGE_INTERVAL, last, now):
        return 0
    steps = 0
    for _ in merge_segments(database):
        if is_stopping():
            return steps
        steps += 1
        time.sleep(_PAUSE_SECONDS)
    with database.write() as tx:
        record_merge(tx, now)
    log.info("event=index-merged steps=%d", steps)
    return steps


@dataclass(slots=True)
class PruningJob:
    """Deletes expired articles and, above the size limits, the oldest pages; called periodically.

    Articles are deleted only if the rules are the same as in the previous run: a file may be half written.
    """

    config: Config
    database: Database
    catalogue_file: Path | None
    now: Callable[[], datetime]
    is_stopping: IsStopping = _never
    _last_rules: ArticleAges | None = None

    async def run(self) -> int:
        """Return the number of deleted articles and WARC files."""
        return await asyncio.to_thread(self._run)

    def _run(self) -> int:
        try:
            catalogue = load_catalogue(self.config.home, self.catalogue_file)
        except CatalogueError as error:
            log.warning("event=pruning-skipped reason=%s", error)
            return 0
        return self._remove_articles(catalogue) + self._remove_pages(catalogue)

    def _remove_articles(self, catalogue: Catalogue) -> int:
        try:
            rules = build_expiry_rules(self.config, catalogue, self.database)
        except CatalogueError as error:
            log.warning("event=expiry-skipped reason=%s", error)
            return 0
        if rules != self._last_rules:
            self._last_rules = rules
            return 0
        batches = delete_expired(self.database, rules, self.now())
        deleted = sum(takewhile(lambda _: not self.is_stopping(), batches))
        if deleted:
            log.info("event=expired articles=%d", deleted)
        return deleted

    def _remove_pages(self, catalogue: Catalogue) -> int:
        count = freed = carried = 0
        limits = build_size_limits(self.config, catalogue)
        files = prune_files(limits, self.config, self.database, self.now)
        for file, moved in takewhile(lambda _: not self.is_stopping(), files):
            count, freed, carried = count + 1, freed + file.size, carried + moved
        if count:
            log.info("event=pruned files=%d bytes=%d carried=%d", count, freed, carried)
        return count


def prune_files(
    limits: SizeLimits, config: Config, database: Database, now: Callable[[], datetime]
) -> Iterator[tuple[FileToDelete, int]]:
    """Delete WARC files above the size limits; yield each file and the number of its pages that were copied first."""
    if not limits.is_unlimited:
        with closing(WarcStore(config.warc_folder, software=f"evnews/{__version__}", clock=now)) as store:
            yield from delete_files(database, config.warc_folder, store, limits, now())
