"""What keeps an archive in good order while the service runs: a backup a day, articles as old and pages as many as are
to be kept."""

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
"""Between two steps, so that who waits to write does not wait long."""
IsStopping = Callable[[], bool]
"""Whether the service is to end: what takes long then stops where nothing is lost."""


class _ServiceStopping(Exception):
    """The service is to end."""


def _never() -> bool:
    return False


async def back_up_if_due(
    config: Config, database: Database, now: Callable[[], datetime], is_stopping: IsStopping = _never
) -> Path | None:
    """Make the day's backup, where there is none yet, and remove the oldest; returns the new one."""
    return await asyncio.to_thread(_back_up_if_due, config, database, now(), is_stopping) if config.backups else None


def _back_up_if_due(config: Config, database: Database, now: datetime, is_stopping: IsStopping) -> Path | None:
    folder = Path(config.backups).expanduser()
    if not _is_due(folder, now):
        return None

    def go_on(_: int, __: int) -> None:
        if is_stopping():
            raise _ServiceStopping

    try:
        made = create_backup(database, backup_path(folder, now), go_on)
    except _ServiceStopping:
        return None
    gone = delete_old_backups(folder, config.keep_backups, exclude=made.file)
    log.info("event=backed-up file=%s bytes=%d removed=%d", made.file, made.size, len(gone))
    return made.file


def _is_due(folder: Path, now: datetime) -> bool:
    """Whether no backup is of the last day."""
    return not any(_is_within(BACKUP_INTERVAL, _backup_time(one), now) for one in list_backups(folder))


def _is_within(span: timedelta, at: datetime, now: datetime) -> bool:
    """Whether a time lies in the last span; what lies ahead was before the clock was set back."""
    return now - span < at <= now + CLOCK_SLACK


def _backup_time(file: Path) -> datetime:
    return datetime.strptime(file.stem.removeprefix(BACKUP_PREFIX), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def build_expiry_rules(config: Config, catalogue: Catalogue, database: Database) -> ArticleAges:
    """How long articles are kept, as evnews.toml and the catalogue say.

    A source that is no longer in the catalogue keeps the age that it had there last: its file may be away, or half
    written. Raises CatalogueError where an entry cannot be used: that may be one which is to be kept longer.
    """
    with database.read() as tx:
        known = load_source_ages(tx)
    for source in catalogue.sources:
        known.pop(source.name, None)
    kept = ArticleAges(
        default=config.keep, by_source=known | {one.name: one.keep for one in catalogue.sources if one.keep}
    )
    if catalogue.problems and not kept.is_unlimited:
        raise CatalogueError(f"no article is removed until every source can be read: {catalogue.problems[0]}")
    return kept


def build_size_limits(config: Config, catalogue: Catalogue) -> SizeLimits:
    """How much fetched pages may take, as evnews.toml and the catalogue say."""
    own = {source.name: source.keep_pages for source in catalogue.sources if 0 < source.keep_pages < UNLIMITED}
    return SizeLimits(total=config.keep_pages or UNLIMITED, by_source=own)


async def merge_index_if_due(database: Database, now: Callable[[], datetime], is_stopping: IsStopping = _never) -> int:
    """Join the pieces of the search index once a week, by steps; returns how many those were."""
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
    log.info("event=index-joined steps=%d", steps)
    return steps


@dataclass(slots=True)
class PruningJob:
    """Removes what is not to be kept any more, round after round; `file` is the catalogue, where that is named.

    An article goes where two rounds in a row found that it is to go: what an editor has half written is no wish.
    """

    config: Config
    database: Database
    catalogue_file: Path | None
    now: Callable[[], datetime]
    is_stopping: IsStopping = _never
    _last_rules: ArticleAges | None = None

    async def run(self) -> int:
        """Returns how many articles and files of the tape went."""
        return await asyncio.to_thread(self._run)

    def _run(self) -> int:
        try:
            catalogue = load_catalogue(self.config.home, self.catalogue_file)
        except CatalogueError as error:
            log.warning("event=nothing-removed why=%s", error)
            return 0
        return self._remove_articles(catalogue) + self._remove_pages(catalogue)

    def _remove_articles(self, catalogue: Catalogue) -> int:
        try:
            kept = build_expiry_rules(self.config, catalogue, self.database)
        except CatalogueError as error:
            log.warning("event=no-article-removed why=%s", error)
            return 0
        if kept != self._last_rules:
            self._last_rules = kept
            return 0
        gone = sum(takewhile(lambda _: not self.is_stopping(), delete_expired(self.database, kept, self.now())))
        if gone:
            log.info("event=expired articles=%d", gone)
        return gone

    def _remove_pages(self, catalogue: Catalogue) -> int:
        files = freed = carried = 0
        limits = build_size_limits(self.config, catalogue)
        for one, moved in takewhile(
            lambda _: not self.is_stopping(), prune_files(limits, self.config, self.database, self.now)
        ):
            files, freed, carried = files + 1, freed + one.size, carried + moved
        if files:
            log.info("event=pruned files=%d bytes=%d carried=%d", files, freed, carried)
        return files


def prune_files(
    limits: SizeLimits, config: Config, database: Database, now: Callable[[], datetime]
) -> Iterator[tuple[FileToDelete, int]]:
    """Take off the tape what has to go; gives each file, and how many of its pages were carried over."""
    if not limits.is_unlimited:
        with closing(WarcStore(config.warc_folder, software=f"evnews/{__version__}", clock=now)) as tape:
            yield from delete_files(database, config.warc_folder, tape, limits, now())
