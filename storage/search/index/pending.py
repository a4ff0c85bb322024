"""What is to be written to the index before a transaction ends; what is undone is not written."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event

from storage.db.statements import CompiledStatement

PendingWrites = list[tuple[CompiledStatement, dict[str, Any]]]
_PENDING_KEY, _SAVEPOINTS_KEY = "evnews_index_queue", "evnews_index_saved"


def pending_writes(tx: Connection) -> PendingWrites:
    """Statements and their values, in order."""
    queue: PendingWrites = tx.info.setdefault(_PENDING_KEY, [])
    return queue


def watch_pending_writes(engine: Engine) -> None:
    """Let the queue of a transaction shrink to what it was at a savepoint that is rolled back, and to nothing."""

    def save(connection: Connection, _: object) -> None:
        saved: list[int] = connection.info.setdefault(_SAVEPOINTS_KEY, [])
        saved.append(len(pending_writes(connection)))

    def undo(connection: Connection, *_: object) -> None:
        if not connection.invalidated:  # a lost connection has no queue any more
            del pending_writes(connection)[connection.info[_SAVEPOINTS_KEY].pop() :]

    def release(connection: Connection, *_: object) -> None:
        connection.info[_SAVEPOINTS_KEY].pop()

    def drop(connection: Connection) -> None:
        if not connection.invalidated:
            connection.info.pop(_PENDING_KEY, None)
            connection.info.pop(_SAVEPOINTS_KEY, None)

    event.listen(engine, "savepoint", save)
    event.listen(engine, "rollback_savepoint", undo)
    event.listen(engine, "release_savepoint", release)
    event.listen(engine, "rollback", drop)
    event.listen(engine, "commit", drop)
