"""WebSub: notify a hub of changed public feeds; the hub notifies their subscribers.

A notification is a request with `hub.mode=publish`, which hubs support although the standard leaves it open. Each feed
is published at most once a minute. After failures the interval grows to an hour.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from aggregator.feeds.formats import FEED_FORMATS
from aggregator.web.requests import FeedRequest
from storage.db.database import Database
from storage.db.statements import batched
from storage.readers import streams
from storage.readers.changed_feeds import ChangePosition, current_position, find_changes

_log = logging.getLogger(__name__)
_CHECK_SECONDS = 5.0
_MIN_PING_INTERVAL = 60.0
"""Seconds between two pings of one feed."""
_MAX_WAIT = 3_600.0
_FEEDS_PER_PING = 60
"""Maximum number of feeds in one ping."""
_TIMEOUT = 20.0
HubPing = Callable[[str, Sequence[str]], None]
"""Notifies a hub of changed feeds; raises OSError if the hub does not accept it."""


def ping_hub(hub: str, feeds: Sequence[str]) -> None:
    """Notify a hub of changed feeds; raise OSError if the hub does not accept it."""
    body = urlencode([("hub.mode", "publish"), *(("hub.url", feed) for feed in feeds)]).encode()
    try:
        with urlopen(Request(hub, data=body), timeout=_TIMEOUT):  # noqa: S310 — checked to be http(s) in the settings
            return
    except (URLError, ValueError) as error:
        raise OSError(str(error)) from error


class HubPublisher:
    """Finds changed feeds and notifies the hub.

    `list_searches` returns the queries of the saved searches by name, `build_url` the URL of a feed.
    """

    def __init__(
        self,
        database: Database,
        hub: str,
        build_url: Callable[[FeedRequest], str],
        list_searches: Callable[[], Mapping[str, str]],
        ping: HubPing = ping_hub,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._hub, self._build_url, self._list_searches = database, hub, build_url, list_searches
        self._ping, self._clock = ping, clock
        self._version = database.data_version()
        with database.read() as tx:
            self._seen_until: ChangePosition = current_position(tx)
        self._changed_paths: dict[str, None] = {}
        self._pinged_at: dict[str, float] = {}
        self._not_before, self._failures = 0.0, 0

    def run(self, is_over: threading.Event) -> None:
        """Publish changes until `is_over` is set. Errors are logged, and the next round tries again."""
        while not is_over.wait(_CHECK_SECONDS):
            try:
                self.ping_changes()
            except Exception:
                _log.exception("event=hub-failed hub=%s", self._hub)

    def ping_changes(self) -> None:
        """Find changed feeds, and ping the hub for those whose last ping is long enough ago."""
        version = self._database.data_version()
        if version != self._version:
            self._find_changes()
            self._version = version
        now = self._clock()
        if now < self._not_before:
            return
        ready = [
            path
            for path in self._changed_paths
            if now - self._pinged_at.get(path, -_MIN_PING_INTERVAL) >= _MIN_PING_INTERVAL
        ]
        feeds = [url for path in ready for url in self._list_urls(path)]
        try:
            for batch in batched(feeds, _FEEDS_PER_PING):
                self._ping(self._hub, batch)
        except OSError as error:
            self._failures += 1
            wait = min(_MIN_PING_INTERVAL * 2 ** (self._failures - 1), _MAX_WAIT)
            self._not_before = now + wait
            _log.warning("event=hub-ping-failed hub=%s error=%s again_in=%ds", self._hub, error, wait)
            return
        self._failures = 0
        for path in ready:
            self._pinged_at[path] = now
            del self._changed_paths[path]

    def _find_changes(self) -> None:
        queries = self._list_searches()
        with self._database.read() as tx:
            changes = find_changes(tx, self._seen_until)
            searches: set[str] = set()
            for batch in batched(changes.ids, streams.MAX_IDS_PER_MATCH):
                by_article = streams.match_searches(tx, queries, batch)
                searches |= {name for names in by_article.values() for name in names}
        self._seen_until = changes.position
        paths = [
            *(["all", "stories"] if changes.ids else []),
            *(["changes"] if changes.has_edits else []),
            *(f"source/{name}" for name in sorted(changes.sources)),
            *(f"topic/{name}" for name in sorted(changes.topics)),
            *(f"search/{name}" for name in sorted(searches)),
        ]
        self._changed_paths |= dict.fromkeys(paths)

    def _list_urls(self, path: str) -> list[str]:
        """Return the URLs of a feed in each format, with summaries and with texts: a hub treats each as a feed."""
        return [
            self._build_url(FeedRequest(path=path, format=form, full=full))
            for form in FEED_FORMATS
            for full in (False, True)
        ]
