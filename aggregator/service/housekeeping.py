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
from storage.maintenance.backup import PREFIX, backup, backups, dated, thin_out
from storage.maintenance.expiry import Keeping, let_go, remembered
from storage.maintenance.retention import Leaving, Room, prune
from storage.model.crawl import CLOCK_SLACK
from storage.quantities import BOUNDLESS
from storage.search.optimize import join_pieces, last_joined, note_joined
from storage.warc.store import WarcTape

log = logging.getLogger(__name__)

EVERY = timedelta(days=1)
JOINED_EVERY = timedelta(days=7)
LOOK_SECONDS = 600.0
_REST_SECONDS = 0.05
"""Between two steps, so that who waits to write does not wait long."""
IsOver = Callable[[], bool]
"""Whether the service is to end: what takes long then stops where nothing is lost."""


class _Over(Exception):
    """The service is to end."""


def _never() -> bool:
    return False


async def back_up_when_due(
    config: Config, database: Database, now: Callable[[], datetime], is_over: IsOver = _never
) -> Path | None:
    """Make the day's backup, where there is none yet, and remove the oldest; returns the new one."""
    return await asyncio.to_thread(_back_up_when_due, config, database, now(), is_over) if config.backups else None


def _back_up_when_due(config: Config, database: Database, now: datetime, is_over: IsOver) -> Path | None:
    folder = Path(config.backups).expanduser()
    if not _is_due(folder, now):
        return None

    def go_on(_: int, __: int) -> None:
        if is_over():
            raise _Over

    try:
        made = backup(database, dated(folder, now), go_on)
    except _Over:
        return None
    gone = thin_out(folder, config.keep_backups, spare=made.file)
    log.info("event=backed-up file=%s bytes=%d removed=%d", made.file, made.size, len(gone))
    return made.file


def _is_due(folder: Path, now: datetime) -> bool:
    """Whether no backup is of the last day."""
    return not any(_is_within(EVERY, _made_at(one), now) for one in backups(folder))


def _is_within(span: timedelta, at: datetime, now: datetime) -> bool:
    """Whether a time lies in the last span; what lies ahead was before the clock was set back."""
    return now - span < at <= now + CLOCK_SLACK


def _made_at(file: Path) -> datetime:
    return datetime.strptime(file.stem.removeprefix(PREFIX), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def keeping(config: Config, catalogue: Catalogue, database: Database) -> Keeping:
    """How long articles are kept, as evnews.toml and the catalogue say.

    A source that is no longer in the catalogue keeps the age that it had there last: its file may be away, or half
    written. Raises CatalogueError where an entry cannot be used: that may be one which is to be kept longer.
    """
    with database.read() as tx:
        known = remembered(tx)
    for source in catalogue.sources:
        known.pop(source.name, None)
    kept = Keeping(usual=config.keep, of=known | {one.name: one.keep for one in catalogue.sources if one.keep})
    if catalogue.problems and not kept.is_forever:
        raise CatalogueError(f"no article is removed until every source can be read: {catalogue.problems[0]}")
    return kept


def room(config: Config, catalogue: Catalogue) -> Room:
    """How much fetched pages may take, as evnews.toml and the catalogue say."""
    own = {source.name: source.keep_pages for source in catalogue.sources if 0 < source.keep_pages < BOUNDLESS}
    return Room(whole=config.keep_pages or BOUNDLESS, of=own)


async def join_pieces_when_due(database: Database, now: Callable[[], datetime], is_over: IsOver = _never) -> int:
    """Join the pieces of the search index once a week, by steps; returns how many those were."""
    return await asyncio.to_thread(_join_pieces_when_due, database, now(), is_over)


def _join_pieces_when_due(database: Database, now: datetime, is_over: IsOver) -> int:
    with database.read() as tx:
        last = last_joined(tx)
    if last is not None and _is_within(JOINED_EVERY, last, now):
        return 0
    steps = 0
    for _ in join_pieces(database):
        if is_over():
            return steps
        steps += 1
        time.sleep(_REST_SECONDS)
    with database.write() as tx:
        note_joined(tx, now)
    log.info("event=index-joined steps=%d", steps)
    return steps


@dataclass(slots=True)
class Pruning:
    """Removes what is not to be kept any more, round after round; `file` is the catalogue, where that is named.

    An article goes where two rounds in a row found that it is to go: what an editor has half written is no wish.
    """

    config: Config
    database: Database
    file: Path | None
    now: Callable[[], datetime]
    is_over: IsOver = _never
    _last: Keeping | None = None

    async def round(self) -> int:
        """Returns how many articles and files of the tape went."""
        return await asyncio.to_thread(self._round)

    def _round(self) -> int:
        try:
            catalogue = load_catalogue(self.config.home, self.file)
        except CatalogueError as error:
            log.warning("event=nothing-removed why=%s", error)
            return 0
        return self._articles(catalogue) + self._pages(catalogue)

    def _articles(self, catalogue: Catalogue) -> int:
        try:
            kept = keeping(self.config, catalogue, self.database)
        except CatalogueError as error:
            log.warning("event=no-article-removed why=%s", error)
            return 0
        if kept != self._last:
            self._last = kept
            return 0
        gone = sum(takewhile(lambda _: not self.is_over(), let_go(self.database, kept, self.now())))
        if gone:
            log.info("event=expired articles=%d", gone)
        return gone

    def _pages(self, catalogue: Catalogue) -> int:
        files = freed = carried = 0
        limits = room(self.config, catalogue)
        for one, moved in takewhile(lambda _: not self.is_over(), pruned(limits, self.config, self.database, self.now)):
            files, freed, carried = files + 1, freed + one.size, carried + moved
        if files:
            log.info("event=pruned files=%d bytes=%d carried=%d", files, freed, carried)
        return files


def pruned(
    limits: Room, config: Config, database: Database, now: Callable[[], datetime]
) -> Iterator[tuple[Leaving, int]]:
    """Take off the tape what has to go; gives each file, and how many of its pages were carried over."""
    if not limits.is_boundless:
        with closing(WarcTape(config.warc_folder, software=f"evnews/{__version__}", clock=now)) as tape:
            yield from prune(database, config.warc_folder, tape, limits, now())
