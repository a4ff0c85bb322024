"""Collapse copies and stories in results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, or_, select

from storage.db.statements import CompiledStatement
from storage.db.tables import articles, story_members

_MAX_RELATED = 500
"""Largest number of copies or story members that are compared."""


class ResultRow(NamedTuple):
    """A result: row id in the index, article id, and the id of the original if the article is a copy."""

    row_id: int
    article_id: int
    copy_of: int | None


class Collapser:
    """Leaves out results that another result represents.

    `filter_row_ids` returns those of the given row ids that match the query.
    """

    def __init__(
        self,
        tx: Connection,
        filter_row_ids: Callable[[Sequence[int]], list[int]],
        *,
        by_story: bool,
        by_copy: bool,
    ) -> None:
        self._tx = tx
        self._filter_row_ids = filter_row_ids
        self._by_story = by_story
        self._by_copy = by_copy

    def collapse(
        self, rows: Sequence[ResultRow], *, oldest_first: bool = False, is_ranked: bool = False
    ) -> list[ResultRow]:
        """Return the rows without copies whose original matches, or with one row per story."""
        if self._by_story:
            return self._collapse_stories(rows, oldest_first=oldest_first, is_ranked=is_ranked)
        if not self._by_copy:
            return list(rows)
        return [row for row in rows if row.copy_of is None or self._represents_copies(row)]

    def is_first_arrived(self, article_id: int, original: int) -> bool:
        """Return whether no earlier article among the original and its copies matches."""
        family = _SELECT_COPIES.all(self._tx, {"original": original, "most": _MAX_RELATED})
        return not self._filter_row_ids([row.search_row for row in family if row.id < article_id])

    def _represents_copies(self, copy: ResultRow) -> bool:
        """Return whether neither the original nor an earlier copy matches."""
        family = _SELECT_COPIES.all(self._tx, {"original": copy.copy_of, "most": _MAX_RELATED})
        matching = set(self._filter_row_ids([row.search_row for row in family]))
        original = next((row.search_row for row in family if row.id == copy.copy_of), None)
        return original not in matching and copy.row_id == min(matching, default=copy.row_id)

    def _collapse_stories(self, rows: Sequence[ResultRow], *, oldest_first: bool, is_ranked: bool) -> list[ResultRow]:
        shown: list[ResultRow] = []
        seen: set[int] = set()
        for row in rows:
            story = _SELECT_STORY.scalar(self._tx, {"article": row.copy_of or row.article_id})
            if story in seen:
                continue
            if story is not None:
                seen.add(story)
                if not is_ranked and not self._represents_story(row, story, oldest_first=oldest_first):
                    continue
            shown.append(row)
        return shown

    def _represents_story(self, row: ResultRow, story: int, *, oldest_first: bool) -> bool:
        members = _SELECT_STORY_MEMBERS.all(self._tx, {"story": story, "most": _MAX_RELATED})
        matching = self._filter_row_ids([member.search_row for member in members])
        return row.row_id == (min if oldest_first else max)(matching, default=row.row_id)


_SELECT_COPIES = CompiledStatement(
    select(articles.c.id, articles.c.search_row)
    .where(or_(articles.c.id == bindparam("original"), articles.c.copy_of == bindparam("original")))
    .limit(bindparam("most"))
)
_SELECT_STORY = CompiledStatement(
    select(story_members.c.story_id).where(story_members.c.article_id == bindparam("article"))
)
_SELECT_STORY_MEMBERS = CompiledStatement(
    select(articles.c.search_row)
    .join(story_members, story_members.c.article_id == articles.c.id)
    .where(story_members.c.story_id == bindparam("story"))
    .order_by(articles.c.search_row.desc())
    .limit(bindparam("most"))
)
