"""What is to be written to the index before a transaction ends; what is undone is not written."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event

from storage.ready import Ready

Queue = list[tuple[Ready, dict[str, Any]]]
_QUEUE, _SAVED = "evnews_index_queue", "evnews_index_saved"


def queue_of(tx: Connection) -> Queue:
    """Statements and their values, in order."""
    queue: Queue = tx.info.setdefault(_QUEUE, [])
    return queue


def watch_queue(engine: Engine) -> None:
    """Let the queue of a transaction shrink to what it was at a savepoint that is rolled back, and to nothing."""

    def save(connection: Connection, name: str) -> None:
        connection.info.setdefault(_SAVED, {})[name] = len(queue_of(connection))

    def undo(connection: Connection, name: str, _: object) -> None:
        del queue_of(connection)[connection.info.get(_SAVED, {}).get(name, 0) :]

    def drop(connection: Connection) -> None:
        connection.info.pop(_QUEUE, None)
        connection.info.pop(_SAVED, None)

    event.listen(engine, "savepoint", save)
    event.listen(engine, "rollback_savepoint", undo)
    event.listen(engine, "rollback", drop)
    event.listen(engine, "commit", drop)
