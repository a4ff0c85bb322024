"""How a feed goes back to its first day: which pages it has, and what stands in itself beside what it lists."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from aggregator.web.requests import ENTRIES, FeedAsked
from storage.library import Library
from storage.model.search import Query
from storage.readers.archived_feeds import FeedArchive

_APART = 1.0
"""Seconds between two readers who wait for the same large feed to be cut; the others are answered at once."""


class Pages:
    """The pages of an archive's feeds. `now` is what lately is counted from."""

    def __init__(self, library: Library, now: Callable[[], datetime]) -> None:
        self._library, self._now = library, now
        self._unfinished: dict[str, float] = {}

    def archive(self, asked: FeedAsked, query: Query) -> FeedArchive | None:
        """How far a feed is cut; None for one that is in no pages, or of which something else is asked for."""
        # What shows less than all that is new cannot lead on to pages, and JSON Feed knows none.
        is_apart = (asked.limit < ENTRIES or asked.form == "json") and asked.order != "arrival"
        if not asked.is_archived or asked.cursor or is_apart:
            return None
        last = self._unfinished.get(asked.path)
        if last is not None:
            if time.monotonic() - last < _APART:
                return None
            self._unfinished[asked.path] = time.monotonic()
        found = self._library.feed_archive(asked.path, _whole(query), self._now())
        if found.complete:
            self._unfinished.pop(asked.path, None)
            return found
        self._unfinished[asked.path] = time.monotonic()
        # Until all is cut the feed is what it would be without pages: the same for who asks again.
        return found if asked.order == "arrival" else None

    def cut_on(self, path: str, query: Query) -> bool:
        """Cut a feed for half a second; whether all of it is cut."""
        return self._library.feed_archive(path, _whole(query), self._now()).complete

    def page(self, asked: FeedAsked, query: Query) -> tuple[list[int] | None, int]:
        """The articles of the page that is asked for, or None where there is none, and how many pages there are."""
        return self._library.feed_page(asked.path, _whole(query), asked.page)

    def besides(self, asked: FeedAsked, query: Query, archive: FeedArchive | None) -> list[int]:
        """What else stands in the feed: all that is in no page yet, so that nothing is missed, and what was edited.

        In the order of arrival that is everything, the last first.
        """
        if archive is None:
            return []
        ids = list(archive.waiting)
        number = archive.pages
        while asked.order == "arrival" and number and len(ids) < asked.limit:
            page, _ = self.page(of_page(asked, number), query)
            ids = [*(page or []), *ids]
            number -= 1
        if asked.limit < ENTRIES:
            return ids[::-1][: asked.limit]
        return list(dict.fromkeys([*ids[::-1], *archive.edited]))


def leads_back(asked: FeedAsked, archive: FeedArchive) -> bool:
    """Whether a feed may name its last page: JSON Feed cannot, and one that shows less than what is new must not."""
    return archive.complete and asked.form != "json" and asked.limit >= ENTRIES


def of_page(asked: FeedAsked, number: int) -> FeedAsked:
    """A page of the same feed."""
    return FeedAsked(path=asked.path, form=asked.form, full=asked.full, page=number)


def _whole(query: Query) -> Query:
    """What a feed asks, whatever is shown of it at once."""
    return replace(query, limit=None, cursor="")
