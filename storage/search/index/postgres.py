"""Search index in PostgreSQL: a GIN index on tsvectors that are built from our own tokens and positions.

The server's text parser is not used, because its word boundaries depend on the locale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    bindparam,
    column,
    func,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import cast

from storage.db.tables import articles
from storage.search.analyzer import prepare
from storage.search.index.base import IndexedArticle
from storage.search.index.field_terms import LABEL_SIGN
from storage.search.index.match import Match, MatchAll, MatchExcept, TokenSequence

_MAX_VECTOR_BYTES = 1_000_000
"""Maximum size of a tsvector; the server refuses more than 1,048,575 bytes."""
_MAX_POSITIONS = 255
_LAST_POSITION = 16_383
_MAX_FOUND_AT_ONCE, _FIND_ALL_SECONDS = 2_000, 0.015
"""Limits of `find_all`: number of row ids, and seconds."""
_QUERY_CANCELED = "57014"
_FIELD_GAP = 8
"""Positions between title, labels and text, so that no phrase spans two of them."""
_CHARACTER_SIGN = f"{LABEL_SIGN}c"
_PREFIX_SIGN = f"{LABEL_SIGN}p"

_INDEX_TABLE = table("article_index", column("search_row"), column("words"))
_INDEX_WITH_ARTICLES = _INDEX_TABLE.join(articles, articles.c.search_row == _INDEX_TABLE.c.search_row)
_INSERT_ENTRY = text("INSERT INTO article_index (search_row, words) VALUES (:row, CAST(:words AS tsvector))")
_DELETE_ENTRY = text("DELETE FROM article_index WHERE search_row = :row")
_INSERT_SHADOW_ENTRY = text(
    "INSERT INTO article_index_shadow (search_row, words) VALUES (:row, CAST(:words AS tsvector))"
)
_DELETE_SHADOW_ENTRY = text("DELETE FROM article_index_shadow WHERE search_row = :row")
_CREATE_SHADOW = (
    text("DROP TABLE IF EXISTS article_index_shadow"),
    text("CREATE TABLE article_index_shadow (search_row BIGINT NOT NULL PRIMARY KEY, words TSVECTOR NOT NULL)"),
    text("ALTER TABLE article_index_shadow ALTER COLUMN words SET STORAGE EXTERNAL"),
    text("CREATE INDEX article_index_shadow_words ON article_index_shadow USING gin (words)"),
)
_ACTIVATE_SHADOW = (
    text("DROP TABLE article_index"),
    text("ALTER TABLE article_index_shadow RENAME TO article_index"),
    text("ALTER INDEX article_index_shadow_words RENAME TO article_index_words"),
    text("ALTER INDEX article_index_shadow_pkey RENAME TO article_index_pkey"),
)
_DELETE_ENTRIES = text("DELETE FROM article_index")
_COUNT_STRAY_ENTRIES = text(
    "SELECT count(*) FROM article_index WHERE search_row NOT IN (SELECT search_row FROM articles)"
)
_SELECT_ENTRIES = text(
    "SELECT articles.id, texts.title, texts.text, articles.labels, article_index.words::text FROM articles"
    " JOIN revisions ON revisions.article_id = articles.id AND revisions.number = articles.revision"
    " JOIN texts ON texts.id = revisions.text_id"
    " LEFT JOIN article_index ON article_index.search_row = articles.search_row"
)
_NORMALISE_VECTOR = text("SELECT CAST(:words AS tsvector)::text")


class PostgresIndex:
    """Implementation of `SearchIndex` with GIN.

    For an ordered result the server scans the table and unpacks every tsvector, however rare the word is.
    """

    is_ordered = False

    def add(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Add an article to the index."""
        tx.execute(_INSERT_ENTRY, {"row": row, "words": tsvector_text(entry)})

    def remove(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Remove an article from the index."""
        tx.execute(_DELETE_ENTRY, {"row": row})

    def flush(self, tx: Connection) -> None:
        """Do nothing: `add` and `remove` write directly."""

    def clear(self, tx: Connection) -> None:
        """Empty the index."""
        tx.execute(_DELETE_ENTRIES)

    def create_shadow(self, tx: Connection) -> None:
        """Create an empty shadow table, in place of an existing one."""
        for statement in _CREATE_SHADOW:
            tx.execute(statement)

    def add_to_shadow(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Add an article to the shadow table."""
        tx.execute(_INSERT_SHADOW_ENTRY, {"row": row, "words": tsvector_text(entry)})

    def remove_from_shadow(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Remove an article from the shadow table."""
        tx.execute(_DELETE_SHADOW_ENTRY, {"row": row})

    def activate_shadow(self, tx: Connection) -> None:
        """Drop the table of the index and rename the shadow table."""
        for statement in _ACTIVATE_SHADOW:
            tx.execute(statement)

    def find_all(self, tx: Connection, row_ids: Select[int]) -> list[int] | None:
        """Return the row ids in no order, or None if there are too many or the server takes too long."""
        rows = _run_with_timeout(tx, row_ids.limit(_MAX_FOUND_AT_ONCE + 1), _FIND_ALL_SECONDS)
        return None if rows is None or len(rows) > _MAX_FOUND_AT_ONCE else [row[0] for row in rows]

    def count_by_window(
        self, tx: Connection, row_ids: Select[int], lows: Sequence[int], seconds: float
    ) -> dict[int, int] | None:
        """Return the counts by the first row id of their window, or None after `seconds`."""
        row_id = row_ids.selected_columns[0]
        bucket = func.width_bucket(row_id, cast(list(lows), ARRAY(BigInteger)))
        rows = _run_with_timeout(tx, row_ids.with_only_columns(bucket, func.count()).group_by(bucket), seconds)
        return None if rows is None else {lows[row[0] - 1]: row[1] for row in rows}

    def row_id_column(self) -> ColumnElement[int]:
        """Return the primary key of the index."""
        return _INDEX_TABLE.c.search_row

    def index_table(self) -> FromClause:
        """Return the table of the index."""
        return _INDEX_TABLE

    def index_with_articles(self) -> FromClause:
        """Return the index joined to the articles."""
        return _INDEX_WITH_ARTICLES

    def match_condition(self, tx: Connection, match: Match) -> ColumnElement[bool]:
        """Return the condition of a match. Tokens are quoted, so that the server never parses text of the user."""
        query = cast(bindparam(None, tsquery_text(match), unique=True), TSQUERY)
        return _INDEX_TABLE.c.words.op("@@", is_comparison=True)(query)

    def find_problems(self, tx: Connection) -> list[str]:
        """Rebuild the entry of every article and compare it with the stored one."""
        wrong = 0
        for _, title, body, labels, stored in tx.execute(_SELECT_ENTRIES.execution_options(yield_per=100)):
            expected = tsvector_text(IndexedArticle(title=title, text=body, labels=labels))
            wrong += stored != tx.execute(_NORMALISE_VECTOR, {"words": expected}).scalar_one()
        stray = tx.execute(_COUNT_STRAY_ENTRIES).scalar_one()
        if wrong or stray:
            return [
                f"the search index differs from {wrong} articles and has {stray} rows without an article;"
                " run `evnews db reindex`"
            ]
        return []


def _run_with_timeout(tx: Connection, statement: Select[Any], seconds: float) -> list[tuple[int, ...]] | None:
    """Return the rows of a statement in no order, using the GIN index; None after `seconds`.

    The savepoint restores the settings of the transaction.
    """
    savepoint = tx.begin_nested()
    try:
        tx.exec_driver_sql(f"SET LOCAL statement_timeout = {max(int(seconds * 1000), 1)}")
        tx.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return [tuple(row) for row in tx.execute(statement)]
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") != _QUERY_CANCELED:
            raise
        return None
    finally:
        savepoint.rollback()


def tsquery_text(match: Match) -> str:
    """Return a match as the text of a tsquery."""
    if isinstance(match, TokenSequence):
        return _tsquery_tokens(match)
    if isinstance(match, MatchExcept):
        return f"({tsquery_text(match.required)} & !{tsquery_text(match.excluded)})"
    if not match.parts:
        return "'§nothing'"
    sign = " & " if isinstance(match, MatchAll) else " | "
    return f"({sign.join(tsquery_text(part) for part in match.parts)})"


def _tsquery_tokens(match: TokenSequence) -> str:
    """Replace labels of prefixes and characters by prefix matches, which PostgreSQL finds as fast."""
    *first, last = match.tokens
    is_prefix = match.is_prefix
    if last.startswith((_CHARACTER_SIGN, _PREFIX_SIGN)):
        last, is_prefix = last[len(LABEL_SIGN) + 1 :], True
    title = "A" if match.in_title else ""
    suffix = f":{'*' if is_prefix else ''}{title}" if is_prefix or title else ""
    parts = [f"'{token}'" + (f":{title}" if title else "") for token in first] + [f"'{last}'{suffix}"]
    return f"({' <-> '.join(parts)})"


def tsvector_text(entry: IndexedArticle) -> str:
    """Return the text of a tsvector: title with weight A, labels, and the text up to the server's size limit."""
    positions: dict[str, list[str]] = {}
    free_bytes, position = _MAX_VECTOR_BYTES, 0
    for words, weight in ((prepare(entry.title), "A"), (entry.labels, ""), (prepare(entry.text), "")):
        for token in words.split():
            position = min(position + 1, _LAST_POSITION)
            known = positions.get(token)
            free_bytes -= 2 if known else len(token.encode()) + 8
            if free_bytes < 0:
                break
            if known is None:
                positions[token] = [f"{position}{weight}"]
            elif len(known) < _MAX_POSITIONS:
                known.append(f"{position}{weight}")
        position += _FIELD_GAP
    return " ".join(f"'{token}':{','.join(numbers)}" for token, numbers in positions.items())
