"""Run a query: one page of results, all ids, or their number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import inf

from sqlalchemy import Connection, bindparam, func, or_, select

from storage.db.statements import CompiledStatement
from storage.db.tables import articles, revisions, texts
from storage.model.search import Query, ResultCount
from storage.search import history
from storage.search.collapse import Collapser, ResultRow
from storage.search.cursor import Cursor, parse_cursor
from storage.search.index.match import Match
from storage.search.index.row_ids import LAST_ROW_ID, time_of_row_id
from storage.search.planner import QueryPlan, match_units, plan_query, searched_terms
from storage.search.query.parser import parse
from storage.search.query.tree import And, DateRange, Field, Node, Not, Or, ParsedQuery, Terms
from storage.search.ranking import RANKED_CHARACTERS, RankCandidate, RankUnit, compute_rarity, rank
from storage.search.scan import TimeScan

PAGE_SECONDS = 0.025
"""Time limit of the search for one page of results."""
COUNT_SECONDS = 0.1
MAX_EXACT_COUNT = 10_000
"""Largest number of results that is counted exactly."""
_MAX_TITLE_CANDIDATES, _MAX_NEWEST_CANDIDATES = 100, 100
"""Numbers of articles ranked together: with all terms in the title, and the newest matches."""
_RARITY_SAMPLE = 1_000
"""Number of newest articles in which the frequency of each term is counted for ranking."""
_BATCH_SIZE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultPage:
    """Article ids in order, and the cursor of the next page.

    `past_text_ids` maps an article to the past text that matches, if its current text does not.
    """

    ids: list[int]
    past_text_ids: dict[int, int] = field(default_factory=dict)
    cursor: str = ""
    scanned_until: datetime | None = None
    notes: tuple[str, ...] = ()


class QueryRun:
    """A query prepared for one transaction and one time; `now` is the reference of relative dates."""

    def __init__(self, tx: Connection, query: Query, now: datetime | None = None, seconds: float | None = None) -> None:
        self._tx = tx
        self._seconds = PAGE_SECONDS if seconds is None else seconds
        self._query = query
        self._now = now or datetime.now(UTC)
        self.parsed = parse(query.words)
        self.terms = searched_terms(self.parsed)
        self._order = self.parsed.sort or query.order
        self._scan = TimeScan(tx, plan_query(build_query_tree(self.parsed, query), self._now), self._now)

        self._collapser = Collapser(
            tx, self.filter_row_ids, by_story=self.parsed.group == "story", by_copy=query.collapse
        )

    @property
    def scan(self) -> TimeScan:
        """Scan of the index for the query."""
        return self._scan

    def fetch_page(self) -> ResultPage:
        """Return the page of results at the query's cursor."""
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
        """Yield the ids of all results, newest (or oldest) first, without a time limit."""
        oldest = self._order == "old"
        low: int | None = None
        high: int | None = None
        left = inf if self._query.limit is None else self._query.limit
        while left > 0:
            found = self._scan.find(
                int(min(_BATCH_SIZE, left)), inf, low_row_id=low, high_row_id=high, oldest_first=oldest
            )
            rows = self._load_rows(found.row_ids)
            yield from (row.article_id for row in rows)
            left -= len(found.row_ids)
            if found.scanned_until is None or not found.row_ids:
                return
            low, high = (found.scanned_until + 1, None) if oldest else (None, found.scanned_until - 1)

    def find_arrived(self, after: int, most: int, until_id: int | None = None) -> tuple[list[int], int]:
        """Return up to `most` ids of results after the id `after`, in order of arrival, and the last id examined.

        The search ends at the batch that contains `until_id`. Of an original and its copies only the first is returned.
        """
        arrived: list[int] = []
        while (until_id is None or after < until_id) and (
            batch := _SELECT_ARRIVED.all(self._tx, {"after": after, "most": _BATCH_SIZE})
        ):
            matching = set(self.filter_row_ids([row.search_row for row in batch]))
            copied = set(_SELECT_COPIED.all(self._tx, {"ids": [row.id for row in batch]}))
            for row in batch:
                has_no_copies = row.copy_of is None and (row.id,) not in copied
                if row.search_row in matching and (
                    has_no_copies or self._collapser.is_first_arrived(row.id, row.copy_of or row.id)
                ):
                    arrived.append(row.id)
                after = row.id
                if len(arrived) == most:
                    return arrived, after
        return arrived, after

    def find_edited(self, since: datetime, most: int) -> list[int]:
        """Return up to `most` ids of results edited since a time, latest edit first."""
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
        """Return the number of results, copies included."""
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
            shown += self._collapser.collapse(places, oldest_first=oldest_first)
            at = reached
            if at is None or len(places) < wanted:
                break
        stopped = at is not None and len(shown) < most
        return ResultPage(
            ids=[row.article_id for row in shown],
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
        """Merge results that match by a past text into the rows; return rows, text ids and the last row id."""
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
        known = {row.article_id for row in places}
        texts_of = {past.article_id: past.text_id for past in reversed(then) if past.article_id not in known}
        added = [
            ResultRow(past.row_id, past.article_id, None)
            for past in then
            if texts_of.get(past.article_id) == past.text_id
        ]
        together = sorted([*places, *added], key=lambda row: row.row_id, reverse=not oldest_first)
        if len(together) > most or len(then) == most:
            together = together[:most]
            reached = together[-1].row_id
        shown = {row.article_id for row in together}
        return together, {number: text for number, text in texts_of.items() if number in shown}, reached

    def _page_by_rank(self, cursor: Cursor, most: int, notes: tuple[str, ...]) -> ResultPage:
        """Return a page of ranked results: title matches and the newest matches first, then the next set by time."""
        now = cursor.now or self._now
        first = cursor.first_row_id if cursor.first_row_id is not None else self._scan.high_row_id
        high = cursor.row_id if cursor.row_id is not None else first
        titled = self._find_in_titles(first)
        newest = self._scan.find(_MAX_NEWEST_CANDIDATES, self._seconds, high_row_id=high)
        rows = list(dict.fromkeys([*titled, *newest.row_ids] if high == first else newest.row_ids))
        if high != first:
            rows = [row for row in rows if row not in set(titled)]
        order = self._collapser.collapse(self._load_rows(self._rank(rows, now)), is_ranked=True)
        shown = order[cursor.offset : cursor.offset + most]
        end = cursor.offset + len(shown)
        if end < len(order):
            following = Cursor(order="best", now=now, first_row_id=first, row_id=high, offset=end).format()
        elif newest.scanned_until is not None:
            following = Cursor(order="best", now=now, first_row_id=first, row_id=newest.scanned_until - 1).format()
        else:
            following = ""
        return ResultPage(
            ids=[row.article_id for row in shown],
            cursor=following,
            scanned_until=time_of_row_id(newest.scanned_until) if newest.scanned_until is not None else None,
            notes=notes,
        )

    def _find_in_titles(self, high: int) -> list[int]:
        """Return row ids of articles that have all terms in the title."""
        titled = _restrict_to_titles(build_query_tree(self.parsed, self._query))
        if titled is None:
            return []
        walk = TimeScan(self._tx, plan_query(titled, self._now), self._now)
        return walk.find(_MAX_TITLE_CANDIDATES, self._seconds / 2, high_row_id=high).row_ids

    def _rank(self, rows: Sequence[int], now: datetime) -> list[int]:
        found = [RankCandidate(**row._asdict()) for row in _SELECT_CANDIDATES.all(self._tx, {"rows": list(rows)})]
        matches = match_units(self.terms)
        if len(matches) < 2:
            return rank(found, [RankUnit(match=match) for match in matches], now)
        low = _SELECT_SAMPLE_ROW_ID.scalar(self._tx, {"most": _RARITY_SAMPLE}) or 0
        sampled = _RARITY_SAMPLE if low else _SELECT_MAX_ID.scalar(self._tx) or 1
        return rank(
            found,
            [
                RankUnit(match=match, rarity=compute_rarity(self._count_matching(match, low), sampled))
                for match in matches
            ],
            now,
        )

    def _count_matching(self, match: Match, low: int) -> int:
        """Return the number of articles with a row id of at least `low` that match."""
        walk = TimeScan(self._tx, QueryPlan(match=match), self._now)
        return walk.count_between(max(low, walk.low_row_id), walk.high_row_id)

    def _page_by_change(self, cursor: Cursor, most: int, notes: tuple[str, ...]) -> ResultPage:
        """Return a page of edited results, latest edit first."""
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
        """Return those of the row ids that match the query."""
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


def build_query_tree(asked: ParsedQuery, query: Query) -> Node | None:
    """Return the query tree with the filters of the query and its negated mute rules."""
    parts: list[Node] = [asked.node] if asked.node is not None else []
    if query.words.replace("\0", "").strip() and asked.node is None and not _has_only_options(asked):
        parts.append(_MATCHES_NOTHING)
    parts += [Field(field="topic", name=topic) for topic in query.topics]
    if query.sources:
        parts.append(any_of([Field(field="source", name=source) for source in query.sources]))
    if query.since is not None or query.until is not None:
        parts.append(DateRange(since=query.since, until=query.until))
    parts += [Not(node=node) for rule in query.muted if (node := parse(rule).node) is not None]
    flat = [node for part in parts for node in (part.nodes if isinstance(part, And) else (part,))]
    return And(nodes=tuple(flat)) if len(flat) > 1 else flat[0] if flat else None


def any_of(nodes: Sequence[Node]) -> Node:
    """Return the disjunction of the nodes."""
    return Or(nodes=tuple(nodes)) if len(nodes) > 1 else nodes[0]


def _has_only_options(asked: ParsedQuery) -> bool:
    return bool(asked.sort or asked.group or asked.includes_history)


def _restrict_to_titles(node: Node | None) -> Node | None:
    """Return the tree with its terms restricted to titles; None if it has no terms without a field."""
    moved = False

    def move(part: Node) -> Node:
        nonlocal moved
        if isinstance(part, Terms) and not part.field:
            moved = True
            return replace(part, field="title")
        if isinstance(part, And | Or):
            return replace(part, nodes=tuple(move(child) for child in part.nodes))
        return part

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
