"""Shadow index: rebuild the search index in a second table while searches use the first.

Articles that are written meanwhile go to both. The table `shadow_rows` lists the row ids and labels in the shadow
index, so that an interrupted rebuild can continue.
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
"""Key of the id of the last added article; it exists only during a rebuild."""


def begin_rebuild(tx: Connection) -> int:
    """Start or continue a rebuild; return the id of the last article that was added in order."""
    last = key_value.get_value(tx, _PROGRESS_KEY)
    if last is not None:
        return int(last)
    search_index(tx.dialect.name).create_shadow(tx)
    tx.execute(delete(shadow_rows))
    tx.execute(key_values.insert(), {"name": _PROGRESS_KEY, "value": "0"})
    return 0


def drop_shadow(tx: Connection) -> None:
    """Abandon the rebuild, if there is one."""
    tx.execute(delete(shadow_rows))
    key_value.delete_value(tx, _PROGRESS_KEY)


def save_progress(tx: Connection, last: int) -> None:
    """Record that all articles up to an id are in the shadow index."""
    tx.execute(key_values.update().where(key_values.c.name == _PROGRESS_KEY), {"value": str(last)})


def add(tx: Connection, row: int, entry: IndexedArticle) -> None:
    """Add an article to the shadow index, if there is one and the article is not in it."""
    if key_value.get_value(tx, _PROGRESS_KEY) is None or _SELECT_LABELS.scalar(tx, {"row": row}) is not None:
        return
    search_index(tx.dialect.name).add_to_shadow(tx, row, entry)
    _INSERT_ROW.run(tx, {"search_row": row, "labels": entry.labels})


def remove(tx: Connection, row: int, entry: IndexedArticle) -> None:
    """Remove an article from the shadow index, if there is one and the article is in it."""
    if key_value.get_value(tx, _PROGRESS_KEY) is None or (labels := _SELECT_LABELS.scalar(tx, {"row": row})) is None:
        return
    search_index(tx.dialect.name).remove_from_shadow(tx, row, replace(entry, labels=labels))
    _DELETE_ROW.run(tx, {"row": row})


def activate(tx: Connection) -> int:
    """Replace the search index by the shadow index; return the number of its articles."""
    article_count = int(tx.execute(select(func.count()).select_from(shadow_rows)).scalar_one())
    search_index(tx.dialect.name).activate_shadow(tx)
    tx.execute(_UPDATE_LABELS)
    drop_shadow(tx)
    return article_count


_SELECT_LABELS = CompiledStatement(select(shadow_rows.c.labels).where(shadow_rows.c.search_row == bindparam("row")))
_INSERT_ROW = insert_statement(shadow_rows)
_DELETE_ROW = CompiledStatement(delete(shadow_rows).where(shadow_rows.c.search_row == bindparam("row")))
_SELECT_SHADOW_LABELS = "SELECT labels FROM shadow_rows WHERE shadow_rows.search_row = articles.search_row"
_UPDATE_LABELS = text(
    f"UPDATE articles SET labels = ({_SELECT_SHADOW_LABELS}) WHERE labels <> ({_SELECT_SHADOW_LABELS})"  # noqa: S608 — constant table names
)
