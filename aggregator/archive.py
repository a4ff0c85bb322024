"""Open the archive named by the configuration."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aggregator.config import Config
from storage.errors import ArchiveUnavailable

if TYPE_CHECKING:
    from storage.db.database import Database


@contextlib.contextmanager
def open_archive(config: Config) -> Iterator[Database]:
    """Yield the database, created or migrated if needed, and close it at the end; raise ArchiveError."""
    from storage.archive import open_database

    make_home(config)
    database = open_database(config.database_url)
    try:
        yield database
    finally:
        database.close()


def make_home(config: Config) -> None:
    """Create the home folder if it is missing; raise ArchiveUnavailable if that fails."""
    try:
        config.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArchiveUnavailable(
            f"the home folder {config.home} cannot be created ({error.strerror or error}); "
            "choose another with --home or EVNEWS_HOME"
        ) from error
