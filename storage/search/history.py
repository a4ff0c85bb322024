"""Texts that were there before an edit: kept findable, and found on request.

Each text that an article had and shows no more has a row in an index of its own. It is looked for with the same
words; what a query says of source, language or date is asked of the article as it is now.
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
from storage.search.index.base import Entry
from storage.search.index.field_terms import indexed
from storage.search.index.match import Match
from storage.search.planner import matching
from storage.search.predicates import condition
from storage.search.query.tree import All, Node, Not, Words
from storage.search.query.tree import Any as Either

_INDEX = table("past_index", column("rowid"), column("text_id"), column("words"))
_ADD = {
    "sqlite": text("INSERT INTO past_index (rowid, text, title) VALUES (:id, :text, :title)"),
    "postgresql": text("INSERT INTO past_index (text_id, words) VALUES (:id, CAST(:words AS tsvector))"),
}
_REMOVE = {
    "sqlite": text("INSERT INTO past_index (past_index, rowid, text, title) VALUES ('delete', :id, :text, :title)"),
    "postgresql": text("DELETE FROM past_index WHERE text_id = :id"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A text that an article has had: its place in the order of time is that of the article."""

    row: int
    article_id: int
    text_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A text, the number of the revision that last had it, and from when to when that was shown."""

    number: int
    since: datetime
    until: datetime | None
    text: str


def remember(tx: Connection, article_id: int) -> None:
    """Bring what is found of an article's past in line with its revisions."""
    known = set(tx.execute(_KNOWN, {"article": article_id}).scalars())
    wanted = {row.id: row for row in tx.execute(_WANTED, {"article": article_id})}
    _drop(tx, known - wanted.keys())
    for text_id in sorted(wanted.keys() - known):
        tx.execute(_ADD[tx.dialect.name], _values(tx, wanted[text_id]))
        tx.execute(insert(past_texts), {"text_id": text_id, "article_id": article_id})


def forget(tx: Connection, article_id: int) -> None:
    """Let nothing be found of an article's past any more; before its texts are changed."""
    _drop(tx, set(tx.execute(_KNOWN, {"article": article_id}).scalars()))


def _drop(tx: Connection, text_ids: set[int]) -> None:
    if not text_ids:
        return
    for row in tx.execute(_TEXTS, {"ids": sorted(text_ids)}).all():
        tx.execute(_REMOVE[tx.dialect.name], _values(tx, row))
    tx.execute(_FORGET, {"ids": sorted(text_ids)})


def _values(tx: Connection, row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    if tx.dialect.name == "sqlite":
        return {"id": row.id, "text": indexed(row.text), "title": indexed(row.title)}
    return {"id": row.id, "words": postgres.vector(Entry(title=row.title, text=row.text, labels=""))}


def find(
    tx: Connection, node: Node, now: datetime, most: int, *, low: int, high: int, oldest: bool = False
) -> list[Past]:
    """Texts of the past that fulfil a tree, by their articles' time, between two places."""
    order = articles.c.search_row.asc() if oldest else articles.c.search_row.desc()
    statement = (
        select(articles.c.search_row.label("row"), past_texts.c.article_id, past_texts.c.text_id)
        .join(articles, articles.c.id == past_texts.c.article_id)
        .where(_holds(tx, node, now), articles.c.search_row.between(low, high))
        .order_by(order, past_texts.c.text_id.desc())
        .limit(most)
    )
    return [Past(**row._mapping) for row in tx.execute(statement)]


def _holds(tx: Connection, node: Node, now: datetime) -> ColumnElement[bool]:
    if isinstance(node, Words) and node.field in ("", "title"):
        found = matching(node)
        assert found is not None  # words are always looked for in the index
        return past_texts.c.text_id.in_(_found(tx, found))
    if isinstance(node, Not):
        return not_(_holds(tx, node.node, now))
    if isinstance(node, All):
        return and_(*(_holds(tx, one, now) for one in node.nodes))
    if isinstance(node, Either):
        return or_(*(_holds(tx, one, now) for one in node.nodes))
    return condition(tx, node, now)


def _found(tx: Connection, match: Match) -> Select[int]:
    if tx.dialect.name == "sqlite":
        index: ColumnElement[str] = literal_column("past_index")
        holds = index.op("MATCH", is_comparison=True)(bindparam(None, sqlite.spelled(tx, match), unique=True))
        return select(_INDEX.c.rowid).where(holds)
    query = cast(bindparam(None, postgres.spelled(match), unique=True), TSQUERY)
    return select(_INDEX.c.text_id).where(_INDEX.c.words.op("@@", is_comparison=True)(query))


def shown_between(tx: Connection, text_id: int) -> Shown:
    """When a text was shown."""
    row = tx.execute(_REVISION, {"text_id": text_id}).first()
    assert row is not None  # a text of the past is one of a revision
    until = tx.execute(_UNTIL, {"article": row.article_id, "number": row.number}).scalar()
    return Shown(number=row.number, since=row.fetched_at, until=until, text=row.text)


_KNOWN = select(past_texts.c.text_id).where(past_texts.c.article_id == bindparam("article"))
_SHOWN = (
    select(revisions.c.text_id)
    .join(articles, (articles.c.id == revisions.c.article_id) & (articles.c.revision == revisions.c.number))
    .where(articles.c.id == bindparam("article"))
    .scalar_subquery()
)
_WANTED = select(texts.c.id, texts.c.title, texts.c.text).where(
    texts.c.id.in_(select(revisions.c.text_id).where(revisions.c.article_id == bindparam("article"))),
    texts.c.id != _SHOWN,
)
_TEXTS = select(texts.c.id, texts.c.title, texts.c.text).where(texts.c.id.in_(bindparam("ids", expanding=True)))
_FORGET = delete(past_texts).where(past_texts.c.text_id.in_(bindparam("ids", expanding=True)))
_REVISION = (
    select(revisions.c.article_id, revisions.c.number, revisions.c.fetched_at, texts.c.text)
    .join(texts, texts.c.id == revisions.c.text_id)
    .where(revisions.c.text_id == bindparam("text_id"))
    .order_by(revisions.c.number.desc())
    .limit(1)
)
_UNTIL = select(revisions.c.fetched_at).where(
    revisions.c.article_id == bindparam("article"), revisions.c.number == bindparam("number") + 1
)
