"""Query conditions on article rows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, false, func, not_, or_, select, true

from storage.db.tables import articles, story_members
from storage.search.index import search_index
from storage.search.index.row_ids import first_row_id_from
from storage.search.planner import match_of, time_range
from storage.search.query.tree import And, DateRange, Field, Length, Node, Not, Or, Since, State


def row_condition(tx: Connection, node: Node, now: datetime) -> ColumnElement[bool]:
    """Return the condition that an article row matches a query tree."""
    match = match_of(node)
    if match is not None:
        index = search_index(tx.dialect.name)
        return articles.c.search_row.in_(
            select(index.row_id_column()).select_from(index.index_table()).where(index.match_condition(tx, match))
        )
    if isinstance(node, Not):
        return not_(row_condition(tx, node.node, now))
    if isinstance(node, And):
        return and_(*(row_condition(tx, child, now) for child in node.nodes))
    if isinstance(node, Or):
        return or_(*(row_condition(tx, child, now) for child in node.nodes))
    return _column_condition(node, now)


def _column_condition(node: Node, now: datetime) -> ColumnElement[bool]:
    if isinstance(node, DateRange | Since):
        since, until = time_range(node, now)
        return and_(
            articles.c.search_row >= first_row_id_from(since) if since else true(),
            articles.c.search_row < first_row_id_from(until) if until else true(),
        )
    if isinstance(node, Length):
        return and_(
            articles.c.words >= node.minimum if node.minimum is not None else true(),
            articles.c.words <= node.maximum if node.maximum is not None else true(),
        )
    if isinstance(node, State):
        return articles.c.copy_of.is_not(None) if node.state == "copy" else articles.c.copy_of.is_(None)
    if isinstance(node, Field) and node.field == "story":
        return _in_story(int(node.name))
    return false()


def _in_story(number: int) -> ColumnElement[bool]:
    """Return the condition that an article, or its original, is in the story of the article with this id."""
    named_member, member, named = story_members.alias(), story_members.alias(), articles.alias()
    story = (
        select(named_member.c.story_id)
        .join(named, named_member.c.article_id == func.coalesce(named.c.copy_of, named.c.id))
        .where(named.c.id == number)
        .scalar_subquery()
    )
    members = select(member.c.article_id).where(member.c.story_id == story)
    return or_(articles.c.id.in_(members), articles.c.copy_of.in_(members))
