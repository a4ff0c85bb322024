"""The search index in PostgreSQL: a tsvector a row, made of our own tokens and positions.

The server's text parser is not asked: what it takes for a word depends on its locale.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, column, func, table, text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql.expression import cast

from storage.search.prepare import prepare
from storage.search.query import Matching, Term

_LARGEST = 1_000_000
"""Bytes of a tsvector; the server refuses more than 1,048,575."""
_MOST_POSITIONS = 255
_LAST_POSITION = 16_383
_GAP = 8
"""Positions between title and text, so that no phrase spans both."""

_INDEX = table("article_index", column("search_row"), column("words"))
_ADD = text("INSERT INTO article_index (search_row, words) VALUES (:row, CAST(:words AS tsvector))")
_REMOVE = text("DELETE FROM article_index WHERE search_row = :row")
_CLEAR = text("DELETE FROM article_index")
_STRAY = text("SELECT count(*) FROM article_index WHERE search_row NOT IN (SELECT search_row FROM articles)")
_SHOWN = text(
    "SELECT articles.id, texts.title, texts.text, article_index.words::text FROM articles"
    " JOIN revisions ON revisions.article_id = articles.id AND revisions.number = articles.revision"
    " JOIN texts ON texts.id = revisions.text_id"
    " LEFT JOIN article_index ON article_index.search_row = articles.search_row"
)
_AS_KEPT = text("SELECT CAST(:words AS tsvector)::text")


class PostgresIndex:
    """GIN over tsvector; see the protocol `Index`."""

    def add(self, tx: Connection, row: int, title: str, text: str) -> None:
        """Put a text into the index."""
        tx.execute(_ADD, {"row": row, "words": vector(title, text)})

    def remove(self, tx: Connection, row: int, title: str, text: str) -> None:
        """Take it out of the index."""
        tx.execute(_REMOVE, {"row": row})

    def clear(self, tx: Connection) -> None:
        """Empty the index."""
        tx.execute(_CLEAR)

    def matching(self, terms: tuple[Term, ...]) -> Matching:
        """Tokens hold letters and digits alone and are quoted; the server parses nothing that was typed."""
        found = " & ".join(
            "(" + " <-> ".join(f"'{token}'" for token in term.tokens) + (":*" if term.prefix else "") + ")"
            for term in terms
        )
        query = cast(bindparam("match", found), TSQUERY)
        return Matching(
            table=_INDEX,
            row=_INDEX.c.search_row,
            holds=_INDEX.c.words.op("@@", is_comparison=True)(query),
            best=-func.ts_rank(_INDEX.c.words, query),
        )

    def problems(self, tx: Connection) -> list[str]:
        """Each article's row is made again and compared."""
        wrong = 0
        for _, title, body, kept in tx.execute(_SHOWN.execution_options(yield_per=100)):
            wrong += kept != tx.execute(_AS_KEPT, {"words": vector(title, body)}).scalar_one()
        stray = tx.execute(_STRAY).scalar_one()
        if wrong or stray:
            return [
                f"the search index disagrees with {wrong} articles, {stray} rows have none; run `evnews db reindex`"
            ]
        return []


def vector(title: str, text: str) -> str:
    """A tsvector's text: title with weight A, then the text, cut before the server would refuse it."""
    places: dict[str, list[str]] = {}
    room, place = _LARGEST, 0
    for words, weight in ((prepare(title), "A"), (prepare(text), "")):
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
