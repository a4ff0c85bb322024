"""Search index in SQLite: an FTS5 table that reads its content through a view."""

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

from storage.db.statements import CompiledStatement
from storage.db.tables import articles, vocabulary
from storage.search.index.base import IndexedArticle
from storage.search.index.field_terms import PREFIX_LENGTH, is_vocabulary_word, prefix_label
from storage.search.index.match import Match, MatchAll, MatchExcept, TokenSequence
from storage.search.index.pending import pending_writes

_INDEX_TABLE = table("article_index", column("rowid"))
_INSERT_ENTRY = CompiledStatement(
    text("INSERT INTO article_index (rowid, text, title, labels) VALUES (:row, :text, :title, :labels)")
)
_DELETE_ENTRY = CompiledStatement(
    text(
        "INSERT INTO article_index (article_index, rowid, text, title, labels)"
        " VALUES ('delete', :row, :text, :title, :labels)"
    )
)
_INSERT_SHADOW_ENTRY, _DELETE_SHADOW_ENTRY = (
    CompiledStatement(
        text("INSERT INTO article_index_shadow (rowid, text, title, labels) VALUES (:row, :text, :title, :labels)")
    ),
    CompiledStatement(
        text(
            "INSERT INTO article_index_shadow (article_index_shadow, rowid, text, title, labels)"
            " VALUES ('delete', :row, :text, :title, :labels)"
        )
    ),
)
_CREATE_SHADOW = (
    text("DROP TABLE IF EXISTS article_index_shadow"),
    text(
        "CREATE VIRTUAL TABLE article_index_shadow USING fts5("
        "text, title, labels, content = 'indexed_articles', content_rowid = 'rowid', tokenize = 'ascii')"
    ),
    text("INSERT INTO article_index_shadow (article_index_shadow, rank) VALUES ('automerge', 8)"),
)
_ACTIVATE_SHADOW = (text("DROP TABLE article_index"), text("ALTER TABLE article_index_shadow RENAME TO article_index"))
_DELETE_ENTRIES = text("INSERT INTO article_index (article_index) VALUES ('delete-all')")
_CHECK_INTEGRITY = text("INSERT INTO article_index (article_index, rank) VALUES ('integrity-check', 1)")
_SELECT_WORDS_WITH_PREFIX = text("SELECT word FROM vocabulary WHERE word >= :first AND word < :last LIMIT :most")
_SELECT_KNOWN_WORDS = CompiledStatement(
    select(vocabulary.c.word).where(vocabulary.c.word.in_(bindparam("words", expanding=True)))
)
_MAX_PREFIX_WORDS = 200
"""Maximum number of words that a prefix is expanded to; above it, FTS5 matches the prefix."""
_MATCH_NOTHING = '"§nothing"'
# The expression `rowid + 0` keeps SQLite from scanning the articles and querying the index for each.
_INDEX_WITH_ARTICLES = _INDEX_TABLE.join(articles, articles.c.search_row == literal_column("article_index.rowid + 0"))


class SqliteIndex:
    """Implementation of `SearchIndex` with FTS5."""

    is_ordered = True

    def add(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Queue the addition of an article."""
        pending_writes(tx).append((_INSERT_ENTRY, _entry_values(row, entry)))

    def remove(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Queue the removal of an article: FTS5 stores no copy and needs the indexed values."""
        pending_writes(tx).append((_DELETE_ENTRY, _entry_values(row, entry)))

    def flush(self, tx: Connection) -> None:
        """Write the queue at once: FTS5 writes a segment at every savepoint and must merge the segments later."""
        queue = pending_writes(tx)
        for statement, values in queue:
            statement.run(tx, values)
        queue.clear()

    def clear(self, tx: Connection) -> None:
        """Empty the index."""
        pending_writes(tx).clear()
        tx.execute(_DELETE_ENTRIES)

    def create_shadow(self, tx: Connection) -> None:
        """Create an empty shadow table on the same view, in place of an existing one."""
        for statement in _CREATE_SHADOW:
            tx.execute(statement)

    def add_to_shadow(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Add an article to the shadow table."""
        _INSERT_SHADOW_ENTRY.run(tx, _entry_values(row, entry))

    def remove_from_shadow(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Remove an article from the shadow table."""
        _DELETE_SHADOW_ENTRY.run(tx, _entry_values(row, entry))

    def activate_shadow(self, tx: Connection) -> None:
        """Drop the table of the index and rename the shadow table; FTS5 renames its own tables too."""
        self.flush(tx)
        for statement in _ACTIVATE_SHADOW:
            tx.execute(statement)

    def find_all(self, tx: Connection, row_ids: Select[int]) -> list[int] | None:
        """Return None: an ordered scan is as fast."""
        return None

    def count_by_window(
        self, tx: Connection, row_ids: Select[int], lows: Sequence[int], seconds: float
    ) -> dict[int, int] | None:
        """Return None: counting each window by itself is as fast."""
        return None

    def row_id_column(self) -> ColumnElement[int]:
        """Return the rowid of the FTS5 table."""
        return _INDEX_TABLE.c.rowid

    def index_table(self) -> FromClause:
        """Return the table of the index."""
        return _INDEX_TABLE

    def index_with_articles(self) -> FromClause:
        """Return the index joined to the articles."""
        return _INDEX_WITH_ARTICLES

    def match_condition(self, tx: Connection, match: Match) -> ColumnElement[bool]:
        """Return the condition of a match. Tokens are quoted, so that users cannot use the syntax of FTS5."""
        self.flush(tx)
        index: ColumnElement[str] = literal_column("article_index")
        return index.op("MATCH", is_comparison=True)(bindparam(None, fts5_query(tx, match), unique=True))

    def find_problems(self, tx: Connection) -> list[str]:
        """Compare the index with the view, using FTS5's integrity check."""
        self.flush(tx)
        try:
            tx.execute(_CHECK_INTEGRITY)
        except DatabaseError as error:
            return [f"the search index differs from the articles ({error.orig}); run `evnews db reindex`"]
        return []


def fts5_query(tx: Connection, match: Match) -> str:
    """Return a match as an FTS5 query."""
    if isinstance(match, TokenSequence):
        return _fts5_tokens(tx, match)
    if isinstance(match, MatchExcept):
        return f"({fts5_query(tx, match.required)} NOT {fts5_query(tx, match.excluded)})"
    if not match.parts:
        return _MATCH_NOTHING
    if isinstance(match, MatchAll):
        return f"({' AND '.join(fts5_query(tx, part) for part in match.parts)})"
    return f"({' OR '.join(fts5_query(tx, part) for part in _known_parts(tx, match.parts))})"


def _known_parts(tx: Connection, parts: Sequence[Match]) -> Sequence[Match]:
    """Return the parts without words that no article has, such as most inflected forms: each costs a lookup."""
    words = [word for part in parts if (word := _plain_word(part))]
    if len(words) < 2:
        return parts
    known = {row.word for row in _SELECT_KNOWN_WORDS.all(tx, {"words": words})}
    return [part for part in parts if _plain_word(part) in known or not _plain_word(part)] or parts[:1]


def _plain_word(part: Match) -> str:
    """Return the word of a part, or an empty string if it is not a single word of the vocabulary."""
    if (
        isinstance(part, TokenSequence)
        and len(part.tokens) == 1
        and not part.is_prefix
        and is_vocabulary_word(part.tokens[0])
    ):
        return part.tokens[0]
    return ""


def _fts5_tokens(tx: Connection, match: TokenSequence) -> str:
    column_filter = "title : " if match.in_title else ""
    if match.is_prefix and len(match.tokens) == 1:
        return _fts5_prefix(tx, match.tokens[0], column_filter)
    return f'{column_filter}"{" ".join(match.tokens)}"' + (" *" if match.is_prefix else "")


def _fts5_prefix(tx: Connection, word: str, column_filter: str) -> str:
    """Match a prefix by its label or by its words: FTS5 would read all positions before the first result."""
    if len(word) == PREFIX_LENGTH:
        return f'{column_filter}"{prefix_label(word)}"'
    words = (
        tx.execute(
            _SELECT_WORDS_WITH_PREFIX, {"first": word, "last": word + "\U0010ffff", "most": _MAX_PREFIX_WORDS + 1}
        )
        .scalars()
        .all()
    )
    if len(words) > _MAX_PREFIX_WORDS:
        return f'{column_filter}"{word}" *'
    return "(" + " OR ".join(f'{column_filter}"{form}"' for form in [word, *words]) + ")"


def _entry_values(row: int, entry: IndexedArticle) -> dict[str, Any]:
    prepared = entry.prepared
    return {"row": row, "title": prepared.title, "text": prepared.text, "labels": entry.labels}
