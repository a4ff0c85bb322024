"""What only the articles' rows know, as a condition on them; words that are bound to it become one too."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, false, func, not_, or_, select, true

from storage.db.tables import articles, tellers
from storage.search.index import index_of
from storage.search.index.row_ids import row_floor
from storage.search.planner import matching, span
from storage.search.query.tree import Ago, All, Any, Dated, Is, Length, Named, Node, Not


def condition(tx: Connection, node: Node, now: datetime) -> ColumnElement[bool]:
    """That an article's row fulfils a tree."""
    found = matching(node)
    if found is not None:
        index = index_of(tx.dialect.name)
        return articles.c.search_row.in_(select(index.row()).select_from(index.alone()).where(index.holds(tx, found)))
    if isinstance(node, Not):
        return not_(condition(tx, node.node, now))
    if isinstance(node, All):
        return and_(*(condition(tx, one, now) for one in node.nodes))
    if isinstance(node, Any):
        return or_(*(condition(tx, one, now) for one in node.nodes))
    return _of_row(node, now)


def _of_row(node: Node, now: datetime) -> ColumnElement[bool]:
    if isinstance(node, Dated | Ago):
        since, until = span(node, now)
        return and_(
            articles.c.search_row >= row_floor(since) if since else true(),
            articles.c.search_row < row_floor(until) if until else true(),
        )
    if isinstance(node, Length):
        return and_(
            articles.c.words >= node.least if node.least is not None else true(),
            articles.c.words <= node.most if node.most is not None else true(),
        )
    if isinstance(node, Is):
        return articles.c.copy_of.is_not(None) if node.state == "copy" else articles.c.copy_of.is_(None)
    if isinstance(node, Named) and node.field == "story":
        return _tells(int(node.name))
    return false()


def _tells(number: int) -> ColumnElement[bool]:
    """That an article or the original of a copy is in the story that the article of a number is in."""
    asked, told, named = tellers.alias(), tellers.alias(), articles.alias()
    story = (
        select(asked.c.story_id)
        .join(named, asked.c.article_id == func.coalesce(named.c.copy_of, named.c.id))
        .where(named.c.id == number)
        .scalar_subquery()
    )
    members = select(told.c.article_id).where(told.c.story_id == story)
    return or_(articles.c.id.in_(members), articles.c.copy_of.in_(members))
