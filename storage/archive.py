"""Open an archive: create or migrate the schema, register the search index hooks."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, text

from storage.db.database import Database, acquire_write_lock, create_engine_for, sqlite_path
from storage.db.key_value import get_value
from storage.errors import ArchiveUnavailable, NewerSchema, OlderSchema
from storage.search.analyzer import ANALYZER_VERSION_KEY
from storage.search.index import search_index
from storage.search.index.field_terms import index_text
from storage.search.index.pending import watch_pending_writes
from storage.search.index.vocabulary import watch_known_words

SCHEMA_VERSIONS = ("schema_0001",)
"""The schema versions, oldest first; this code reads and writes the last one."""


def open_database(url: str, *, migrate: bool = True) -> Database:
    """Open the archive at `sqlite:////path/archive.db` or `postgresql://user@host/name` and migrate its schema.

    Raises NewerSchema or OlderSchema if another version of evnews wrote it, ArchiveUnavailable if it cannot be opened
    or, with `migrate` off, if its schema is not the current one.
    """
    engine = create_engine_for(url)
    watch_known_words(engine)
    watch_pending_writes(engine)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _add_search_functions)
    database = Database(engine, before_commit=search_index(engine.dialect.name).flush)
    try:
        version = _stored_version(database)
        if version != SCHEMA_VERSIONS[-1]:
            _refuse_unknown(version)
            if not migrate:
                raise ArchiveUnavailable(
                    f"the archive's schema is {version or 'empty'}, this version reads {SCHEMA_VERSIONS[-1]}"
                )
            _migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def read_schema_version(url: str) -> str:
    """Return the schema version of an archive, or an empty string if there is none; changes nothing."""
    if (file := sqlite_path(url)) is not None and not file.exists():
        return ""
    engine = create_engine_for(url)
    try:
        return _stored_version(Database(engine))
    finally:
        engine.dispose()


def _add_search_functions(connection: sqlite3.Connection, _record: Any) -> None:
    connection.create_function("evnews_index_text", 1, index_text, deterministic=True)


def _stored_version(database: Database) -> str:
    """Return the schema version, or an empty string for an empty database."""
    with database.read() as connection:
        return _read_version(connection)


def _read_version(connection: Connection) -> str:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def is_older_version(version: str) -> bool:
    """Return whether a schema version precedes the first one that can be migrated."""
    return re.fullmatch(r"00\d\d", version) is not None


def _refuse_unknown(version: str) -> None:
    if is_older_version(version):
        raise OlderSchema("the archive")
    if version and version not in SCHEMA_VERSIONS:
        raise NewerSchema(
            f"the archive's schema is {version}, newer than {SCHEMA_VERSIONS[-1]}, the latest known here; update evnews"
        )


def _migrate(database: Database) -> None:
    """Run all missing migrations in one transaction, so that a kill leaves the old schema or the new one."""
    from alembic import command
    from alembic.config import Config

    from storage.search.article_index import rebuild_in_place

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with database.write() as tx:
        acquire_write_lock(tx)
        version = _read_version(tx)
        _refuse_unknown(version)
        if version != SCHEMA_VERSIONS[-1]:
            config.attributes["connection"] = tx
            command.upgrade(config, "head")
        if get_value(tx, ANALYZER_VERSION_KEY) is None:
            rebuild_in_place(tx)
