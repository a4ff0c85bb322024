"""The search index in SQLite: an FTS5 table that reads its text through a view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    bindparam,
    column,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.exc import DatabaseError

from storage.db.statements import Ready
from storage.db.tables import articles, vocabulary
from storage.search.index.base import Entry
from storage.search.index.field_terms import BEGINNING, beginning_label, is_word
from storage.search.index.match import But, Every, Match, Tokens
from storage.search.index.pending import queue_of

_INDEX = table("article_index", column("rowid"))
_ADD = Ready(text("INSERT INTO article_index (rowid, text, title, labels) VALUES (:row, :text, :title, :labels)"))
_REMOVE = Ready(
    text(
        "INSERT INTO article_index (article_index, rowid, text, title, labels)"
        " VALUES ('delete', :row, :text, :title, :labels)"
    )
)
_ADD_BESIDE, _REMOVE_BESIDE = (
    Ready(text("INSERT INTO article_index_beside (rowid, text, title, labels) VALUES (:row, :text, :title, :labels)")),
    Ready(
        text(
            "INSERT INTO article_index_beside (article_index_beside, rowid, text, title, labels)"
            " VALUES ('delete', :row, :text, :title, :labels)"
        )
    ),
)
_BESIDE = (
    text("DROP TABLE IF EXISTS article_index_beside"),
    text(
        "CREATE VIRTUAL TABLE article_index_beside USING fts5("
        "text, title, labels, content = 'indexed_articles', content_rowid = 'rowid', tokenize = 'ascii')"
    ),
    text("INSERT INTO article_index_beside (article_index_beside, rank) VALUES ('automerge', 8)"),
)
_SWAP = (text("DROP TABLE article_index"), text("ALTER TABLE article_index_beside RENAME TO article_index"))
_CLEAR = text("INSERT INTO article_index (article_index) VALUES ('delete-all')")
_CHECK = text("INSERT INTO article_index (article_index, rank) VALUES ('integrity-check', 1)")
_BEGIN_SO = text("SELECT word FROM vocabulary WHERE word >= :first AND word < :last LIMIT :most")
_WORDS = Ready(select(vocabulary.c.word).where(vocabulary.c.word.in_(bindparam("words", expanding=True))))
_MOST_WORDS = 200
"""Words that begin alike which are asked for one by one; where there are more, FTS5 finds them all itself."""
_NOTHING = '"§nothing"'
# A place that is computed keeps SQLite from walking the articles and asking the index for each.
_JOINED = _INDEX.join(articles, articles.c.search_row == literal_column("article_index.rowid + 0"))


class SqliteIndex:
    """FTS5; see the protocol `Index`."""

    is_ordered = True

    def add(self, tx: Connection, row: int, entry: Entry) -> None:
        """Put an article into the index, when it is settled."""
        queue_of(tx).append((_ADD, _values(row, entry)))

    def remove(self, tx: Connection, row: int, entry: Entry) -> None:
        """Take it out of it: FTS5 keeps no copy and must be told what it held."""
        queue_of(tx).append((_REMOVE, _values(row, entry)))

    def settle(self, tx: Connection) -> None:
        """All at once: FTS5 writes a piece of index at every savepoint, and has to join the pieces again."""
        queue = queue_of(tx)
        for statement, values in queue:
            statement.run(tx, values)
        queue.clear()

    def clear(self, tx: Connection) -> None:
        """Empty the index."""
        queue_of(tx).clear()
        tx.execute(_CLEAR)

    def begin_beside(self, tx: Connection) -> None:
        """Another FTS5 table over the same view."""
        for statement in _BESIDE:
            tx.execute(statement)

    def add_beside(self, tx: Connection, row: int, entry: Entry) -> None:
        """Put an article into that table, at once."""
        _ADD_BESIDE.run(tx, _values(row, entry))

    def remove_beside(self, tx: Connection, row: int, entry: Entry) -> None:
        """Take it out of it."""
        _REMOVE_BESIDE.run(tx, _values(row, entry))

    def swap(self, tx: Connection) -> None:
        """FTS5 renames its tables with itself."""
        self.settle(tx)
        for statement in _SWAP:
            tx.execute(statement)

    def all_at_once(self, tx: Connection, places: Select[int]) -> list[int] | None:
        """Never: places come in order as soon."""
        return None

    def numbers(
        self, tx: Connection, places: Select[int], lows: Sequence[int], seconds: float
    ) -> dict[int, int] | None:
        """Never: each span of places is counted for itself as soon."""
        return None

    def row(self) -> ColumnElement[int]:
        """FTS5's rowid."""
        return _INDEX.c.rowid

    def alone(self) -> FromClause:
        """The index."""
        return _INDEX

    def with_articles(self) -> FromClause:
        """The index joined to the articles."""
        return _JOINED

    def holds(self, tx: Connection, match: Match) -> ColumnElement[bool]:
        """Every token is quoted, so that nothing of FTS5's own grammar can be typed."""
        self.settle(tx)
        index: ColumnElement[str] = literal_column("article_index")
        return index.op("MATCH", is_comparison=True)(bindparam(None, spelled(tx, match), unique=True))

    def problems(self, tx: Connection) -> list[str]:
        """FTS5's own comparison of the index with the view."""
        self.settle(tx)
        try:
            tx.execute(_CHECK)
        except DatabaseError as error:
            return [f"the search index does not agree with the articles ({error.orig}); run `evnews db reindex`"]
        return []


def spelled(tx: Connection, match: Match) -> str:
    """A question in FTS5's language."""
    if isinstance(match, Tokens):
        return _tokens(tx, match)
    if isinstance(match, But):
        return f"({spelled(tx, match.found)} NOT {spelled(tx, match.missing)})"
    if not match.parts:
        return _NOTHING
    if isinstance(match, Every):
        return f"({' AND '.join(spelled(tx, part) for part in match.parts)})"
    return f"({' OR '.join(spelled(tx, part) for part in _known(tx, match.parts))})"


def _known(tx: Connection, parts: Sequence[Match]) -> Sequence[Match]:
    """The parts without single words that no article holds, as most inflections: each would cost what a word costs."""
    words = [word for part in parts if (word := _plain_word(part))]
    if len(words) < 2:
        return parts
    known = {row.word for row in _WORDS.all(tx, {"words": words})}
    return [part for part in parts if _plain_word(part) in known or not _plain_word(part)] or parts[:1]


def _plain_word(part: Match) -> str:
    """The one word that a part is, if it is one that the vocabulary would hold."""
    if isinstance(part, Tokens) and len(part.tokens) == 1 and not part.prefix and is_word(part.tokens[0]):
        return part.tokens[0]
    return ""


def _tokens(tx: Connection, match: Tokens) -> str:
    where = "title : " if match.titled else ""
    if match.prefix and len(match.tokens) == 1:
        return _beginning(tx, match.tokens[0], where)
    return f'{where}"{" ".join(match.tokens)}"' + (" *" if match.prefix else "")


def _beginning(tx: Connection, word: str, where: str) -> str:
    """A beginning is one label, or the words that begin so: FTS5 would read all their places before the first."""
    if len(word) == BEGINNING:
        return f'{where}"{beginning_label(word)}"'
    found = tx.execute(_BEGIN_SO, {"first": word, "last": word + "\U0010ffff", "most": _MOST_WORDS + 1}).scalars().all()
    if len(found) > _MOST_WORDS:
        return f'{where}"{word}" *'
    return "(" + " OR ".join(f'{where}"{one}"' for one in [word, *found]) + ")"


def _values(row: int, entry: Entry) -> dict[str, Any]:
    made = entry.prepared
    return {"row": row, "title": made.title, "text": made.text, "labels": entry.labels}
