"""The search index in PostgreSQL: a tsvector a row, made of our own tokens and positions.

The server's text parser is not asked: what it takes for a word depends on its locale.
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
"""Bytes of a tsvector; the server refuses more than 1,048,575."""
_MOST_POSITIONS = 255
_LAST_POSITION = 16_383
_MAX_FOUND_AT_ONCE, _FIND_ALL_SECONDS = 2_000, 0.015
"""So many places are found at once, and so many seconds are given to it."""
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
    """GIN over tsvector; see the protocol `Index`.

    Asked for places in order the server walks the table and unpacks each tsvector, however rare a word is.
    """

    is_ordered = False

    def add(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Put an article into the index."""
        tx.execute(_INSERT_ENTRY, {"row": row, "words": tsvector_text(entry)})

    def remove(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Take it out of the index."""
        tx.execute(_DELETE_ENTRY, {"row": row})

    def flush(self, tx: Connection) -> None:
        """Everything was written at once."""

    def clear(self, tx: Connection) -> None:
        """Empty the index."""
        tx.execute(_DELETE_ENTRIES)

    def create_shadow(self, tx: Connection) -> None:
        """Another table of the same kind."""
        for statement in _CREATE_SHADOW:
            tx.execute(statement)

    def add_to_shadow(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Put an article into that table."""
        tx.execute(_INSERT_SHADOW_ENTRY, {"row": row, "words": tsvector_text(entry)})

    def remove_from_shadow(self, tx: Connection, row: int, entry: IndexedArticle) -> None:
        """Take it out of it."""
        tx.execute(_DELETE_SHADOW_ENTRY, {"row": row})

    def activate_shadow(self, tx: Connection) -> None:
        """Drop the one, rename the other."""
        for statement in _ACTIVATE_SHADOW:
            tx.execute(statement)

    def find_all(self, tx: Connection, places: Select[int]) -> list[int] | None:
        """Up to a few thousand, found by their words."""
        found = _run_with_timeout(tx, places.limit(_MAX_FOUND_AT_ONCE + 1), _FIND_ALL_SECONDS)
        return None if found is None or len(found) > _MAX_FOUND_AT_ONCE else [row[0] for row in found]

    def count_by_window(
        self, tx: Connection, places: Select[int], lows: Sequence[int], seconds: float
    ) -> dict[int, int] | None:
        """All of them grouped, found by their words."""
        place = places.selected_columns[0]
        bucket = func.width_bucket(place, cast(list(lows), ARRAY(BigInteger)))
        found = _run_with_timeout(tx, places.with_only_columns(bucket, func.count()).group_by(bucket), seconds)
        return None if found is None else {lows[row[0] - 1]: row[1] for row in found}

    def row_id_column(self) -> ColumnElement[int]:
        """The table's key."""
        return _INDEX_TABLE.c.search_row

    def index_table(self) -> FromClause:
        """The index."""
        return _INDEX_TABLE

    def index_with_articles(self) -> FromClause:
        """The index joined to the articles."""
        return _INDEX_WITH_ARTICLES

    def match_condition(self, tx: Connection, match: Match) -> ColumnElement[bool]:
        """Tokens hold letters, digits and our own sign and are quoted; the server parses nothing that was typed."""
        query = cast(bindparam(None, tsquery_text(match), unique=True), TSQUERY)
        return _INDEX_TABLE.c.words.op("@@", is_comparison=True)(query)

    def find_problems(self, tx: Connection) -> list[str]:
        """Each article's row is made again and compared."""
        wrong = 0
        for _, title, body, labels, kept in tx.execute(_SELECT_ENTRIES.execution_options(yield_per=100)):
            made = tsvector_text(IndexedArticle(title=title, text=body, labels=labels))
            wrong += kept != tx.execute(_NORMALISE_VECTOR, {"words": made}).scalar_one()
        stray = tx.execute(_COUNT_STRAY_ENTRIES).scalar_one()
        if wrong or stray:
            return [
                f"the search index disagrees with {wrong} articles, {stray} rows have none; run `evnews db reindex`"
            ]
        return []


def _run_with_timeout(tx: Connection, statement: Select[Any], seconds: float) -> list[tuple[int, ...]] | None:
    """What a statement finds by its words, in no order; None where the server takes longer than so many seconds.

    The savepoint leaves the transaction and its own settings as they were.
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
    """A question in the language of tsquery."""
    if isinstance(match, TokenSequence):
        return _tsquery_tokens(match)
    if isinstance(match, MatchExcept):
        return f"({tsquery_text(match.required)} & !{tsquery_text(match.excluded)})"
    if not match.parts:
        return "'§nothing'"
    sign = " & " if isinstance(match, MatchAll) else " | "
    return f"({sign.join(tsquery_text(part) for part in match.parts)})"


def _tsquery_tokens(match: TokenSequence) -> str:
    """A beginning needs no label here: the server finds it as fast."""
    *first, last = match.tokens
    begins = match.is_prefix
    if last.startswith((_CHARACTER_SIGN, _PREFIX_SIGN)):
        last, begins = last[len(LABEL_SIGN) + 1 :], True
    title = "A" if match.in_title else ""
    mark = f":{'*' if begins else ''}{title}" if begins or title else ""
    parts = [f"'{token}'" + (f":{title}" if title else "") for token in first] + [f"'{last}'{mark}"]
    return f"({' <-> '.join(parts)})"


def tsvector_text(entry: IndexedArticle) -> str:
    """A tsvector's text: title with weight A, the labels, then the text, cut before the server would refuse it."""
    places: dict[str, list[str]] = {}
    room, place = _MAX_VECTOR_BYTES, 0
    for words, weight in ((prepare(entry.title), "A"), (entry.labels, ""), (prepare(entry.text), "")):
        for token in words.split():
            place = min(place + 1, _LAST_POSITION)
            kept = places.get(token)
            room -= 2 if kept else len(token.encode()) + 8
            if room < 0:
                break
            if kept is None:
                places[token] = [f"{place}{weight}"]
            elif len(kept) < _MOST_POSITIONS:
                kept.append(f"{place}{weight}")
        place += _FIELD_GAP
    return " ".join(f"'{token}':{','.join(found)}" for token, found in places.items())
