"""Open an archive: create or migrate the schema, register the search index hooks."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, text

from storage.db.database import Database, connect, sqlite_file, write_lock
from storage.errors import ArchiveUnavailable, NewerSchema
from storage.search.index import index_of
from storage.search.index.field_terms import indexed
from storage.search.index.pending import watch_queue
from storage.search.index.vocabulary import watch

STEPS = tuple(f"{number:04}" for number in range(1, 22))
"""The schema's steps, oldest first; the last is what this code reads and writes."""


def open_database(url: str, *, migrate: bool = True) -> Database:
    """Open the archive at `sqlite:////path/archive.db` or `postgresql://user@host/name`, its schema brought up to date.

    Raises NewerSchema if newer software has written it, ArchiveUnavailable if it cannot be opened, or,
    with `migrate` off, if its schema is not the one that this code knows.
    """
    engine = connect(url)
    watch(engine)
    watch_queue(engine)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _add_search_functions)
    database = Database(engine, before_commit=index_of(engine.dialect.name).settle)
    try:
        version = _version(database)
        if version != STEPS[-1]:
            _refuse_newer(version)
            if not migrate:
                raise ArchiveUnavailable(
                    f"the archive's schema is {version or 'empty'}, this version reads {STEPS[-1]}"
                )
            _migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def schema_of(url: str) -> str:
    """The step that an archive's schema is at, empty where there is none yet; nothing is changed."""
    if (file := sqlite_file(url)) is not None and not file.exists():
        return ""
    engine = connect(url)
    try:
        return _version(Database(engine))
    finally:
        engine.dispose()


def _add_search_functions(connection: sqlite3.Connection, _record: Any) -> None:
    connection.create_function("evnews_indexed", 1, indexed, deterministic=True)
    connection.create_function("evnews_prepare", 1, indexed, deterministic=True)  # of a view that an old schema has


def _version(database: Database) -> str:
    """The schema's step, or an empty string for an empty database."""
    with database.read() as connection:
        return _version_in(connection)


def _version_in(connection: Connection) -> str:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def _refuse_newer(version: str) -> None:
    if version and version not in STEPS:
        raise NewerSchema(
            f"the archive's schema is {version}, newer than {STEPS[-1]}, the latest known here; update evnews"
        )


def _migrate(database: Database) -> None:
    """Every missing step in one transaction: a kill leaves the old schema or the new one."""
    from alembic import command
    from alembic.config import Config

    from storage.search.article_index import reindex

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with database.write() as tx:
        write_lock(tx)
        version = _version_in(tx)
        _refuse_newer(version)
        if version != STEPS[-1]:
            config.attributes["connection"] = tx
            command.upgrade(config, "head")
        if tx.execute(text("SELECT value FROM meta WHERE name = 'prepare'")).scalar() is None:
            reindex(tx)
