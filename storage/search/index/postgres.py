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
from storage.search.index.base import Entry
from storage.search.index.field_terms import SIGN
from storage.search.index.match import But, Every, Match, Tokens

_LARGEST = 1_000_000
"""Bytes of a tsvector; the server refuses more than 1,048,575."""
_MOST_POSITIONS = 255
_LAST_POSITION = 16_383
_FEW, _SOON = 2_000, 0.015
"""So many places are found at once, and so many seconds are given to it."""
_TOOK_TOO_LONG = "57014"
_GAP = 8
"""Positions between title, labels and text, so that no phrase spans two of them."""
_CHARACTER = f"{SIGN}c"
_BEGINNING = f"{SIGN}p"

_INDEX = table("article_index", column("search_row"), column("words"))
_JOINED = _INDEX.join(articles, articles.c.search_row == _INDEX.c.search_row)
_ADD = text("INSERT INTO article_index (search_row, words) VALUES (:row, CAST(:words AS tsvector))")
_REMOVE = text("DELETE FROM article_index WHERE search_row = :row")
_ADD_BESIDE = text("INSERT INTO article_index_beside (search_row, words) VALUES (:row, CAST(:words AS tsvector))")
_REMOVE_BESIDE = text("DELETE FROM article_index_beside WHERE search_row = :row")
_BESIDE = (
    text("DROP TABLE IF EXISTS article_index_beside"),
    text("CREATE TABLE article_index_beside (search_row BIGINT NOT NULL PRIMARY KEY, words TSVECTOR NOT NULL)"),
    text("ALTER TABLE article_index_beside ALTER COLUMN words SET STORAGE EXTERNAL"),
    text("CREATE INDEX article_index_beside_words ON article_index_beside USING gin (words)"),
)
_SWAP = (
    text("DROP TABLE article_index"),
    text("ALTER TABLE article_index_beside RENAME TO article_index"),
    text("ALTER INDEX article_index_beside_words RENAME TO article_index_words"),
    text("ALTER INDEX article_index_beside_pkey RENAME TO article_index_pkey"),
)
_CLEAR = text("DELETE FROM article_index")
_STRAY = text("SELECT count(*) FROM article_index WHERE search_row NOT IN (SELECT search_row FROM articles)")
_SHOWN = text(
    "SELECT articles.id, texts.title, texts.text, articles.labels, article_index.words::text FROM articles"
    " JOIN revisions ON revisions.article_id = articles.id AND revisions.number = articles.revision"
    " JOIN texts ON texts.id = revisions.text_id"
    " LEFT JOIN article_index ON article_index.search_row = articles.search_row"
)
_AS_KEPT = text("SELECT CAST(:words AS tsvector)::text")


class PostgresIndex:
    """GIN over tsvector; see the protocol `Index`.

    Asked for places in order the server walks the table and unpacks each tsvector, however rare a word is.
    """

    is_ordered = False

    def add(self, tx: Connection, row: int, entry: Entry) -> None:
        """Put an article into the index."""
        tx.execute(_ADD, {"row": row, "words": vector(entry)})

    def remove(self, tx: Connection, row: int, entry: Entry) -> None:
        """Take it out of the index."""
        tx.execute(_REMOVE, {"row": row})

    def settle(self, tx: Connection) -> None:
        """Everything was written at once."""

    def clear(self, tx: Connection) -> None:
        """Empty the index."""
        tx.execute(_CLEAR)

    def begin_beside(self, tx: Connection) -> None:
        """Another table of the same kind."""
        for statement in _BESIDE:
            tx.execute(statement)

    def add_beside(self, tx: Connection, row: int, entry: Entry) -> None:
        """Put an article into that table."""
        tx.execute(_ADD_BESIDE, {"row": row, "words": vector(entry)})

    def remove_beside(self, tx: Connection, row: int, entry: Entry) -> None:
        """Take it out of it."""
        tx.execute(_REMOVE_BESIDE, {"row": row})

    def swap(self, tx: Connection) -> None:
        """Drop the one, rename the other."""
        for statement in _SWAP:
            tx.execute(statement)

    def all_at_once(self, tx: Connection, places: Select[int]) -> list[int] | None:
        """Up to a few thousand, found by their words."""
        found = _by_words(tx, places.limit(_FEW + 1), _SOON)
        return None if found is None or len(found) > _FEW else [row[0] for row in found]

    def numbers(
        self, tx: Connection, places: Select[int], lows: Sequence[int], seconds: float
    ) -> dict[int, int] | None:
        """All of them grouped, found by their words."""
        place = places.selected_columns[0]
        bucket = func.width_bucket(place, cast(list(lows), ARRAY(BigInteger)))
        found = _by_words(tx, places.with_only_columns(bucket, func.count()).group_by(bucket), seconds)
        return None if found is None else {lows[row[0] - 1]: row[1] for row in found}

    def row(self) -> ColumnElement[int]:
        """The table's key."""
        return _INDEX.c.search_row

    def alone(self) -> FromClause:
        """The index."""
        return _INDEX

    def with_articles(self) -> FromClause:
        """The index joined to the articles."""
        return _JOINED

    def holds(self, tx: Connection, match: Match) -> ColumnElement[bool]:
        """Tokens hold letters, digits and our own sign and are quoted; the server parses nothing that was typed."""
        query = cast(bindparam(None, spelled(match), unique=True), TSQUERY)
        return _INDEX.c.words.op("@@", is_comparison=True)(query)

    def problems(self, tx: Connection) -> list[str]:
        """Each article's row is made again and compared."""
        wrong = 0
        for _, title, body, labels, kept in tx.execute(_SHOWN.execution_options(yield_per=100)):
            made = vector(Entry(title=title, text=body, labels=labels))
            wrong += kept != tx.execute(_AS_KEPT, {"words": made}).scalar_one()
        stray = tx.execute(_STRAY).scalar_one()
        if wrong or stray:
            return [
                f"the search index disagrees with {wrong} articles, {stray} rows have none; run `evnews db reindex`"
            ]
        return []


def _by_words(tx: Connection, statement: Select[Any], seconds: float) -> list[tuple[int, ...]] | None:
    """What a statement finds by its words, in no order; None where the server takes longer than so many seconds.

    The savepoint leaves the transaction and its own settings as they were.
    """
    savepoint = tx.begin_nested()
    try:
        tx.exec_driver_sql(f"SET LOCAL statement_timeout = {max(int(seconds * 1000), 1)}")
        tx.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return [tuple(row) for row in tx.execute(statement)]
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") != _TOOK_TOO_LONG:
            raise
        return None
    finally:
        savepoint.rollback()


def spelled(match: Match) -> str:
    """A question in the language of tsquery."""
    if isinstance(match, Tokens):
        return _tokens(match)
    if isinstance(match, But):
        return f"({spelled(match.found)} & !{spelled(match.missing)})"
    if not match.parts:
        return "'§nothing'"
    sign = " & " if isinstance(match, Every) else " | "
    return f"({sign.join(spelled(part) for part in match.parts)})"


def _tokens(match: Tokens) -> str:
    """A beginning needs no label here: the server finds it as fast."""
    *first, last = match.tokens
    begins = match.prefix
    if last.startswith((_CHARACTER, _BEGINNING)):
        last, begins = last[len(SIGN) + 1 :], True
    title = "A" if match.titled else ""
    mark = f":{'*' if begins else ''}{title}" if begins or title else ""
    parts = [f"'{token}'" + (f":{title}" if title else "") for token in first] + [f"'{last}'{mark}"]
    return f"({' <-> '.join(parts)})"


def vector(entry: Entry) -> str:
    """A tsvector's text: title with weight A, the labels, then the text, cut before the server would refuse it."""
    places: dict[str, list[str]] = {}
    room, place = _LARGEST, 0
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
        place += _GAP
    return " ".join(f"'{token}':{','.join(found)}" for token, found in places.items())
