"""Open a database (SQLite or PostgreSQL), run transactions and translate driver errors to ArchiveError."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from storage.errors import ArchiveBusy, ArchiveDamaged, ArchiveError, ArchiveFull, ArchiveUnavailable

_BUSY_SECONDS = 30
_WRITE_LOCK_KEY = 0x65766E65777301
"""Key of the advisory lock that PostgreSQL writers take."""

_SQLITE_ERRORS = {
    "SQLITE_BUSY": (ArchiveBusy, "another process is writing to the archive; try again when it has finished"),
    "SQLITE_LOCKED": (ArchiveBusy, "another process is writing to the archive; try again when it has finished"),
    "SQLITE_FULL": (ArchiveFull, "the disk is full; make room and start again"),
    "SQLITE_IOERR": (ArchiveUnavailable, "the disk cannot be read or written"),
    "SQLITE_CANTOPEN": (ArchiveUnavailable, "the archive's file cannot be opened; does its folder exist?"),
    "SQLITE_READONLY": (ArchiveUnavailable, "the archive's file cannot be written; check its permissions"),
    "SQLITE_NOTADB": (ArchiveDamaged, "the file is not an archive"),
    "SQLITE_CORRUPT": (ArchiveDamaged, "the archive's file is damaged; restore it from a backup"),
}
_POSTGRES_ERRORS = {
    "53100": (ArchiveFull, "the database server's disk is full; make room and start again"),
    "55P03": (ArchiveBusy, "another process is writing to the archive; try again when it has finished"),
    "57014": (ArchiveBusy, "the database server took too long to answer"),
    "25006": (ArchiveUnavailable, "the database server accepts no writes at present"),
}


class Database:
    """An open archive. `write` and `read` may be called from any thread; each call has its own connection.

    `before_commit` is called with the connection at the end of each write transaction.
    """

    def __init__(self, engine: Engine, before_commit: Callable[[Connection], None] | None = None) -> None:
        self._engine = engine
        self._before_commit = before_commit
        self.dialect = engine.dialect.name
        # data_version counts the writes of other connections, so the connection that reads it must never write.
        self._version_connection: PoolProxiedConnection | None = None
        self._version_lock = Lock()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run a write transaction: committed at the end, rolled back by an exception.

        SQLite takes the write lock at the start. Raises ArchiveError for failures that a user can fix.
        """
        with (
            _translate_errors(),
            self._engine.connect() as connection,
            connection.execution_options(evnews_write=True).begin(),
        ):
            yield connection
            if self._before_commit is not None:
                self._before_commit(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Run a read transaction on one snapshot; its writes are rolled back."""
        with _translate_errors(), self._engine.connect() as connection:
            options = {"isolation_level": "REPEATABLE READ"} if self.dialect == "postgresql" else {}
            with connection.execution_options(**options).begin() as transaction:
                yield connection
                transaction.rollback()

    def open_session(self) -> Connection:
        """Return an autocommit connection for session-level state, such as advisory locks; the caller closes it."""
        with _translate_errors():
            return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    @property
    def file(self) -> Path | None:
        """Path of the SQLite file, or None for PostgreSQL."""
        return _sqlite_path(self._engine.url)

    def size(self) -> int:
        """Return the size of the database on disk in bytes."""
        sql = "SELECT pg_database_size(current_database())"
        if self.dialect == "sqlite":
            sql = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        with self.read() as connection:
            return int(connection.execute(text(sql)).scalar_one())

    def data_version(self) -> int:
        """Return a number that changes with every committed write of any process."""
        if self.dialect == "postgresql":
            with self.read() as connection:
                return int(connection.exec_driver_sql(_SELECT_POSTGRES_VERSION).scalar_one())
        with self._version_lock:
            if self._version_connection is None:
                self._version_connection = self._engine.raw_connection()
                self._version_connection.detach()
            cursor = self._version_connection.cursor()
            try:
                return int(cursor.execute("PRAGMA data_version").fetchone()[0])
            finally:
                cursor.close()

    def checkpoint(self) -> None:
        """Move SQLite's write-ahead log into the database file; does nothing for PostgreSQL."""
        if self.dialect == "sqlite":
            connection = self._engine.raw_connection()  # outside any transaction
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()

    def close(self) -> None:
        """Close every connection; the database cannot be used afterwards."""
        with self._version_lock:
            if self._version_connection is not None:
                self._version_connection.close()
                self._version_connection = None
        self._engine.dispose()


_SELECT_POSTGRES_VERSION = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"


def acquire_write_lock(tx: Connection) -> None:
    """Lock out other writers until the transaction ends; SQLite write transactions hold that lock already."""
    if tx.dialect.name == "postgresql":
        tx.execute(_ACQUIRE_ADVISORY_LOCK, {"lock": _WRITE_LOCK_KEY})


_ACQUIRE_ADVISORY_LOCK = text("SELECT pg_advisory_xact_lock(:lock)")


def translate_driver_error(error: DBAPIError) -> ArchiveError | None:
    """Return the ArchiveError for a driver error that a user can fix, or None for any other error."""
    sqlite_name = str(getattr(error.orig, "sqlite_errorname", ""))
    sql_state = str(getattr(error.orig, "sqlstate", None) or "")
    translation = (
        _SQLITE_ERRORS.get("_".join(sqlite_name.split("_")[:2])) if sqlite_name else _POSTGRES_ERRORS.get(sql_state)
    )
    if translation is None and (
        error.connection_invalidated or sql_state[:2] in ("08", "57") or _is_unreachable(error)
    ):
        translation = (ArchiveUnavailable, "the database server cannot be reached")
    return translation[0](f"{translation[1]} ({error.orig})") if translation else None


def _is_unreachable(error: DBAPIError) -> bool:
    """psycopg reports a refused or lost connection by its class, without a SQLSTATE."""
    return type(error.orig).__name__ == "OperationalError" and getattr(error.orig, "sqlstate", "") is None


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if user_error := translate_driver_error(error):
            raise user_error from error
        raise


def sqlite_path(url: str) -> Path | None:
    """Return the file that an SQLite URL names, whether it exists or not; None for any other URL."""
    return _sqlite_path(_parse_url(url))


def _sqlite_path(url: URL) -> Path | None:
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def _parse_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ArchiveUnavailable(
            f"not a database URL: {url[:200]!r}; write sqlite:////path/archive.db or postgresql://host/name"
        ) from None
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise ArchiveUnavailable(f"neither SQLite nor PostgreSQL: {parsed.render_as_string()}")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise ArchiveUnavailable("an archive in SQLite needs a file: sqlite:////path/archive.db")
    return parsed


def create_engine_for(url: str) -> Engine:
    """Return an engine for a database URL. Raises ArchiveUnavailable for any but SQLite and PostgreSQL."""
    return _create_engine(_parse_url(url))


def _create_engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        arguments = {"check_same_thread": False, "timeout": _BUSY_SECONDS, "cached_statements": 512}
        engine = create_engine(url, connect_args=arguments)
        event.listen(engine, "connect", _configure_sqlite_connection)
        event.listen(engine, "begin", _begin_sqlite_transaction)
        return engine
    try:
        return create_engine(
            url,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": 10,
                "options": "-c timezone=UTC -c lock_timeout=30s -c statement_timeout=120s"
                " -c idle_in_transaction_session_timeout=600s",
            },
        )
    except ModuleNotFoundError as error:
        raise ArchiveUnavailable("PostgreSQL needs the extra: install evnews[postgres]") from error


def _configure_sqlite_connection(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver would begin transactions late and deferred; _begin_sqlite_transaction begins them instead.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {_BUSY_SECONDS * 1000}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "trusted_schema = ON",
        "cache_size = -32768",
        "wal_autocheckpoint = 32000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite_transaction(connection: Connection) -> None:
    # A deferred transaction that starts to write after another commit fails at once, regardless of busy_timeout.
    write = connection.get_execution_options().get("evnews_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN DEFERRED")
