"""What a query finds: a page of it, all of it, how many it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import inf
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, or_, select

from storage.db.statements import Ready
from storage.db.tables import articles, revisions, tellers, texts
from storage.model.search import Count, Query
from storage.search import history as past
from storage.search.cursor import Cursor, read_cursor
from storage.search.index.match import Match
from storage.search.index.row_ids import LAST_ROW, moment_of
from storage.search.planner import Plan, plan, sought, units
from storage.search.query.parser import read
from storage.search.query.tree import All, Any, Asked, Dated, Named, Node, Not, Words
from storage.search.ranking import CHARACTERS, Candidate, Unit, ranked, rarity
from storage.search.scan import Walk

SECONDS = 0.025
"""How long a page is looked for before an answer stops."""
COUNT_SECONDS = 0.1
COUNTED = 10_000
"""Up to so many are counted exactly."""
_TITLED, _NEWEST = 100, 100
"""Articles that are ranked against each other: those with the words in the title, and the newest others."""
_SAMPLE = 1_000
"""The newest articles, of which it is counted how many hold a word: it weighs more the rarer it is."""
_BATCH = 200
_FAMILY = 500


class Place(NamedTuple):
    """A found article by its place in the index, its id, and what it is a copy of."""

    row: int
    article_id: int
    copy_of: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Articles by their ids, in order, and where the next page begins.

    `past` has the text of each that is found by one which it shows no more.
    """

    ids: list[int]
    past: dict[int, int] = field(default_factory=dict)
    cursor: str = ""
    reached: datetime | None = None
    notes: tuple[str, ...] = ()


class Finder:
    """A query, asked of an archive at a moment."""

    def __init__(self, tx: Connection, query: Query, now: datetime | None = None, seconds: float | None = None) -> None:
        self._tx = tx
        self._seconds = SECONDS if seconds is None else seconds
        self._query = query
        self._now = now or datetime.now(UTC)
        self.asked = read(query.words)
        self.words = sought(self.asked)
        self._order = self.asked.sort or query.order
        self._walk = Walk(tx, plan(whole(self.asked, query), self._now), self._now)

    @property
    def walk(self) -> Walk:
        """The way through what is found."""
        return self._walk

    def page(self) -> Page:
        """The articles of a page."""
        cursor, notes = read_cursor(self._query.cursor, self._order)
        most = max(self._query.limit if self._query.limit is not None else _BATCH, 0)
        if not most:
            return Page(ids=[], notes=notes)
        if self._order == "best" and self.words and not self.asked.history:
            return self._best(cursor, most, notes)
        if self._order == "changed":
            return self._changed(cursor, most, notes)
        return self._by_time(cursor, most, notes, oldest=self._order == "old")

    def all_ids(self) -> Iterator[int]:
        """Every article that is found, newest (or oldest) first, however long it takes."""
        oldest = self._order == "old"
        low: int | None = None
        high: int | None = None
        left = inf if self._query.limit is None else self._query.limit
        while left > 0:
            found = self._walk.rows(int(min(_BATCH, left)), inf, low=low, high=high, oldest=oldest)
            places = self._places(found.rows)
            yield from (one.article_id for one in places)
            left -= len(found.rows)
            if found.reached is None or not found.rows:
                return
            low, high = (found.reached + 1, None) if oldest else (None, found.reached - 1)

    def arrived(self, after: int, most: int, upto: int | None = None) -> tuple[list[int], int]:
        """The ids of up to so many articles that are found among those kept after an id, in the order they came.

        With the id up to which was looked, which is `upto` or a little more where that is given. Of an original and
        its copies only the first that came is meant.
        """
        found: list[int] = []
        while (upto is None or after < upto) and (some := _ARRIVED.all(self._tx, {"after": after, "most": _BATCH})):
            holds = set(self.among([one.search_row for one in some]))
            copied = set(_COPIED.all(self._tx, {"ids": [one.id for one in some]}))
            for one in some:
                alone = one.copy_of is None and (one.id,) not in copied
                if one.search_row in holds and (alone or self._is_first_of_its_own(one.id, one.copy_of or one.id)):
                    found.append(one.id)
                after = one.id
                if len(found) == most:
                    return found, after
        return found, after

    def edited(self, since: datetime, most: int) -> list[int]:
        """The ids of up to so many articles that are found and were edited from a time on, the last edit first."""
        found: list[int] = []
        at, last = None, None
        while edits := self._tx.execute(_EDITS if at is None else _EDITS_BEFORE, {"at": at, "article": last}).all():
            recent = [edit for edit in edits if edit.fetched_at >= since]
            holds = set(self.among([edit.search_row for edit in recent]))
            found += [edit.article_id for edit in recent if edit.search_row in holds]
            if len(found) >= most or len(recent) < _BATCH:
                return found[:most]
            at, last = edits[-1].fetched_at, edits[-1].article_id
        return found

    def count(self) -> Count:
        """How many are found, copies too."""
        number, exact = self._walk.number(COUNTED + 1, COUNT_SECONDS)
        return Count(number=min(number, COUNTED), exact=exact and number <= COUNTED)

    def _by_time(self, cursor: Cursor, most: int, notes: tuple[str, ...], *, oldest: bool) -> Page:
        shown: list[Place] = []
        at = cursor.row
        found_past: dict[int, int] = {}
        while (wanted := most - len(shown)) > 0:
            low = at + 1 if oldest and at is not None else None
            high = at - 1 if not oldest and at is not None else None
            found = self._walk.rows(wanted + 1, self._seconds, low=low, high=high, oldest=oldest)
            rows, reached = found.rows[:wanted], found.reached
            if len(found.rows) > wanted:
                reached = rows[-1]
            places = self._places(rows)
            if self.asked.history:
                places, more, reached = self._with_past(places, reached, wanted, low, high, oldest=oldest)
                found_past |= more
            shown += self._collapsed(places, oldest=oldest)
            at = reached
            if at is None or len(places) < wanted:
                break
        stopped = at is not None and len(shown) < most
        return Page(
            ids=[one.article_id for one in shown],
            past=found_past,
            cursor=Cursor(order=self._order, row=at).spell() if at is not None else "",
            reached=moment_of(at) if stopped and at is not None else None,
            notes=notes,
        )

    def _with_past(
        self, places: list[Place], reached: int | None, most: int, low: int | None, high: int | None, *, oldest: bool
    ) -> tuple[list[Place], dict[int, int], int | None]:
        """The places of a page with those found by texts that were there before an edit, in their order."""
        node = whole(self.asked, self._query)
        if node is None:
            return places, {}, reached
        first = max(self._walk.low, low if low is not None else 0, reached if reached and not oldest else 0)
        last = min(self._walk.high, *(end for end in (high, reached if oldest else None) if end is not None), LAST_ROW)
        then = past.find(self._tx, node, self._now, most, low=first, high=last, oldest=oldest)
        known = {one.article_id for one in places}
        texts_of = {one.article_id: one.text_id for one in reversed(then) if one.article_id not in known}
        added = [Place(one.row, one.article_id, None) for one in then if texts_of.get(one.article_id) == one.text_id]
        together = sorted([*places, *added], key=lambda one: one.row, reverse=not oldest)
        if len(together) > most or len(then) == most:
            together = together[:most]
            reached = together[-1].row
        shown = {one.article_id for one in together}
        return together, {number: text for number, text in texts_of.items() if number in shown}, reached

    def _best(self, cursor: Cursor, most: int, notes: tuple[str, ...]) -> Page:
        """The best of a set: those with the words in the title, and the newest others; then those of the next set."""
        now = cursor.now or self._now
        first = cursor.first if cursor.first is not None else self._walk.high
        high = cursor.row if cursor.row is not None else first
        titled = self._titled(first)
        newest = self._walk.rows(_NEWEST, self._seconds, high=high)
        rows = list(dict.fromkeys([*titled, *newest.rows] if high == first else newest.rows))
        if high != first:
            rows = [row for row in rows if row not in set(titled)]
        order = self._collapsed(self._places(self._ranked(rows, now)), is_ranked=True)
        shown = order[cursor.offset : cursor.offset + most]
        end = cursor.offset + len(shown)
        if end < len(order):
            following = Cursor(order="best", now=now, first=first, row=high, offset=end).spell()
        elif newest.reached is not None:
            following = Cursor(order="best", now=now, first=first, row=newest.reached - 1).spell()
        else:
            following = ""
        return Page(
            ids=[one.article_id for one in shown],
            cursor=following,
            reached=moment_of(newest.reached) if newest.reached is not None else None,
            notes=notes,
        )

    def _titled(self, high: int) -> list[int]:
        """Places of articles that have all the words in their titles."""
        titled = _in_titles(whole(self.asked, self._query))
        if titled is None:
            return []
        walk = Walk(self._tx, plan(titled, self._now), self._now)
        return walk.rows(_TITLED, self._seconds / 2, high=high).rows

    def _ranked(self, rows: Sequence[int], now: datetime) -> list[int]:
        found = [Candidate(**row._asdict()) for row in _CANDIDATES.all(self._tx, {"rows": list(rows)})]
        matches = units(self.words)
        if len(matches) < 2:
            return ranked(found, [Unit(match=one) for one in matches], now)
        low = _SAMPLED.scalar(self._tx, {"most": _SAMPLE}) or 0
        many = _SAMPLE if low else _MANY.scalar(self._tx) or 1
        return ranked(found, [Unit(match=one, rarity=rarity(self._holding(one, low), many)) for one in matches], now)

    def _holding(self, match: Match, low: int) -> int:
        """How many of the articles from a place on hold something."""
        walk = Walk(self._tx, Plan(match=match), self._now)
        return walk.number_between(max(low, walk.low), walk.high)

    def _changed(self, cursor: Cursor, most: int, notes: tuple[str, ...]) -> Page:
        """Those that were edited, the last edit first."""
        shown: list[int] = []
        at, last = cursor.now, cursor.row
        while True:
            edits = self._tx.execute(_EDITS if at is None else _EDITS_BEFORE, {"at": at, "article": last}).all()
            holds = set(self.among([edit.search_row for edit in edits]))
            for edit in edits:
                at, last = edit.fetched_at, edit.article_id
                if edit.search_row in holds:
                    shown.append(edit.article_id)
                if len(shown) == most:
                    return Page(ids=shown, cursor=Cursor(order="changed", now=at, row=last).spell(), notes=notes)
            if len(edits) < _BATCH:
                return Page(ids=shown, notes=notes)

    def among(self, rows: Sequence[int]) -> list[int]:
        """Which of some places are found."""
        if not rows:
            return []
        statement = self._walk.statement(self._walk.low, self._walk.high).where(self._walk.row.in_(rows))
        return list(self._tx.execute(statement).scalars())

    def _places(self, rows: Sequence[int]) -> list[Place]:
        if not rows:
            return []
        known = {row.search_row: Place(*row) for row in _PLACES.all(self._tx, {"rows": list(rows)})}
        return [known[row] for row in rows if row in known]

    def _collapsed(self, places: Sequence[Place], *, oldest: bool = False, is_ranked: bool = False) -> list[Place]:
        """Without those that another one stands for: a copy's original, and of a story the one that comes first."""
        if self.asked.group == "story":
            return self._one_a_story(places, oldest=oldest, is_ranked=is_ranked)
        if not self._query.collapse:
            return list(places)
        return [one for one in places if one.copy_of is None or self._stands_for_its_own(one)]

    def _is_first_of_its_own(self, article_id: int, original: int) -> bool:
        """Whether none of an original and its copies that came before is found."""
        family = _COPIES.all(self._tx, {"original": original, "most": _FAMILY})
        return not self.among([row.search_row for row in family if row.id < article_id])

    def _stands_for_its_own(self, copy: Place) -> bool:
        """Whether neither its original nor a copy that came before it is found."""
        family = _COPIES.all(self._tx, {"original": copy.copy_of, "most": _FAMILY})
        found = set(self.among([row.search_row for row in family]))
        original = next((row.search_row for row in family if row.id == copy.copy_of), None)
        return original not in found and copy.row == min(found, default=copy.row)

    def _one_a_story(self, places: Sequence[Place], *, oldest: bool, is_ranked: bool) -> list[Place]:
        shown: list[Place] = []
        seen: set[int] = set()
        for one in places:
            story = _STORY.scalar(self._tx, {"article": one.copy_of or one.article_id})
            if story in seen:
                continue
            if story is not None:
                seen.add(story)
                if not is_ranked and not self._comes_first(one, story, oldest=oldest):
                    continue
            shown.append(one)
        return shown

    def _comes_first(self, one: Place, story: int, *, oldest: bool) -> bool:
        members = [row.search_row for row in _MEMBERS.all(self._tx, {"story": story, "most": _FAMILY})]
        found = self.among(members)
        return one.row == (min if oldest else max)(found, default=one.row)


def whole(asked: Asked, query: Query) -> Node | None:
    """The tree of a query with its filters, and without what is muted."""
    parts: list[Node] = [asked.node] if asked.node is not None else []
    if query.words.replace("\0", "").strip() and asked.node is None and not _is_about_the_answer(asked):
        parts.append(_UNFINDABLE)
    parts += [Named(field="topic", name=topic) for topic in query.topics]
    if query.sources:
        parts.append(either([Named(field="source", name=source) for source in query.sources]))
    if query.since is not None or query.until is not None:
        parts.append(Dated(since=query.since, until=query.until))
    parts += [Not(node=node) for rule in query.muted if (node := read(rule).node) is not None]
    flat = [one for part in parts for one in (part.nodes if isinstance(part, All) else (part,))]
    return All(nodes=tuple(flat)) if len(flat) > 1 else flat[0] if flat else None


def either(nodes: Sequence[Node]) -> Node:
    """At least one of some."""
    return Any(nodes=tuple(nodes)) if len(nodes) > 1 else nodes[0]


def _is_about_the_answer(asked: Asked) -> bool:
    return bool(asked.sort or asked.group or asked.history)


def _in_titles(node: Node | None) -> Node | None:
    """A tree whose words are looked for in titles alone; None where it has none to look for."""
    moved = False

    def move(one: Node) -> Node:
        nonlocal moved
        if isinstance(one, Words) and not one.field:
            moved = True
            return replace(one, field="title")
        if isinstance(one, All | Any):
            return replace(one, nodes=tuple(move(each) for each in one.nodes))
        return one

    titled = move(node) if node is not None else None
    return titled if moved else None


_UNFINDABLE = Words(text="")
_PLACES = Ready(
    select(articles.c.search_row, articles.c.id, articles.c.copy_of).where(
        articles.c.search_row.in_(bindparam("rows", expanding=True))
    )
)
_BEGINNING = func.substr(texts.c.text, 1, CHARACTERS).label("text")
_CANDIDATES = Ready(
    select(articles.c.search_row.label("row"), articles.c.title, _BEGINNING, articles.c.words, articles.c.dated)
    .join(revisions, (revisions.c.article_id == articles.c.id) & (revisions.c.number == articles.c.revision))
    .join(texts, texts.c.id == revisions.c.text_id)
    .where(articles.c.search_row.in_(bindparam("rows", expanding=True)))
)
_SAMPLED = Ready(
    select(articles.c.search_row).order_by(articles.c.search_row.desc()).offset(bindparam("most")).limit(1)
)
_ARRIVED = Ready(
    select(articles.c.id, articles.c.search_row, articles.c.copy_of)
    .where(articles.c.id > bindparam("after"))
    .order_by(articles.c.id)
    .limit(bindparam("most"))
)
_COPIED = Ready(select(articles.c.copy_of).where(articles.c.copy_of.in_(bindparam("ids", expanding=True))))
_MANY = Ready(select(func.max(articles.c.id)))
_COPIES = Ready(
    select(articles.c.id, articles.c.search_row)
    .where(or_(articles.c.id == bindparam("original"), articles.c.copy_of == bindparam("original")))
    .limit(bindparam("most"))
)
_STORY = Ready(select(tellers.c.story_id).where(tellers.c.article_id == bindparam("article")))
_MEMBERS = Ready(
    select(articles.c.search_row)
    .join(tellers, tellers.c.article_id == articles.c.id)
    .where(tellers.c.story_id == bindparam("story"))
    .order_by(articles.c.search_row.desc())
    .limit(bindparam("most"))
)
_LATER = revisions.alias()
_EDITS = (
    select(revisions.c.fetched_at, revisions.c.article_id, articles.c.search_row)
    .join(articles, articles.c.id == revisions.c.article_id)
    .where(
        revisions.c.number > 1,
        ~select(_LATER.c.number)
        .where(_LATER.c.article_id == revisions.c.article_id, _LATER.c.number > revisions.c.number)
        .exists(),
    )
    .order_by(revisions.c.fetched_at.desc(), revisions.c.article_id.desc())
    .limit(_BATCH)
)
_EDITS_BEFORE = _EDITS.where(
    or_(
        revisions.c.fetched_at < bindparam("at"),
        (revisions.c.fetched_at == bindparam("at")) & (revisions.c.article_id < bindparam("article")),
    )
)
