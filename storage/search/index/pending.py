"""Queue of index writes of a transaction, kept in step with its savepoints."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event

from storage.db.statements import CompiledStatement

PendingWrites = list[tuple[CompiledStatement, dict[str, Any]]]
_PENDING_KEY, _SAVEPOINTS_KEY = "evnews_index_queue", "evnews_index_saved"


def pending_writes(tx: Connection) -> PendingWrites:
    """Return the pending statements of a transaction with their values, in order."""
    queue: PendingWrites = tx.info.setdefault(_PENDING_KEY, [])
    return queue


def watch_pending_writes(engine: Engine) -> None:
    """Truncate the queue when a savepoint is rolled back, and drop it when the transaction ends."""

    def save_length(connection: Connection, _: object) -> None:
        lengths: list[int] = connection.info.setdefault(_SAVEPOINTS_KEY, [])
        lengths.append(len(pending_writes(connection)))

    def truncate(connection: Connection, *_: object) -> None:
        if not connection.invalidated:  # a lost connection has no queue
            del pending_writes(connection)[connection.info[_SAVEPOINTS_KEY].pop() :]

    def release(connection: Connection, *_: object) -> None:
        connection.info[_SAVEPOINTS_KEY].pop()

    def drop(connection: Connection) -> None:
        if not connection.invalidated:
            connection.info.pop(_PENDING_KEY, None)
            connection.info.pop(_SAVEPOINTS_KEY, None)

    event.listen(engine, "savepoint", save_length)
    event.listen(engine, "rollback_savepoint", truncate)
    event.listen(engine, "release_savepoint", release)
    event.listen(engine, "rollback", drop)
    event.listen(engine, "commit", drop)
