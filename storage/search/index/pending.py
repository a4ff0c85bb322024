"""What is to be written to the index before a transaction ends; what is undone is not written."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event

from storage.db.statements import Ready

Queue = list[tuple[Ready, dict[str, Any]]]
_QUEUE, _SAVED = "evnews_index_queue", "evnews_index_saved"


def queue_of(tx: Connection) -> Queue:
    """Statements and their values, in order."""
    queue: Queue = tx.info.setdefault(_QUEUE, [])
    return queue


def watch_queue(engine: Engine) -> None:
    """Let the queue of a transaction shrink to what it was at a savepoint that is rolled back, and to nothing."""

    def save(connection: Connection, _: object) -> None:
        saved: list[int] = connection.info.setdefault(_SAVED, [])
        saved.append(len(queue_of(connection)))

    def undo(connection: Connection, *_: object) -> None:
        if not connection.invalidated:  # a lost connection has no queue any more
            del queue_of(connection)[connection.info[_SAVED].pop() :]

    def release(connection: Connection, *_: object) -> None:
        connection.info[_SAVED].pop()

    def drop(connection: Connection) -> None:
        if not connection.invalidated:
            connection.info.pop(_QUEUE, None)
            connection.info.pop(_SAVED, None)

    event.listen(engine, "savepoint", save)
    event.listen(engine, "rollback_savepoint", undo)
    event.listen(engine, "release_savepoint", release)
    event.listen(engine, "rollback", drop)
    event.listen(engine, "commit", drop)
