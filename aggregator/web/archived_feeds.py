"""How a feed goes back to its first day: which pages it has, and what stands in itself beside what it lists."""

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
"""Seconds between two readers who wait for the same large feed to be cut; the others are answered at once."""


class ArchivedFeedPages:
    """The pages of an archive's feeds. `now` is what lately is counted from."""

    def __init__(self, library: Library, now: Callable[[], datetime]) -> None:
        self._library, self._now = library, now
        self._unfinished_at: dict[str, float] = {}

    def find_archive(self, request: FeedRequest, query: Query) -> FeedArchive | None:
        """How far a feed is cut; None for one that is in no pages, or of which something else is asked for."""
        # What shows less than all that is new cannot lead on to pages, and JSON Feed knows none.
        is_apart = (request.limit < DEFAULT_ENTRIES or request.format == "json") and request.order != "arrival"
        if not request.is_archived or request.cursor or is_apart:
            return None
        last = self._unfinished_at.get(request.path)
        if last is not None:
            if time.monotonic() - last < _MIN_CUT_INTERVAL:
                return None
            self._unfinished_at[request.path] = time.monotonic()
        found = self._library.feed_archive(request.path, _without_paging(query), self._now())
        if found.is_complete:
            self._unfinished_at.pop(request.path, None)
            return found
        self._unfinished_at[request.path] = time.monotonic()
        # Until all is cut the feed is what it would be without pages: the same for who asks again.
        return found if request.order == "arrival" else None

    def cut_more(self, path: str, query: Query) -> bool:
        """Cut a feed for half a second; whether all of it is cut."""
        return self._library.feed_archive(path, _without_paging(query), self._now()).is_complete

    def read_page(self, request: FeedRequest, query: Query) -> tuple[list[int] | None, int]:
        """The articles of the page that is asked for, or None where there is none, and how many pages there are."""
        return self._library.feed_page(request.path, _without_paging(query), request.page)

    def list_unpaged(self, request: FeedRequest, query: Query, archive: FeedArchive | None) -> list[int]:
        """What else stands in the feed: all that is in no page yet, so that nothing is missed, and what was edited.

        In the order of arrival that is everything, the last first.
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
    """Whether a feed may name its last page: JSON Feed cannot, and one that shows less than what is new must not."""
    return archive.is_complete and request.format != "json" and request.limit >= DEFAULT_ENTRIES


def request_page(request: FeedRequest, number: int) -> FeedRequest:
    """A page of the same feed."""
    return FeedRequest(path=request.path, format=request.format, full=request.full, page=number)


def _without_paging(query: Query) -> Query:
    """What a feed asks, whatever is shown of it at once."""
    return replace(query, limit=None, cursor="")
