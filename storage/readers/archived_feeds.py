"""Feeds back to their first day (RFC 5005, section 4): pages cut from what arrived, in the order in which it did.

A page that is full never changes: what arrives later, however old it is, comes after it, and an edit shows in the feed
itself. So a page's address leads to the same articles for good, but for those that were joined to others since.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from storage.db.database import Database, write_lock
from storage.db.statements import parts, upserts
from storage.db.tables import archived_feeds, articles, feed_pages
from storage.model.search import Query
from storage.search.finder import Finder

PAGE = 50
"""Articles of a page."""
EDITED = timedelta(days=7)
"""What was edited so lately stands in the feed once more."""
_STRIDE = 2_000
"""Articles that are looked through before it is written down how far that came, with the pages that they fill."""
_PATIENCE = 0.5
"""Seconds that one reader waits for a feed to be cut; the next one goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedArchive:
    """How far a feed is cut: its full pages, the articles that came after them, and those edited lately.

    It is `complete` when everything that arrived was looked through.
    """

    pages: int
    waiting: tuple[int, ...]
    edited: tuple[int, ...]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    seen: int = 0
    waiting: tuple[int, ...] = ()
    pages: int = 0


def feed_archive(database: Database, feed: str, query: Query, now: datetime) -> FeedArchive:
    """Cut what arrived since the last time, as far as that goes in half a second."""
    state, complete = _cut(database, feed, query, now)
    with database.read() as tx:
        edited = tuple(Finder(tx, query, now).edited(now - EDITED, PAGE))
    return FeedArchive(pages=state.pages, waiting=state.waiting, edited=edited, complete=complete)


def _cut(database: Database, feed: str, query: Query, now: datetime) -> tuple[_State, bool]:
    """How far a feed is cut when time is up or all is, and whether all is."""
    asks = _digest(query)
    started = time.monotonic()
    while True:
        with database.read() as tx:
            state = _state(tx, feed, asks)
            last = tx.execute(_LAST).scalar() or 0
            found, seen = Finder(tx, query, now).arrived(state.seen, _STRIDE, upto=state.seen + _STRIDE)
        come = (*state.waiting, *found)
        full = len(come) - len(come) % PAGE
        after = _State(seen=seen, waiting=come[full:], pages=state.pages + full // PAGE)
        at_end = seen >= last
        is_far = seen - state.seen > _STRIDE
        if not full and (seen == state.seen or (at_end and not is_far)):
            return after, at_end
        with database.write() as tx:
            _note(tx, feed, asks, state, after, come[:full])
        if at_end or time.monotonic() - started > _PATIENCE:
            return after, at_end


def feeds_behind(tx: Connection) -> list[str]:
    """The feeds that were begun to be cut, and that are more than a stride behind."""
    last = tx.execute(_LAST).scalar() or 0
    return list(tx.execute(_BEHIND, {"least": last - _STRIDE}).scalars())


def feed_page(tx: Connection, feed: str, query: Query, number: int) -> tuple[list[int] | None, int]:
    """The articles of a full page, and how many pages there are; None where there is no such page."""
    state = _state(tx, feed, _digest(query))
    row = tx.execute(_PAGE, {"feed": feed, "page": number}).scalar()
    return (None if row is None or number > state.pages else json.loads(row)), state.pages


def _state(tx: Connection, feed: str, asks: str) -> _State:
    row = tx.execute(_STATE, {"feed": feed}).first()
    if row is None or row.asks != asks:
        return _State()
    return _State(seen=row.seen_id, waiting=tuple(json.loads(row.waiting)), pages=row.pages)


def _note(tx: Connection, feed: str, asks: str, before: _State, after: _State, full: tuple[int, ...]) -> None:
    """Write down how far was looked and the articles of full pages, unless somebody else did meanwhile."""
    write_lock(tx)
    if _state(tx, feed, asks) != before:
        return
    if not before.seen:
        tx.execute(_FORGET, {"which": feed})
    if full:
        numbered = enumerate(parts(full, PAGE), before.pages + 1)
        rows = [{"feed": feed, "number": number, "article_ids": json.dumps(ids)} for number, ids in numbered]
        tx.execute(insert(feed_pages), rows)
    values = {"feed": feed, "asks": asks, "seen_id": after.seen, "waiting": json.dumps(after.waiting)}
    tx.execute(_STATED[tx.dialect.name], values | {"pages": after.pages})


def _digest(query: Query) -> str:
    asked = (query.words, query.topics, query.sources, query.muted)
    return sha256(repr(asked).encode("utf-8", "surrogatepass")).hexdigest()


_LAST = select(func.max(articles.c.id))
_STATE = select(archived_feeds).where(archived_feeds.c.feed == bindparam("feed"))
_BEHIND = (
    select(archived_feeds.c.feed).where(archived_feeds.c.seen_id < bindparam("least")).order_by(archived_feeds.c.feed)
)
_PAGE = select(feed_pages.c.article_ids).where(
    feed_pages.c.feed == bindparam("feed"), feed_pages.c.number == bindparam("page")
)
_FORGET = delete(feed_pages).where(feed_pages.c.feed == bindparam("which"))
_STATED = upserts(archived_feeds, "feed")
