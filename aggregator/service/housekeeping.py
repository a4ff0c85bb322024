"""What keeps an archive in good order while the service runs: a backup a day, and pages that take what they may."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator import __version__
from aggregator.config import Config
from storage.backup import PREFIX, backup, backups, dated, thin_out
from storage.database import Database
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


async def prune_when_due(config: Config, database: Database, now: Callable[[], datetime]) -> int:
    """Take the oldest pages off the tape where it takes more than it may; returns how many files went."""
    return await asyncio.to_thread(_prune_when_due, config, database, now)


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
