"""Archived feeds (RFC 5005, section 4): fixed pages of articles in the order of arrival.

A full page never changes: later arrivals go to later pages, whatever their publication time, and edits appear in the
feed itself. The URL of a page thus always lists the same articles, except those that were merged since.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from storage.db.database import Database, acquire_write_lock
from storage.db.statements import batched, upsert_statements
from storage.db.tables import archived_feeds, articles, feed_pages
from storage.model.search import Query
from storage.search.finder import QueryRun

PAGE_SIZE = 50
"""Number of articles on a page."""
EDITED_WITHIN = timedelta(days=7)
"""Maximum age of an edit for which an article appears in the feed again."""
_ARTICLES_PER_STEP = 2_000
"""Number of articles that are examined before the progress and the full pages are stored."""
_MAX_SECONDS = 0.5
"""Maximum seconds that a request waits for new pages; the next request continues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedArchive:
    """Pages of a feed: number of full pages, articles after them, and recently edited articles.

    `is_complete` is True if all articles of the archive were examined.
    """

    page_count: int
    pending_ids: tuple[int, ...]
    edited_ids: tuple[int, ...]
    is_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _ArchiveState:
    last_article_id: int = 0
    pending_ids: tuple[int, ...] = ()
    page_count: int = 0


def update_feed_archive(database: Database, feed: str, query: Query, now: datetime) -> FeedArchive:
    """Add the articles that arrived since the last update to the pages; stop after half a second."""
    state, complete = _fill_pages(database, feed, query, now)
    with database.read() as tx:
        edited = tuple(QueryRun(tx, query, now).find_edited(now - EDITED_WITHIN, PAGE_SIZE))
    return FeedArchive(
        page_count=state.page_count, pending_ids=state.pending_ids, edited_ids=edited, is_complete=complete
    )


def _fill_pages(database: Database, feed: str, query: Query, now: datetime) -> tuple[_ArchiveState, bool]:
    """Fill pages until all articles are examined or time is up; return the state and whether it is complete."""
    digest = _query_digest(query)
    started = time.monotonic()
    while True:
        with database.read() as tx:
            state = _load_state(tx, feed, digest)
            last = tx.execute(_SELECT_NEWEST_ARTICLE_ID).scalar() or 0
            matches, seen = QueryRun(tx, query, now).find_arrived(
                state.last_article_id, _ARTICLES_PER_STEP, until_id=state.last_article_id + _ARTICLES_PER_STEP
            )
        ids = (*state.pending_ids, *matches)
        full = len(ids) - len(ids) % PAGE_SIZE
        after = _ArchiveState(
            last_article_id=seen, pending_ids=ids[full:], page_count=state.page_count + full // PAGE_SIZE
        )
        at_end = seen >= last
        is_far_ahead = seen - state.last_article_id > _ARTICLES_PER_STEP
        if not full and (seen == state.last_article_id or (at_end and not is_far_ahead)):
            return after, at_end
        with database.write() as tx:
            _save_progress(tx, feed, digest, state, after, ids[:full])
        if at_end or time.monotonic() - started > _MAX_SECONDS:
            return after, at_end


def find_feeds_behind(tx: Connection) -> list[str]:
    """Return the feeds with pages that are more than one step of articles behind."""
    last = tx.execute(_SELECT_NEWEST_ARTICLE_ID).scalar() or 0
    return list(tx.execute(_SELECT_FEEDS_BEHIND, {"least": last - _ARTICLES_PER_STEP}).scalars())


def load_feed_page(tx: Connection, feed: str, query: Query, number: int) -> tuple[list[int] | None, int]:
    """Return the article ids of a full page, or None if it does not exist, and the number of pages."""
    state = _load_state(tx, feed, _query_digest(query))
    row = tx.execute(_SELECT_PAGE, {"feed": feed, "page": number}).scalar()
    return (None if row is None or number > state.page_count else json.loads(row)), state.page_count


def _load_state(tx: Connection, feed: str, digest: str) -> _ArchiveState:
    row = tx.execute(_SELECT_STATE, {"feed": feed}).first()
    if row is None or row.query_digest != digest:
        return _ArchiveState()
    return _ArchiveState(
        last_article_id=row.last_article_id,
        pending_ids=tuple(json.loads(row.pending_article_ids)),
        page_count=row.page_count,
    )


def _save_progress(
    tx: Connection, feed: str, digest: str, before: _ArchiveState, after: _ArchiveState, full: tuple[int, ...]
) -> None:
    """Store the progress and the full pages, unless another process has changed the state meanwhile."""
    acquire_write_lock(tx)
    if _load_state(tx, feed, digest) != before:
        return
    if not before.last_article_id:
        tx.execute(_DELETE_PAGES, {"which": feed})
    if full:
        numbered = enumerate(batched(full, PAGE_SIZE), before.page_count + 1)
        rows = [{"feed": feed, "number": number, "article_ids": json.dumps(ids)} for number, ids in numbered]
        tx.execute(insert(feed_pages), rows)
    values = {
        "feed": feed,
        "query_digest": digest,
        "last_article_id": after.last_article_id,
        "pending_article_ids": json.dumps(after.pending_ids),
    }
    tx.execute(_UPSERT_STATE[tx.dialect.name], values | {"page_count": after.page_count})


def _query_digest(query: Query) -> str:
    fields = (query.words, query.topics, query.sources, query.muted)
    return sha256(repr(fields).encode("utf-8", "surrogatepass")).hexdigest()


_SELECT_NEWEST_ARTICLE_ID = select(func.max(articles.c.id))
_SELECT_STATE = select(archived_feeds).where(archived_feeds.c.feed == bindparam("feed"))
_SELECT_FEEDS_BEHIND = (
    select(archived_feeds.c.feed)
    .where(archived_feeds.c.last_article_id < bindparam("least"))
    .order_by(archived_feeds.c.feed)
)
_SELECT_PAGE = select(feed_pages.c.article_ids).where(
    feed_pages.c.feed == bindparam("feed"), feed_pages.c.number == bindparam("page")
)
_DELETE_PAGES = delete(feed_pages).where(feed_pages.c.feed == bindparam("which"))
_UPSERT_STATE = upsert_statements(archived_feeds, "feed")
