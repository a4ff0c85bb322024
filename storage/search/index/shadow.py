"""A search index that is being made beside the one that answers: what is written to the one is written to it too.

It knows which places it holds, and with which labels, so that it can be taken up again where it was left.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, bindparam, delete, func, select, text

from storage.db import key_value
from storage.db.statements import CompiledStatement, insert_statement
from storage.db.tables import key_values, shadow_rows
from storage.search.index import search_index
from storage.search.index.base import IndexedArticle

_PROGRESS_KEY = "shadow_rebuild_last_id"
"""In `meta`: the last article that was taken in, as long as there is an index beside."""


def begin_rebuild(tx: Connection) -> int:
    """Begin one, or go on with one that was left: the id of the last article that it was given in order."""
    last = key_value.get_value(tx, _PROGRESS_KEY)
    if last is not None:
        return int(last)
    search_index(tx.dialect.name).create_shadow(tx)
    tx.execute(delete(shadow_rows))
    tx.execute(key_values.insert(), {"name": _PROGRESS_KEY, "value": "0"})
    return 0


def drop_shadow(tx: Connection) -> None:
    """Go on with none: what was begun is of no use any more."""
    tx.execute(delete(shadow_rows))
    key_value.delete_value(tx, _PROGRESS_KEY)


def save_progress(tx: Connection, last: int) -> None:
    """All articles up to an id have been given to it."""
    tx.execute(key_values.update().where(key_values.c.name == _PROGRESS_KEY), {"value": str(last)})


def add(tx: Connection, row: int, entry: IndexedArticle) -> None:
    """Put an article into the index beside, if there is one and it does not hold its place."""
    if key_value.get_value(tx, _PROGRESS_KEY) is None or _SELECT_LABELS.scalar(tx, {"row": row}) is not None:
        return
    search_index(tx.dialect.name).add_to_shadow(tx, row, entry)
    _INSERT_ROW.run(tx, {"search_row": row, "labels": entry.labels})


def remove(tx: Connection, row: int, entry: IndexedArticle) -> None:
    """Take an article out of the index beside, if there is one and it holds it."""
    if key_value.get_value(tx, _PROGRESS_KEY) is None or (labels := _SELECT_LABELS.scalar(tx, {"row": row})) is None:
        return
    search_index(tx.dialect.name).remove_from_shadow(tx, row, replace(entry, labels=labels))
    _DELETE_ROW.run(tx, {"row": row})


def activate(tx: Connection) -> int:
    """Let it take the other one's place, which is dropped; returns how many articles it holds."""
    many = int(tx.execute(select(func.count()).select_from(shadow_rows)).scalar_one())
    search_index(tx.dialect.name).activate_shadow(tx)
    tx.execute(_UPDATE_LABELS)
    drop_shadow(tx)
    return many


_SELECT_LABELS = CompiledStatement(select(shadow_rows.c.labels).where(shadow_rows.c.search_row == bindparam("row")))
_INSERT_ROW = insert_statement(shadow_rows)
_DELETE_ROW = CompiledStatement(delete(shadow_rows).where(shadow_rows.c.search_row == bindparam("row")))
_SELECT_SHADOW_LABELS = "SELECT labels FROM shadow_rows WHERE shadow_rows.search_row = articles.search_row"
_UPDATE_LABELS = text(
    f"UPDATE articles SET labels = ({_SELECT_SHADOW_LABELS}) WHERE labels <> ({_SELECT_SHADOW_LABELS})"  # noqa: S608 — names of ours
)
