"""Which of several services on one archive polls: one at a time, and it stops being that when it dies."""

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
"""Names the leader among other advisory locks."""


class Leadership(Protocol):
    """A claim to be the one who polls."""

    def try_acquire(self) -> bool:
        """Lead, where nobody else does; may be asked again and again."""
        ...

    def is_held(self) -> bool:
        """Whether this process still leads."""
        ...

    def release(self) -> None:
        """Let another lead."""
        ...


def create_leadership(database: Database) -> Leadership:
    """The claim to lead on an archive: a lock beside SQLite's file, an advisory lock in PostgreSQL."""
    file = database.file
    return _DatabaseLeadership(database) if file is None else _FileLeadership(file.with_name(file.name + ".leader"))


class _FileLeadership:
    """A lock on a file, which the system takes back when the process dies."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, -1

    def try_acquire(self) -> bool:
        """Lead, where nobody else does."""
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
        """Whether this process still leads: nobody takes a file's lock away."""
        return self._file >= 0

    def release(self) -> None:
        """Let another lead."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class _DatabaseLeadership:
    """A lock of a connection's session, which the server takes back when the connection ends."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session: Connection | None = None

    def try_acquire(self) -> bool:
        """Lead, where nobody else does."""
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
        """Whether the session that holds the lock is alive."""
        if self._session is None:
            return False
        try:
            self._session.execute(_PING)
        except SQLAlchemyError:
            self.release()
            return False
        return True

    def release(self) -> None:
        """Let another lead: closed for good, since a pool would keep the session and with it the lock."""
        if self._session is not None:
            session, self._session = self._session, None
            session.invalidate()
            session.close()


_TRY_LOCK = select(func.pg_try_advisory_lock(bindparam("key")))
_PING = select(1)
