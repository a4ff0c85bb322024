"""Elect the one service of an archive that polls; a dead leader loses its claim."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql import func

from storage.db.database import Database
from storage.errors import ArchiveError

_LEADER_LOCK_KEY = 0x65766E65777302
"""Key of the leader's advisory lock."""


class Leadership(Protocol):
    """The claim of a process to be the leader."""

    def try_acquire(self) -> bool:
        """Become the leader if nobody else is; return whether this process leads."""
        ...

    def is_held(self) -> bool:
        """Return whether this process still leads."""
        ...

    def release(self) -> None:
        """Give up the claim."""
        ...


def create_leadership(database: Database) -> Leadership:
    """Return the claim for an archive: a lock file next to the SQLite file, or a PostgreSQL advisory lock."""
    file = database.file
    return _DatabaseLeadership(database) if file is None else _FileLeadership(file.with_name(file.name + ".leader"))


class _FileLeadership:
    """A lock on a file; the operating system releases it when the process dies."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, -1

    def try_acquire(self) -> bool:
        if self._file >= 0:
            return True
        file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def is_held(self) -> bool:
        return self._file >= 0

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class _DatabaseLeadership:
    """A session-level advisory lock; the server releases it when the connection ends."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session: Connection | None = None

    def try_acquire(self) -> bool:
        if self._session is not None:
            return self.is_held()
        try:
            session = self._database.open_session()
        except ArchiveError:
            return False
        try:
            if session.execute(_TRY_LOCK, {"key": _LEADER_LOCK_KEY}).scalar_one():
                self._session = session
                return True
        except SQLAlchemyError:
            pass
        session.close()
        return False

    def is_held(self) -> bool:
        """Return whether the session that holds the lock is alive."""
        if self._session is None:
            return False
        try:
            self._session.execute(_PING)
        except SQLAlchemyError:
            self.release()
            return False
        return True

    def release(self) -> None:
        """Invalidate the connection: the pool would keep the session and with it the lock."""
        if self._session is not None:
            session, self._session = self._session, None
            session.invalidate()
            session.close()


_TRY_LOCK = select(func.pg_try_advisory_lock(bindparam("key")))
_PING = select(1)
