"""What a query finds: a page of it, all of it, how many it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import inf
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, or_, select

from storage.db.statements import CompiledStatement
from storage.db.tables import articles, revisions, story_members, texts
from storage.model.search import Query, ResultCount
from storage.search import history
from storage.search.cursor import Cursor, parse_cursor
from storage.search.index.match import Match
from storage.search.index.row_ids import LAST_ROW_ID, time_of_row_id
from storage.search.planner import QueryPlan, match_units, plan_query, searched_terms
from storage.search.query.parser import parse
from storage.search.query.tree import And, DateRange, Field, Node, Not, Or, ParsedQuery, Terms
from storage.search.ranking import RANKED_CHARACTERS, RankCandidate, RankUnit, compute_rarity, rank
from storage.search.scan import TimeScan

PAGE_SECONDS = 0.025
"""How long a page is looked for before an answer stops."""
COUNT_SECONDS = 0.1
MAX_EXACT_COUNT = 10_000
"""Up to so many are counted exactly."""
_MAX_TITLE_CANDIDATES, _MAX_NEWEST_CANDIDATES = 100, 100
"""Articles that are ranked against each other: those with the words in the title, and the newest others."""
_RARITY_SAMPLE = 1_000
"""The newest articles, of which it is counted how many hold a word: it weighs more the rarer it is."""
_BATCH_SIZE = 200
_MAX_RELATED = 500


class ResultRow(NamedTuple):
    """A found article by its place in the index, its id, and what it is a copy of."""

    row_id: int
    article_id: int
    copy_of: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultPage:
    """Articles by their ids, in order, and where the next page begins.

    `past` has the text of each that is found by one which it shows no more.
    """

    ids: list[int]
    past_text_ids: dict[int, int] = field(default_factory=dict)
    cursor: str = ""
    scanned_until: datetime | None = None
    notes: tuple[str, ...] = ()


class QueryRun:
    """A query, asked of an archive at a moment."""

    def __init__(self, tx: Connection, query: Query, now: datetime | None = None, seconds: float | None = None) -> None:
        self._tx = tx
        self._seconds = PAGE_SECONDS if seconds is None else seconds
        self._query = query
        self._now = now or datetime.now(UTC)
        self.parsed = parse(query.words)
        self.terms = searched_terms(self.parsed)
        self._order = self.parsed.sort or query.order
        self._scan = TimeScan(tx, plan_query(build_query_tree(self.parsed, query), self._now), self._now)

    @property
    def scan(self) -> TimeScan:
        """The way through what is found."""
        return self._scan

    def fetch_page(self) -> ResultPage:
        """The articles of a page."""
        cursor, notes = parse_cursor(self._query.cursor, self._order)
        most = max(self._query.limit if self._query.limit is not None else _BATCH_SIZE, 0)
        if not most:
            return ResultPage(ids=[], notes=notes)
        if self._order == "best" and self.terms and not self.parsed.includes_history:
            return self._page_by_rank(cursor, most, notes)
        if self._order == "changed":
            return self._page_by_change(cursor, most, notes)
        return self._page_by_time(cursor, most, notes, oldest_first=self._order == "old")

    def iter_ids(self) -> Iterator[int]:
        """Every article that is found, newest (or oldest) first, however long it takes."""
        oldest = self._order == "old"
        low: int | None = None
        high: int | None = None
        left = inf if self._query.limit is None else self._query.limit
        while left > 0:
            found = self._scan.find(
                int(min(_BATCH_SIZE, left)), inf, low_row_id=low, high_row_id=high, oldest_first=oldest
            )
            places = self._load_rows(found.row_ids)
            yield from (one.article_id for one in places)
            left -= len(found.row_ids)
            if found.scanned_until is None or not found.row_ids:
                return
            low, high = (found.scanned_until + 1, None) if oldest else (None, found.scanned_until - 1)

    def find_arrived(self, after: int, most: int, until_id: int | None = None) -> tuple[list[int], int]:
        """The ids of up to so many articles that are found among those kept after an id, in the order they came.

        With the id up to which was looked, which is `upto` or a little more where that is given. Of an original and
        its copies only the first that came is meant.
        """
        found: list[int] = []
        while (until_id is None or after < until_id) and (
            some := _SELECT_ARRIVED.all(self._tx, {"after": after, "most": _BATCH_SIZE})
        ):
            holds = set(self.filter_row_ids([one.search_row for one in some]))
            copied = set(_SELECT_COPIED.all(self._tx, {"ids": [one.id for one in some]}))
            for one in some:
                alone = one.copy_of is None and (one.id,) not in copied
                if one.search_row in holds and (alone or self._is_first_arrived(one.id, one.copy_of or one.id)):
                    found.append(one.id)
                after = one.id
                if len(found) == most:
                    return found, after
        return found, after

    def find_edited(self, since: datetime, most: int) -> list[int]:
        """The ids of up to so many articles that are found and were edited from a time on, the last edit first."""
        found: list[int] = []
        at, last = None, None
        while edits := self._tx.execute(
            _SELECT_EDITS if at is None else _SELECT_EDITS_BEFORE, {"at": at, "article": last}
        ).all():
            recent = [edit for edit in edits if edit.fetched_at >= since]
            holds = set(self.filter_row_ids([edit.search_row for edit in recent]))
            found += [edit.article_id for edit in recent if edit.search_row in holds]
            if len(found) >= most or len(recent) < _BATCH_SIZE:
                return found[:most]
            at, last = edits[-1].fetched_at, edits[-1].article_id
        return found

    def count(self) -> ResultCount:
        """How many are found, copies too."""
        number, exact = self._scan.count(MAX_EXACT_COUNT + 1, COUNT_SECONDS)
        return ResultCount(number=min(number, MAX_EXACT_COUNT), is_exact=exact and number <= MAX_EXACT_COUNT)

    def _page_by_time(self, cursor: Cursor, most: int, notes: tuple[str, ...], *, oldest_first: bool) -> ResultPage:
        shown: list[ResultRow] = []
        at = cursor.row_id
        found_past: dict[int, int] = {}
        while (wanted := most - len(shown)) > 0:
            low = at + 1 if oldest_first and at is not None else None
            high = at - 1 if not oldest_first and at is not None else None
            found = self._scan.find(
                wanted + 1, self._seconds, low_row_id=low, high_row_id=high, oldest_first=oldest_first
            )
            rows, reached = found.row_ids[:wanted], found.scanned_until
            if len(found.row_ids) > wanted:
                reached = rows[-1]
            places = self._load_rows(rows)
            if self.parsed.includes_history:
                places, more, reached = self._add_past_texts(
                    places, reached, wanted, low, high, oldest_first=oldest_first
                )
                found_past |= more
            shown += self._collapse(places, oldest_first=oldest_first)
            at = reached
            if at is None or len(places) < wanted:
                break
        stopped = at is not None and len(shown) < most
        return ResultPage(
            ids=[one.article_id for one in shown],
            past_text_ids=found_past,
            cursor=Cursor(order=self._order, row_id=at).format() if at is not None else "",
            scanned_until=time_of_row_id(at) if stopped and at is not None else None,
            notes=notes,
        )

    def _add_past_texts(
        self,
        places: list[ResultRow],
        reached: int | None,
        most: int,
        low: int | None,
        high: int | None,
        *,
        oldest_first: bool,
    ) -> tuple[list[ResultRow], dict[int, int], int | None]:
        """The places of a page with those found by texts that were there before an edit, in their order."""
        node = build_query_tree(self.parsed, self._query)
        if node is None:
            return places, {}, reached
        first = max(
            self._scan.low_row_id, low if low is not None else 0, reached if reached and not oldest_first else 0
        )
        last = min(
            self._scan.high_row_id,
            *(end for end in (high, reached if oldest_first else None) if end is not None),
            LAST_ROW_ID,
        )
        then = history.find_past_texts(
            self._tx, node, self._now, most, low_row_id=first, high_row_id=last, oldest_first=oldest_first
        )
        known = {one.article_id for one in places}
        texts_of = {one.article_id: one.text_id for one in reversed(then) if one.article_id not in known}
        added = [
            ResultRow(one.row_id, one.article_id, None) for one in then if texts_of.get(one.article_id) == one.text_id
        ]
        together = sorted([*places, *added], key=lambda one: one.row_id, reverse=not oldest_first)
        if len(together) > most or len(then) == most:
            together = together[:most]
            reached = together[-1].row_id
        shown = {one.article_id for one in together}
        return together, {number: text for number, text in texts_of.items() if number in shown}, reached

    def _page_by_rank(self, cursor: Cursor, most: int, notes: tuple[str, ...]) -> ResultPage:
        """The best of a set: those with the words in the title, and the newest others; then those of the next set."""
        now = cursor.now or self._now
        first = cursor.first_row_id if cursor.first_row_id is not None else self._scan.high_row_id
        high = cursor.row_id if cursor.row_id is not None else first
        titled = self._find_in_titles(first)
        newest = self._scan.find(_MAX_NEWEST_CANDIDATES, self._seconds, high_row_id=high)
        rows = list(dict.fromkeys([*titled, *newest.row_ids] if high == first else newest.row_ids))
        if high != first:
            rows = [row for row in rows if row not in set(titled)]
        order = self._collapse(self._load_rows(self._rank(rows, now)), is_ranked=True)
        shown = order[cursor.offset : cursor.offset + most]
        end = cursor.offset + len(shown)
        if end < len(order):
            following = Cursor(order="best", now=now, first_row_id=first, row_id=high, offset=end).format()
        elif newest.scanned_until is not None:
            following = Cursor(order="best", now=now, first_row_id=first, row_id=newest.scanned_until - 1).format()
        else:
            following = ""
        return ResultPage(
            ids=[one.article_id for one in shown],
            cursor=following,
            scanned_until=time_of_row_id(newest.scanned_until) if newest.scanned_until is not None else None,
            notes=notes,
        )

    def _find_in_titles(self, high: int) -> list[int]:
        """Places of articles that have all the words in their titles."""
        titled = _restrict_to_titles(build_query_tree(self.parsed, self._query))
        if titled is None:
            return []
        walk = TimeScan(self._tx, plan_query(titled, self._now), self._now)
        return walk.find(_MAX_TITLE_CANDIDATES, self._seconds / 2, high_row_id=high).row_ids

    def _rank(self, rows: Sequence[int], now: datetime) -> list[int]:
        found = [RankCandidate(**row._asdict()) for row in _SELECT_CANDIDATES.all(self._tx, {"rows": list(rows)})]
        matches = match_units(self.terms)
        if len(matches) < 2:
            return rank(found, [RankUnit(match=one) for one in matches], now)
        low = _SELECT_SAMPLE_ROW_ID.scalar(self._tx, {"most": _RARITY_SAMPLE}) or 0
        many = _RARITY_SAMPLE if low else _SELECT_MAX_ID.scalar(self._tx) or 1
        return rank(
            found,
            [RankUnit(match=one, rarity=compute_rarity(self._count_matching(one, low), many)) for one in matches],
            now,
        )

    def _count_matching(self, match: Match, low: int) -> int:
        """How many of the articles from a place on hold something."""
        walk = TimeScan(self._tx, QueryPlan(match=match), self._now)
        return walk.count_between(max(low, walk.low_row_id), walk.high_row_id)

    def _page_by_change(self, cursor: Cursor, most: int, notes: tuple[str, ...]) -> ResultPage:
        """Those that were edited, the last edit first."""
        shown: list[int] = []
        at, last = cursor.now, cursor.row_id
        while True:
            edits = self._tx.execute(
                _SELECT_EDITS if at is None else _SELECT_EDITS_BEFORE, {"at": at, "article": last}
            ).all()
            holds = set(self.filter_row_ids([edit.search_row for edit in edits]))
            for edit in edits:
                at, last = edit.fetched_at, edit.article_id
                if edit.search_row in holds:
                    shown.append(edit.article_id)
                if len(shown) == most:
                    return ResultPage(
                        ids=shown, cursor=Cursor(order="changed", now=at, row_id=last).format(), notes=notes
                    )
            if len(edits) < _BATCH_SIZE:
                return ResultPage(ids=shown, notes=notes)

    def filter_row_ids(self, rows: Sequence[int]) -> list[int]:
        """Which of some places are found."""
        if not rows:
            return []
        statement = self._scan.select_row_ids(self._scan.low_row_id, self._scan.high_row_id).where(
            self._scan.row_id_column.in_(rows)
        )
        return list(self._tx.execute(statement).scalars())

    def _load_rows(self, rows: Sequence[int]) -> list[ResultRow]:
        if not rows:
            return []
        known = {row.search_row: ResultRow(*row) for row in _SELECT_ROWS.all(self._tx, {"rows": list(rows)})}
        return [known[row] for row in rows if row in known]

    def _collapse(
        self, places: Sequence[ResultRow], *, oldest_first: bool = False, is_ranked: bool = False
    ) -> list[ResultRow]:
        """Without those that another one stands for: a copy's original, and of a story the one that comes first."""
        if self.parsed.group == "story":
            return self._collapse_stories(places, oldest_first=oldest_first, is_ranked=is_ranked)
        if not self._query.collapse:
            return list(places)
        return [one for one in places if one.copy_of is None or self._represents_copies(one)]

    def _is_first_arrived(self, article_id: int, original: int) -> bool:
        """Whether none of an original and its copies that came before is found."""
        family = _SELECT_COPIES.all(self._tx, {"original": original, "most": _MAX_RELATED})
        return not self.filter_row_ids([row.search_row for row in family if row.id < article_id])

    def _represents_copies(self, copy: ResultRow) -> bool:
        """Whether neither its original nor a copy that came before it is found."""
        family = _SELECT_COPIES.all(self._tx, {"original": copy.copy_of, "most": _MAX_RELATED})
        found = set(self.filter_row_ids([row.search_row for row in family]))
        original = next((row.search_row for row in family if row.id == copy.copy_of), None)
        return original not in found and copy.row_id == min(found, default=copy.row_id)

    def _collapse_stories(self, places: Sequence[ResultRow], *, oldest_first: bool, is_ranked: bool) -> list[ResultRow]:
        shown: list[ResultRow] = []
        seen: set[int] = set()
        for one in places:
            story = _SELECT_STORY.scalar(self._tx, {"article": one.copy_of or one.article_id})
            if story in seen:
                continue
            if story is not None:
                seen.add(story)
                if not is_ranked and not self._represents_story(one, story, oldest_first=oldest_first):
                    continue
            shown.append(one)
        return shown

    def _represents_story(self, one: ResultRow, story: int, *, oldest_first: bool) -> bool:
        members = [
            row.search_row for row in _SELECT_STORY_MEMBERS.all(self._tx, {"story": story, "most": _MAX_RELATED})
        ]
        found = self.filter_row_ids(members)
        return one.row_id == (min if oldest_first else max)(found, default=one.row_id)


def build_query_tree(asked: ParsedQuery, query: Query) -> Node | None:
    """The tree of a query with its filters, and without what is muted."""
    parts: list[Node] = [asked.node] if asked.node is not None else []
    if query.words.replace("\0", "").strip() and asked.node is None and not _has_only_options(asked):
        parts.append(_MATCHES_NOTHING)
    parts += [Field(field="topic", name=topic) for topic in query.topics]
    if query.sources:
        parts.append(any_of([Field(field="source", name=source) for source in query.sources]))
    if query.since is not None or query.until is not None:
        parts.append(DateRange(since=query.since, until=query.until))
    parts += [Not(node=node) for rule in query.muted if (node := parse(rule).node) is not None]
    flat = [one for part in parts for one in (part.nodes if isinstance(part, And) else (part,))]
    return And(nodes=tuple(flat)) if len(flat) > 1 else flat[0] if flat else None


def any_of(nodes: Sequence[Node]) -> Node:
    """At least one of some."""
    return Or(nodes=tuple(nodes)) if len(nodes) > 1 else nodes[0]


def _has_only_options(asked: ParsedQuery) -> bool:
    return bool(asked.sort or asked.group or asked.includes_history)


def _restrict_to_titles(node: Node | None) -> Node | None:
    """A tree whose words are looked for in titles alone; None where it has none to look for."""
    moved = False

    def move(one: Node) -> Node:
        nonlocal moved
        if isinstance(one, Terms) and not one.field:
            moved = True
            return replace(one, field="title")
        if isinstance(one, And | Or):
            return replace(one, nodes=tuple(move(each) for each in one.nodes))
        return one

    titled = move(node) if node is not None else None
    return titled if moved else None


_MATCHES_NOTHING = Terms(text="")
_SELECT_ROWS = CompiledStatement(
    select(articles.c.search_row, articles.c.id, articles.c.copy_of).where(
        articles.c.search_row.in_(bindparam("rows", expanding=True))
    )
)
_TEXT_START = func.substr(texts.c.text, 1, RANKED_CHARACTERS).label("text")
_SELECT_CANDIDATES = CompiledStatement(
    select(articles.c.search_row.label("row_id"), articles.c.title, _TEXT_START, articles.c.words, articles.c.sort_time)
    .join(revisions, (revisions.c.article_id == articles.c.id) & (revisions.c.number == articles.c.revision))
    .join(texts, texts.c.id == revisions.c.text_id)
    .where(articles.c.search_row.in_(bindparam("rows", expanding=True)))
)
_SELECT_SAMPLE_ROW_ID = CompiledStatement(
    select(articles.c.search_row).order_by(articles.c.search_row.desc()).offset(bindparam("most")).limit(1)
)
_SELECT_ARRIVED = CompiledStatement(
    select(articles.c.id, articles.c.search_row, articles.c.copy_of)
    .where(articles.c.id > bindparam("after"))
    .order_by(articles.c.id)
    .limit(bindparam("most"))
)
_SELECT_COPIED = CompiledStatement(
    select(articles.c.copy_of).where(articles.c.copy_of.in_(bindparam("ids", expanding=True)))
)
_SELECT_MAX_ID = CompiledStatement(select(func.max(articles.c.id)))
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
_LATER_REVISIONS = revisions.alias()
_SELECT_EDITS = (
    select(revisions.c.fetched_at, revisions.c.article_id, articles.c.search_row)
    .join(articles, articles.c.id == revisions.c.article_id)
    .where(
        revisions.c.number > 1,
        ~select(_LATER_REVISIONS.c.number)
        .where(_LATER_REVISIONS.c.article_id == revisions.c.article_id, _LATER_REVISIONS.c.number > revisions.c.number)
        .exists(),
    )
    .order_by(revisions.c.fetched_at.desc(), revisions.c.article_id.desc())
    .limit(_BATCH_SIZE)
)
_SELECT_EDITS_BEFORE = _SELECT_EDITS.where(
    or_(
        revisions.c.fetched_at < bindparam("at"),
        (revisions.c.fetched_at == bindparam("at")) & (revisions.c.article_id < bindparam("article")),
    )
)
