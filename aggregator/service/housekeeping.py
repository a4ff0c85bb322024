"""What keeps an archive in good order while the service runs: a backup a day, articles as old and pages as many as are
to be kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator import __version__
from aggregator.config import Config
from spiders.catalogue import Catalogue, CatalogueError, load_catalogue
from storage.backup import PREFIX, backup, backups, dated, thin_out
from storage.database import Database
from storage.expiry import Keeping, let_go
from storage.retention import Leaving, leaving, take_off
from storage.state import CLOCK_SLACK
from storage.warc import WarcTape

log = logging.getLogger(__name__)

EVERY = timedelta(days=1)
LOOK_SECONDS = 600.0


async def back_up_when_due(config: Config, database: Database, now: Callable[[], datetime]) -> Path | None:
    """Make the day's backup, where there is none yet, and remove the oldest; returns the new one."""
    return await asyncio.to_thread(_back_up_when_due, config, database, now()) if config.backups else None


def _back_up_when_due(config: Config, database: Database, now: datetime) -> Path | None:
    folder = Path(config.backups).expanduser()
    if not _is_due(folder, now):
        return None
    made = backup(database, dated(folder, now))
    gone = thin_out(folder, config.keep_backups, spare=made.file)
    log.info("event=backed-up file=%s bytes=%d removed=%d", made.file, made.size, len(gone))
    return made.file


def _is_due(folder: Path, now: datetime) -> bool:
    """Whether no backup is of the last day; those from the future were named before the clock was set back."""
    return not any(now - EVERY < _made_at(one) <= now + CLOCK_SLACK for one in backups(folder))


def _made_at(file: Path) -> datetime:
    return datetime.strptime(file.stem.removeprefix(PREFIX), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def keeping(config: Config, catalogue: Catalogue) -> Keeping:
    """How long articles are kept, as evnews.toml and the catalogue say.

    Raises CatalogueError where a source of it cannot be used: that may be one which is to be kept longer than others.
    """
    kept = Keeping(usual=config.keep, of={source.name: source.keep for source in catalogue.sources if source.keep})
    if catalogue.problems and not kept.is_forever:
        raise CatalogueError(f"no article is removed until every source can be read: {catalogue.problems[0]}")
    return kept


async def prune_when_due(config: Config, database: Database, file: Path | None, now: Callable[[], datetime]) -> int:
    """Remove what is not to be kept any more; returns how many articles and files of the tape went.

    `file` is the catalogue where it is not that of the home folder.
    """
    gone = await asyncio.to_thread(_let_go, config, file, database, now())
    return gone + await asyncio.to_thread(_prune_when_due, config, database, now)


def _let_go(config: Config, file: Path | None, database: Database, now: datetime) -> int:
    try:
        kept = keeping(config, load_catalogue(config.home, file))
    except CatalogueError as error:
        log.warning("event=not-expired why=%s", error)
        return 0
    gone = sum(let_go(database, kept, now))
    if gone:
        log.info("event=expired articles=%d", gone)
    return gone


def _prune_when_due(config: Config, database: Database, now: Callable[[], datetime]) -> int:
    if config.most_tape_bytes is None:
        return 0
    going = leaving(database, config.warc_folder, config.most_tape_bytes)
    moved = sum(pruned(config, database, going, now))
    if going:
        log.info("event=pruned files=%d bytes=%d carried=%d", len(going), sum(one.size for one in going), moved)
    return len(going)


def pruned(config: Config, database: Database, going: Sequence[Leaving], now: Callable[[], datetime]) -> Iterator[int]:
    """Take files off the tape, one after the other; gives how many pages of each were carried over."""
    with closing(WarcTape(config.warc_folder, software=f"evnews/{__version__}", clock=now)) as tape:
        for one in going:
            yield take_off(database, config.warc_folder, tape, one)
