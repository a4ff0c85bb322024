"""Write to the database from one thread: units of work, each stored whole or not at all, many per commit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from storage.db.database import Database, translate_driver_error
from storage.errors import ArchiveError, ArchiveUnavailable
from storage.model.crawl import Capture
from storage.model.page import Page

T = TypeVar("T")
Transaction = Connection
"""The transaction of a unit of work, for packages that must not import SQLAlchemy."""
Work = Callable[[Connection, tuple[Capture, ...]], T]

_log = logging.getLogger(__name__)
_BATCH_SECONDS = 0.5
"""Maximum time that a unit waits for the others of its batch."""
_MAX_BATCH_UNITS = 500


class PageStore(Protocol):
    """Stores pages; a page is safe once `sync` has returned after its `record`."""

    def record(self, page: Page) -> Capture:
        """Write a page and return its location."""

    def sync(self) -> None:
        """Return when every recorded page is on disk."""

    def close(self) -> None:
        """Sync and close the store."""


@dataclass(slots=True)
class _WriteUnit:
    work: Work[Any]
    pages: tuple[Page, ...]
    future: Future[Any]
    captures: tuple[Capture, ...] = ()
    result: Any = None
    error: BaseException | None = None


class DatabaseWriter:
    """Runs units of work in its own thread; units queued during one commit go into the next.

    A unit's pages are synced to disk before its work runs. A unit that raises is rolled back alone, and its future gets
    the exception; a failed commit fails every unit of its batch. A future cancelled before its batch begins never runs.
    After a lost PostgreSQL connection the batch runs once more, so work must tolerate a second run.
    """

    def __init__(self, database: Database, page_store: PageStore | None = None) -> None:
        self._database = database
        self._page_store = page_store
        self._queue: SimpleQueue[_WriteUnit | None] = SimpleQueue()
        self._lock = Lock()
        self._closed = False
        self._thread = Thread(target=self._run, name="evnews-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T], pages: Sequence[Page] = ()) -> Future[T]:
        """Queue a unit: `work(connection, captures of its pages)`. Raises RuntimeError after `close`."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the writer is closed")
            self._queue.put(_WriteUnit(work, tuple(pages), future))
        return future

    def close(self) -> None:
        """Write all queued units, then close the page store. May be called twice."""
        with self._lock:
            first, self._closed = not self._closed, True
            if first:
                self._queue.put(None)
        self._thread.join()
        if first and self._page_store is not None:
            self._page_store.close()

    def _run(self) -> None:
        while (unit := self._queue.get()) is not None:
            batch, last = self._gather(unit)
            running = [unit for unit in batch if unit.future.set_running_or_notify_cancel()]
            try:
                self._write(running)
            except BaseException as error:  # a bug must fail its batch, not leave every later caller waiting
                _log.exception("event=writer-failed units=%d", len(running))
                _fail_units(running, error)
            if last:
                return

    def _gather(self, first: _WriteUnit) -> tuple[list[_WriteUnit], bool]:
        """Return the units queued by now, and whether the writer must stop after them."""
        batch = [first]
        try:
            while len(batch) < _MAX_BATCH_UNITS:
                unit = self._queue.get_nowait()
                if unit is None:
                    return batch, True
                batch.append(unit)
        except Empty:
            pass
        return batch, False

    def _write(self, batch: list[_WriteUnit]) -> None:
        """Commit in parts of about half a second, so that nobody waits long for the lock or a result."""
        remaining = self._record(batch)
        while remaining:
            done = self._commit_with_retry(remaining)
            _resolve_futures(remaining[:done])
            remaining = remaining[done:]

    def _record(self, batch: list[_WriteUnit]) -> list[_WriteUnit]:
        """Record and sync pages before any row refers to them; return the units whose pages are safe."""
        store, good = self._page_store, []
        for unit in batch:
            try:
                unit.captures = tuple(store.record(page) for page in unit.pages) if store else ()
                good.append(unit)
            except Exception as error:
                _fail_units([unit], error)
        try:
            if store and any(unit.captures for unit in good):
                store.sync()
        except Exception as error:
            _fail_units([unit for unit in good if unit.captures], error)
            return [unit for unit in good if not unit.captures]
        return good

    def _commit_with_retry(self, units: list[_WriteUnit]) -> int:
        """Commit as many units as half a second allows, in order; return how many were completed."""
        for is_last in (self._database.dialect != "postgresql", True):
            try:
                return self._commit(units)
            except Exception as error:
                if is_last or not isinstance(error, ArchiveUnavailable):
                    for unit in units:
                        unit.error = error
                    return len(units)
                _log.warning("event=connection-lost units=%d retry=once error=%s", len(units), error)
        raise AssertionError("the last attempt returns")

    def _commit(self, units: list[_WriteUnit]) -> int:
        done = 0
        started = monotonic()
        with self._database.write() as tx:
            for unit in units:
                _run_unit(tx, unit)
                done += 1
                if monotonic() - started > _BATCH_SECONDS:
                    break
        return done


def _run_unit(tx: Connection, unit: _WriteUnit) -> None:
    """Run a unit in a savepoint; raises only if the whole transaction is lost."""
    unit.error = None
    try:
        with tx.begin_nested():
            unit.result = unit.work(tx, unit.captures)
    except Exception as error:
        unit.error = _find_user_error(error) or error
        if _is_transaction_lost(tx, error):
            raise unit.error from error


def _find_user_error(error: BaseException | None) -> ArchiveError | None:
    """Return the ArchiveError for an error or one of its contexts, or None.

    A failed rollback to the savepoint may hide the original error.
    """
    while error is not None:
        if isinstance(error, DBAPIError) and (user_error := translate_driver_error(error)):
            return user_error
        error = error.__context__
    return None


def _is_transaction_lost(tx: Connection, error: Exception) -> bool:
    """Return whether the connection is lost or SQLite rolled back the whole transaction."""
    if tx.invalidated or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    raw = tx.connection.dbapi_connection
    return tx.dialect.name == "sqlite" and not getattr(raw, "in_transaction", True)


def _fail_units(units: Sequence[_WriteUnit], error: BaseException) -> None:
    for unit in units:
        unit.error = error
    _resolve_futures(units)


def _resolve_futures(units: Sequence[_WriteUnit]) -> None:
    for unit in units:
        if unit.future.done():
            continue
        if unit.error is not None:
            unit.future.set_exception(unit.error)
        else:
            unit.future.set_result(unit.result)
