"""The one place that opens the archive's database: SQLite in a file, or PostgreSQL."""

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
"""Names this software's advisory locks among others on the same PostgreSQL database."""

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
    "25006": (ArchiveUnavailable, "the database server accepts no writing at present"),
}


class Database:
    """An open archive. `write` and `read` may be called from any thread; each use has its own connection.

    `before_commit` is called with the connection at the end of each transaction that writes.
    """

    def __init__(self, engine: Engine, before_commit: Callable[[Connection], None] | None = None) -> None:
        self._engine = engine
        self._before_commit = before_commit
        self.dialect = engine.dialect.name
        # SQLite counts what others write for each connection: one that never writes sees every change.
        self._version_connection: PoolProxiedConnection | None = None
        self._version_lock = Lock()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes: committed at the end, undone by an exception.

        In SQLite it holds the write lock from the start. Raises ArchiveError for what a user can mend.
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
        """One snapshot to read from; nothing written in it is kept."""
        with _translate_errors(), self._engine.connect() as connection:
            options = {"isolation_level": "REPEATABLE READ"} if self.dialect == "postgresql" else {}
            with connection.execution_options(**options).begin() as transaction:
                yield connection
                transaction.rollback()

    def open_session(self) -> Connection:
        """A connection for what belongs to a session, outside any transaction; the caller closes it."""
        with _translate_errors():
            return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    @property
    def file(self) -> Path | None:
        """The file that SQLite keeps the archive in."""
        return _sqlite_path(self._engine.url)

    def size(self) -> int:
        """Bytes that the database takes on disk."""
        sql = "SELECT pg_database_size(current_database())"
        if self.dialect == "sqlite":
            sql = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        with self.read() as connection:
            return int(connection.execute(text(sql)).scalar_one())

    def data_version(self) -> int:
        """A number that is another after each write, of whomever; the same while nothing is written."""
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
        """Bring all that was written into the database's own file; only SQLite keeps it apart until then."""
        if self.dialect == "sqlite":
            connection = self._engine.raw_connection()  # outside any transaction
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()

    def close(self) -> None:
        """Close every connection; the database cannot be used after."""
        with self._version_lock:
            if self._version_connection is not None:
                self._version_connection.close()
                self._version_connection = None
        self._engine.dispose()


_SELECT_POSTGRES_VERSION = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"


def acquire_write_lock(tx: Connection) -> None:
    """Until the transaction ends, nobody else decides about articles; SQLite's writers have that already."""
    if tx.dialect.name == "postgresql":
        tx.execute(_ACQUIRE_ADVISORY_LOCK, {"lock": _WRITE_LOCK_KEY})


_ACQUIRE_ADVISORY_LOCK = text("SELECT pg_advisory_xact_lock(:lock)")


def translate_driver_error(error: DBAPIError) -> ArchiveError | None:
    """A driver's error as one that the user can mend, or None if it is a bug or one item's own fault."""
    name = str(getattr(error.orig, "sqlite_errorname", ""))
    state = str(getattr(error.orig, "sqlstate", None) or "")
    found = _SQLITE_ERRORS.get("_".join(name.split("_")[:2])) if name else _POSTGRES_ERRORS.get(state)
    if found is None and (error.connection_invalidated or state[:2] in ("08", "57") or _is_unreachable(error)):
        found = (ArchiveUnavailable, "the database server cannot be reached")
    return found[0](f"{found[1]} ({error.orig})") if found else None


def _is_unreachable(error: DBAPIError) -> bool:
    """psycopg tells a refused or lost connection by its class alone, without a state."""
    return type(error.orig).__name__ == "OperationalError" and getattr(error.orig, "sqlstate", "") is None


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if mendable := translate_driver_error(error):
            raise mendable from error
        raise


def sqlite_path(url: str) -> Path | None:
    """The file that a database's URL names, whether it is there or not; None where it names none of SQLite's."""
    return _sqlite_path(_parse_url(url))


def _sqlite_path(url: URL) -> Path | None:
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def _parse_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ArchiveUnavailable(
            f"not a database URL: {url[:200]!r}; give sqlite:////path/archive.db or postgresql://host/name"
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
    # The driver's own transaction control begins too late, and deferred; ours is in _begin_sqlite.
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
    # A deferred reader that turns writer after another's commit fails at once, whatever the busy timeout.
    write = connection.get_execution_options().get("evnews_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN DEFERRED")
