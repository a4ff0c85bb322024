"""Archive with a server, for tests of the server's responses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.testclient import TestClient

from aggregator.alerts.saved_searches import SavedSearch, SavedSearches
from aggregator.stories.assign import recompute_queued
from aggregator.topics.catalogue import load_topics
from aggregator.web.api import Api
from aggregator.web.app import ServerContext, create_app
from aggregator.web.feed_catalogue import FeedCatalogue
from aggregator.web.greader.call import GReaderApi
from aggregator.web.responses import EtagCache
from storage.articles.store import record_article
from storage.db.database import Database
from storage.duplicates.links import link_recorded
from storage.library import Library
from storage.model.article import Article
from storage.model.page import Page
from storage.monitor import Monitor
from storage.readers.tokens import AccessToken, find_token, load_tokens

T0 = datetime(2025, 1, 1, tzinfo=UTC)
NOW = T0 + timedelta(days=3)
BASE = "http://reader.example:8080/"
Ask = Callable[..., Any]


@dataclass
class Room:
    """Archive with a server; its settings may be changed before a client is made."""

    database: Database
    muted: tuple[str, ...] = ()
    now: datetime = NOW
    hub: str = ""
    searches: dict[str, str] = field(default_factory=lambda: {"chargers": "charger"})

    def keep(self, n: int, text: str, *, title: str = "", source: str = "s", **more: Any) -> int:
        url = f"https://{source}.example/{n}"
        page = Page(url=url, status=200, fetched_at=more.pop("seen", T0), source=source)
        with self.database.write() as tx:
            article = Article(url=url, title=title or f"t{n:02}", text=text, published=T0 + timedelta(days=n), **more)
            return link_recorded(tx, record_article(tx, article, page, None, page.fetched_at)).article_id

    def place_stories(self) -> None:
        with self.database.write() as tx:
            recompute_queued(tx, 1_000)

    def saved(self) -> SavedSearches:
        return SavedSearches(searches=tuple(SavedSearch(name=name, query=q) for name, q in self.searches.items()))

    def token_of(self, secret: str) -> AccessToken | None:
        with self.database.read() as tx:
            return find_token(load_tokens(tx), secret)

    def serving(self, **more: Any) -> ServerContext:
        library, monitor = Library(self.database), Monitor(self.database)
        feed_catalogue = FeedCatalogue(
            library,
            monitor,
            BASE,
            self.saved,
            lambda: load_topics(None),
            muted=self.muted,
            now=lambda: self.now,
            hub=self.hub,
        )
        etag_cache = EtagCache(self.database.data_version)
        api = Api(database=self.database, topics=lambda: load_topics(None), now=lambda: self.now, muted=self.muted)
        greader_api = GReaderApi(
            database=self.database, base_url=BASE, find_token=self.token_of, searches=self.saved,
            topics=lambda: load_topics(None), now=lambda: self.now, muted=self.muted,
        )  # fmt: skip
        return ServerContext(
            library=library,
            monitor=monitor,
            feed_catalogue=feed_catalogue,
            etag_cache=etag_cache,
            public_url=BASE,
            greader_api=greader_api,
            api=api,
            **more,
        )

    def client(self, **more: Any) -> TestClient:
        return TestClient(create_app(self.serving(**more)), base_url=BASE, raise_server_exceptions=True)
