"""What keeps an archive in good order while the service runs: a backup a day, where a folder is set for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.config import Config
from storage.backup import PREFIX, backup, backups, dated, thin_out
from storage.database import Database
from storage.state import CLOCK_SLACK

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
