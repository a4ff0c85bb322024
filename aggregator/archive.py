"""The archive that the configuration names, opened for as long as a command needs it."""

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
    """The archive's database, made or migrated where needed, closed at the end. Raises ArchiveError."""
    from storage.archive import open_database

    make_home(config)
    database = open_database(config.database_url)
    try:
        yield database
    finally:
        database.close()


def make_home(config: Config) -> None:
    """Make the home folder where there is none; raises ArchiveUnavailable where that cannot be."""
    try:
        config.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArchiveUnavailable(
            f"the home folder {config.home} cannot be made ({error.strerror or error}); "
            "choose another with --home or EVNEWS_HOME"
        ) from error
