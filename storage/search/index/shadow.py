"""A search index that is being made beside the one that answers: what is written to the one is written to it too.

It knows which places it holds, and with which labels, so that it can be taken up again where it was left.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, bindparam, delete, func, select, text

from storage.db import key_value as notes
from storage.db.statements import Ready, insertion
from storage.db.tables import beside_rows, meta
from storage.search.index import index_of
from storage.search.index.base import Entry

_MARK = "reindex"
"""In `meta`: the last article that was taken in, as long as there is an index beside."""


def begin(tx: Connection) -> int:
    """Begin one, or go on with one that was left: the id of the last article that it was given in order."""
    last = notes.noted(tx, _MARK)
    if last is not None:
        return int(last)
    index_of(tx.dialect.name).begin_beside(tx)
    tx.execute(delete(beside_rows))
    tx.execute(meta.insert(), {"name": _MARK, "value": "0"})
    return 0


def abandon(tx: Connection) -> None:
    """Go on with none: what was begun is of no use any more."""
    tx.execute(delete(beside_rows))
    notes.forget(tx, _MARK)


def note(tx: Connection, last: int) -> None:
    """All articles up to an id have been given to it."""
    tx.execute(meta.update().where(meta.c.name == _MARK), {"value": str(last)})


def put(tx: Connection, row: int, entry: Entry) -> None:
    """Put an article into the index beside, if there is one and it does not hold its place."""
    if notes.noted(tx, _MARK) is None or _HELD.scalar(tx, {"row": row}) is not None:
        return
    index_of(tx.dialect.name).add_beside(tx, row, entry)
    _HOLD.run(tx, {"search_row": row, "labels": entry.labels})


def take(tx: Connection, row: int, entry: Entry) -> None:
    """Take an article out of the index beside, if there is one and it holds it."""
    if notes.noted(tx, _MARK) is None or (labels := _HELD.scalar(tx, {"row": row})) is None:
        return
    index_of(tx.dialect.name).remove_beside(tx, row, replace(entry, labels=labels))
    _LET_GO.run(tx, {"row": row})


def swap(tx: Connection) -> int:
    """Let it take the other one's place, which is dropped; returns how many articles it holds."""
    many = int(tx.execute(select(func.count()).select_from(beside_rows)).scalar_one())
    index_of(tx.dialect.name).swap(tx)
    tx.execute(_RELABEL)
    abandon(tx)
    return many


_HELD = Ready(select(beside_rows.c.labels).where(beside_rows.c.search_row == bindparam("row")))
_HOLD = insertion(beside_rows)
_LET_GO = Ready(delete(beside_rows).where(beside_rows.c.search_row == bindparam("row")))
_NEW_LABELS = "SELECT labels FROM beside_rows WHERE beside_rows.search_row = articles.search_row"
_RELABEL = text(
    f"UPDATE articles SET labels = ({_NEW_LABELS}) WHERE labels <> ({_NEW_LABELS})"  # noqa: S608 — names of ours
)
