"""Search texts of earlier revisions (`in:history`).

Every text of an earlier revision has a row in a separate index. Words are matched against that text; filters such as
source, language and date apply to the current article.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    column,
    delete,
    insert,
    literal_column,
    not_,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql.expression import cast

from storage.db.tables import articles, past_texts, revisions, texts
from storage.search.index import postgres, sqlite
from storage.search.index.base import IndexedArticle
from storage.search.index.field_terms import index_text
from storage.search.index.match import Match
from storage.search.planner import match_of
from storage.search.predicates import row_condition
from storage.search.query.tree import And, Node, Not, Or, Terms

_PAST_INDEX = table("past_index", column("rowid"), column("text_id"), column("words"))
_INSERT_ENTRY = {
    "sqlite": text("INSERT INTO past_index (rowid, text, title) VALUES (:id, :text, :title)"),
    "postgresql": text("INSERT INTO past_index (text_id, words) VALUES (:id, CAST(:words AS tsvector))"),
}
_DELETE_ENTRY = {
    "sqlite": text("INSERT INTO past_index (past_index, rowid, text, title) VALUES ('delete', :id, :text, :title)"),
    "postgresql": text("DELETE FROM past_index WHERE text_id = :id"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PastText:
    """A text of an earlier revision, with the row id of its article."""

    row_id: int
    article_id: int
    text_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownText:
    """A text, the number of the last revision with this text, and the period in which that revision was current."""

    number: int
    since: datetime
    until: datetime | None
    text: str


def update_past_texts(tx: Connection, article_id: int) -> None:
    """Synchronise the index of past texts with the revisions of an article."""
    known = set(tx.execute(_SELECT_INDEXED_IDS, {"article": article_id}).scalars())
    wanted = {row.id: row for row in tx.execute(_SELECT_PAST_TEXTS, {"article": article_id})}
    _remove_texts(tx, known - wanted.keys())
    for text_id in sorted(wanted.keys() - known):
        tx.execute(_INSERT_ENTRY[tx.dialect.name], _entry_values(tx, wanted[text_id]))
        tx.execute(insert(past_texts), {"text_id": text_id, "article_id": article_id})


def remove_past_texts(tx: Connection, article_id: int) -> None:
    """Remove the past texts of an article from the index. Call this before its texts change."""
    _remove_texts(tx, set(tx.execute(_SELECT_INDEXED_IDS, {"article": article_id}).scalars()))


def _remove_texts(tx: Connection, text_ids: set[int]) -> None:
    if not text_ids:
        return
    for row in tx.execute(_SELECT_TEXTS, {"ids": sorted(text_ids)}).all():
        tx.execute(_DELETE_ENTRY[tx.dialect.name], _entry_values(tx, row))
    tx.execute(_DELETE_PAST_TEXTS, {"ids": sorted(text_ids)})


def _entry_values(tx: Connection, row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    if tx.dialect.name == "sqlite":
        return {"id": row.id, "text": index_text(row.text), "title": index_text(row.title)}
    return {"id": row.id, "words": postgres.tsvector_text(IndexedArticle(title=row.title, text=row.text, labels=""))}


def find_past_texts(
    tx: Connection,
    node: Node,
    now: datetime,
    most: int,
    *,
    low_row_id: int,
    high_row_id: int,
    oldest_first: bool = False,
) -> list[PastText]:
    """Return the past texts that match a query tree, in the order of their row ids and within a range of them."""
    order = articles.c.search_row.asc() if oldest_first else articles.c.search_row.desc()
    statement = (
        select(articles.c.search_row.label("row_id"), past_texts.c.article_id, past_texts.c.text_id)
        .join(articles, articles.c.id == past_texts.c.article_id)
        .where(_past_condition(tx, node, now), articles.c.search_row.between(low_row_id, high_row_id))
        .order_by(order, past_texts.c.text_id.desc())
        .limit(most)
    )
    return [PastText(**row._mapping) for row in tx.execute(statement)]


def _past_condition(tx: Connection, node: Node, now: datetime) -> ColumnElement[bool]:
    if isinstance(node, Terms) and node.field in ("", "title"):
        match = match_of(node)
        assert match is not None  # the index can match any terms
        return past_texts.c.text_id.in_(_select_matching(tx, match))
    if isinstance(node, Not):
        return not_(_past_condition(tx, node.node, now))
    if isinstance(node, And):
        return and_(*(_past_condition(tx, child, now) for child in node.nodes))
    if isinstance(node, Or):
        return or_(*(_past_condition(tx, child, now) for child in node.nodes))
    return row_condition(tx, node, now)


def _select_matching(tx: Connection, match: Match) -> Select[int]:
    if tx.dialect.name == "sqlite":
        index: ColumnElement[str] = literal_column("past_index")
        condition = index.op("MATCH", is_comparison=True)(bindparam(None, sqlite.fts5_query(tx, match), unique=True))
        return select(_PAST_INDEX.c.rowid).where(condition)
    query = cast(bindparam(None, postgres.tsquery_text(match), unique=True), TSQUERY)
    return select(_PAST_INDEX.c.text_id).where(_PAST_INDEX.c.words.op("@@", is_comparison=True)(query))


def load_shown_text(tx: Connection, text_id: int) -> ShownText:
    """Load a past text with the period in which it was current."""
    row = tx.execute(_SELECT_REVISION, {"text_id": text_id}).first()
    assert row is not None  # every past text belongs to a revision
    until = tx.execute(_SELECT_SHOWN_UNTIL, {"article": row.article_id, "number": row.number}).scalar()
    return ShownText(number=row.number, since=row.fetched_at, until=until, text=row.text)


_SELECT_INDEXED_IDS = select(past_texts.c.text_id).where(past_texts.c.article_id == bindparam("article"))
_SELECT_SHOWN_ID = (
    select(revisions.c.text_id)
    .join(articles, (articles.c.id == revisions.c.article_id) & (articles.c.revision == revisions.c.number))
    .where(articles.c.id == bindparam("article"))
    .scalar_subquery()
)
_SELECT_PAST_TEXTS = select(texts.c.id, texts.c.title, texts.c.text).where(
    texts.c.id.in_(select(revisions.c.text_id).where(revisions.c.article_id == bindparam("article"))),
    texts.c.id != _SELECT_SHOWN_ID,
)
_SELECT_TEXTS = select(texts.c.id, texts.c.title, texts.c.text).where(texts.c.id.in_(bindparam("ids", expanding=True)))
_DELETE_PAST_TEXTS = delete(past_texts).where(past_texts.c.text_id.in_(bindparam("ids", expanding=True)))
_SELECT_REVISION = (
    select(revisions.c.article_id, revisions.c.number, revisions.c.fetched_at, texts.c.text)
    .join(texts, texts.c.id == revisions.c.text_id)
    .where(revisions.c.text_id == bindparam("text_id"))
    .order_by(revisions.c.number.desc())
    .limit(1)
)
_SELECT_SHOWN_UNTIL = select(revisions.c.fetched_at).where(
    revisions.c.article_id == bindparam("article"), revisions.c.number == bindparam("number") + 1
)
