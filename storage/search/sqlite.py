"""The search index in SQLite: an FTS5 table that reads its text through a view."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, bindparam, column, func, literal_column, table, text
from sqlalchemy.exc import DatabaseError

from storage.search.prepare import prepare
from storage.search.query import Matching, Term

_INDEX = table("article_index", column("rowid"))
_ADD = text("INSERT INTO article_index (rowid, title, text) VALUES (:row, :title, :text)")
_REMOVE = text("INSERT INTO article_index (article_index, rowid, title, text) VALUES ('delete', :row, :title, :text)")
_CLEAR = text("INSERT INTO article_index (article_index) VALUES ('delete-all')")
_CHECK = text("INSERT INTO article_index (article_index, rank) VALUES ('integrity-check', 1)")


class SqliteIndex:
    """FTS5; see the protocol `Index`."""

    def add(self, tx: Connection, row: int, title: str, text: str) -> None:
        """Put a text into the index."""
        tx.execute(_ADD, {"row": row, "title": prepare(title), "text": prepare(text)})

    def remove(self, tx: Connection, row: int, title: str, text: str) -> None:
        """Take a text out of it: FTS5 keeps no copy and must be told what it held."""
        tx.execute(_REMOVE, {"row": row, "title": prepare(title), "text": prepare(text)})

    def clear(self, tx: Connection) -> None:
        """Empty the index."""
        tx.execute(_CLEAR)

    def matching(self, terms: tuple[Term, ...]) -> Matching:
        """Every token is quoted, so that nothing of FTS5's own grammar can be typed."""
        match = " AND ".join(f'"{" ".join(term.tokens)}"' + ("*" if term.prefix else "") for term in terms)
        index: ColumnElement[str] = literal_column("article_index")
        return Matching(
            table=_INDEX,
            row=_INDEX.c.rowid,
            holds=index.op("MATCH", is_comparison=True)(bindparam("match", match)),
            best=func.bm25(index, 8.0, 1.0),
        )

    def problems(self, tx: Connection) -> list[str]:
        """FTS5's own comparison of the index with the view."""
        try:
            tx.execute(_CHECK)
        except DatabaseError as error:
            return [f"the search index does not agree with the articles ({error.orig}); run `evnews db reindex`"]
        return []
