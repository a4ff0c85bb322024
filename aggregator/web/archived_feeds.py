"""Archive pages of feeds (RFC 5005): which pages a feed has, and which entries it lists itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from aggregator.web.requests import DEFAULT_ENTRIES, FeedRequest
from storage.library import Library
from storage.model.search import Query
from storage.readers.archived_feeds import FeedArchive

_MIN_CUT_INTERVAL = 1.0
"""Minimum seconds between two requests that wait while pages of the same large feed are written."""


class ArchivedFeedPages:
    """Archive pages of all feeds; recent edits count back from `now`."""

    def __init__(self, library: Library, now: Callable[[], datetime]) -> None:
        self._library, self._now = library, now
        self._unfinished_at: dict[str, float] = {}

    def find_archive(self, request: FeedRequest, query: Query) -> FeedArchive | None:
        """Return the archive pages that a feed has so far, or None if the requested form of the feed has none."""
        # A feed that shows fewer than all new entries cannot continue with pages, and JSON Feed has no pages.
        has_no_pages = (request.limit < DEFAULT_ENTRIES or request.format == "json") and request.order != "arrival"
        if not request.is_archived or request.cursor or has_no_pages:
            return None
        last = self._unfinished_at.get(request.path)
        if last is not None:
            if time.monotonic() - last < _MIN_CUT_INTERVAL:
                return None
            self._unfinished_at[request.path] = time.monotonic()
        archive = self._library.feed_archive(request.path, _without_paging(query), self._now())
        if archive.is_complete:
            self._unfinished_at.pop(request.path, None)
            return archive
        self._unfinished_at[request.path] = time.monotonic()
        # Until all pages are written, the feed stays as it is without pages, so that repeated requests agree.
        return archive if request.order == "arrival" else None

    def cut_more(self, path: str, query: Query) -> bool:
        """Write pages of a feed for half a second; return whether all are written."""
        return self._library.feed_archive(path, _without_paging(query), self._now()).is_complete

    def read_page(self, request: FeedRequest, query: Query) -> tuple[list[int] | None, int]:
        """Return the ids of the articles on a page, or None without such a page, and the number of pages."""
        return self._library.feed_page(request.path, _without_paging(query), request.page)

    def list_unpaged(self, request: FeedRequest, query: Query, archive: FeedArchive | None) -> list[int]:
        """Return the ids of further articles in the feed: all that are on no page yet, and those edited recently.

        In the order of arrival these are all entries of the feed, newest first.
        """
        if archive is None:
            return []
        ids = list(archive.pending_ids)
        number = archive.page_count
        while request.order == "arrival" and number and len(ids) < request.limit:
            page, _ = self.read_page(request_page(request, number), query)
            ids = [*(page or []), *ids]
            number -= 1
        if request.limit < DEFAULT_ENTRIES:
            return ids[::-1][: request.limit]
        return list(dict.fromkeys([*ids[::-1], *archive.edited_ids]))


def has_archive_link(request: FeedRequest, archive: FeedArchive) -> bool:
    """Return whether a feed links to its last page: not in JSON Feed, and not if it may omit new entries."""
    return archive.is_complete and request.format != "json" and request.limit >= DEFAULT_ENTRIES


def request_page(request: FeedRequest, number: int) -> FeedRequest:
    """Return the request for a page of the same feed."""
    return FeedRequest(path=request.path, format=request.format, full=request.full, page=number)


def _without_paging(query: Query) -> Query:
    """Return the query of a feed without limit and cursor."""
    return replace(query, limit=None, cursor="")
