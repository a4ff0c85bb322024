"""WebSub: a hub is told which public feeds have changed, and tells who subscribed to them.

A hub is told by `hub.mode=publish`, which is the habit of hubs rather than a part of the standard. Of one feed it is
told at most once a minute; a hub that does not answer is tried again later and later, up to an hour.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from aggregator.feeds.formats import FEEDS
from aggregator.web.requests import FeedAsked
from storage.db.database import Database
from storage.db.statements import parts
from storage.readers import streams
from storage.readers.changed_feeds import Mark, mark_now, touched

_log = logging.getLogger(__name__)
_LOOKS_EVERY = 5.0
_APART = 60.0
"""Seconds between two pings of one feed."""
_LONGEST_WAIT = 3_600.0
_AT_ONCE = 60
"""Feeds that one ping names."""
_TIMEOUT = 20.0
Post = Callable[[str, Sequence[str]], None]
"""Tells a hub of some feeds; raises OSError where it does not take it."""


def post(hub: str, feeds: Sequence[str]) -> None:
    """Tell a hub of some feeds; raises OSError where it does not take it."""
    body = urlencode([("hub.mode", "publish"), *(("hub.url", feed) for feed in feeds)]).encode()
    try:
        with urlopen(Request(hub, data=body), timeout=_TIMEOUT):  # noqa: S310 — checked to be http(s) in the settings
            return
    except (URLError, ValueError) as error:
        raise OSError(str(error)) from error


class Publisher:
    """Finds the feeds that changed and tells the hub of them.

    `words` are those of each saved search, `address` says where a feed lies.
    """

    def __init__(
        self,
        database: Database,
        hub: str,
        address: Callable[[FeedAsked], str],
        words: Callable[[], Mapping[str, str]],
        tell: Post = post,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._hub, self._address, self._words = database, hub, address, words
        self._tell, self._clock = tell, clock
        self._version = database.version()
        with database.read() as tx:
            self._upto: Mark = mark_now(tx)
        self._changed: dict[str, None] = {}
        self._told: dict[str, float] = {}
        self._not_before, self._failures = 0.0, 0

    def run(self, is_over: threading.Event) -> None:
        """Look and tell until it is over. What goes wrong is logged and tried again."""
        while not is_over.wait(_LOOKS_EVERY):
            try:
                self.step()
            except Exception:
                _log.exception("event=hub-failed hub=%s", self._hub)

    def step(self) -> None:
        """Look once, and tell of what may be told of now."""
        version = self._database.version()
        if version != self._version:
            self._look()
            self._version = version
        now = self._clock()
        if now < self._not_before:
            return
        ready = [path for path in self._changed if now - self._told.get(path, -_APART) >= _APART]
        feeds = [one for path in ready for one in self._addresses(path)]
        try:
            for some in parts(feeds, _AT_ONCE):
                self._tell(self._hub, some)
        except OSError as error:
            self._failures += 1
            wait = min(_APART * 2 ** (self._failures - 1), _LONGEST_WAIT)
            self._not_before = now + wait
            _log.warning("event=hub-not-told hub=%s error=%s again_in=%ds", self._hub, error, wait)
            return
        self._failures = 0
        for path in ready:
            self._told[path] = now
            del self._changed[path]

    def _look(self) -> None:
        words = self._words()
        with self._database.read() as tx:
            found = touched(tx, self._upto)
            searches: set[str] = set()
            for some in parts(found.ids, streams.AT_ONCE):
                by_article = streams.found_by(tx, words, some)
                searches |= {name for names in by_article.values() for name in names}
        self._upto = found.upto
        paths = [
            *(["all", "stories"] if found.ids else []),
            *(["changes"] if found.has_edits else []),
            *(f"source/{name}" for name in sorted(found.sources)),
            *(f"topic/{name}" for name in sorted(found.topics)),
            *(f"search/{name}" for name in sorted(searches)),
        ]
        self._changed |= dict.fromkeys(paths)

    def _addresses(self, path: str) -> list[str]:
        """Where a feed lies in each form, with summaries and with texts: each is a feed of its own to a hub."""
        return [self._address(FeedAsked(path=path, form=form, full=full)) for form in FEEDS for full in (False, True)]
