"""An archive and a server of it, for tests of what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.testclient import TestClient

from aggregator.alerts.saved_searches import SavedSearch, SavedSearches
from aggregator.stories.assign import replace_due
from aggregator.topics.catalogue import load_topics
from aggregator.web.api import Api
from aggregator.web.app import Serving, application
from aggregator.web.feed_catalogue import Shelf
from aggregator.web.greader.call import Sync
from aggregator.web.responses import Marks
from storage.articles.store import record_article
from storage.db.database import Database
from storage.library import Library
from storage.model.article import Article
from storage.model.page import Page
from storage.monitor import Monitor
from storage.readers.tokens import Token, all_tokens, token_of

T0 = datetime(2025, 1, 1, tzinfo=UTC)
NOW = T0 + timedelta(days=3)
BASE = "http://reader.example:8080/"
Ask = Callable[..., Any]


@dataclass
class Room:
    """An archive and a server of it."""

    database: Database
    muted: tuple[str, ...] = ()
    now: datetime = NOW
    hub: str = ""
    searches: dict[str, str] = field(default_factory=lambda: {"chargers": "charger"})

    def keep(self, n: int, words: str, *, title: str = "", source: str = "s", **more: Any) -> int:
        url = f"https://{source}.example/{n}"
        page = Page(url=url, status=200, fetched_at=more.pop("seen", T0), source=source)
        with self.database.write() as tx:
            article = Article(url=url, title=title or f"t{n:02}", text=words, published=T0 + timedelta(days=n), **more)
            return record_article(tx, article, page, None, page.fetched_at).article_id

    def place_stories(self) -> None:
        with self.database.write() as tx:
            replace_due(tx, 1_000)

    def saved(self) -> SavedSearches:
        return SavedSearches(searches=tuple(SavedSearch(name=name, query=q) for name, q in self.searches.items()))

    def token_of(self, secret: str) -> Token | None:
        with self.database.read() as tx:
            return token_of(all_tokens(tx), secret)

    def serving(self, **more: Any) -> Serving:
        library, monitor = Library(self.database), Monitor(self.database)
        shelf = Shelf(
            library,
            monitor,
            BASE,
            self.saved,
            lambda: load_topics(None),
            muted=self.muted,
            now=lambda: self.now,
            hub=self.hub,
        )
        marks = Marks(self.database.version)
        api = Api(database=self.database, topics=lambda: load_topics(None), now=lambda: self.now, muted=self.muted)
        sync = Sync(
            database=self.database, base=BASE, knows=self.token_of, searches=self.saved,
            topics=lambda: load_topics(None), now=lambda: self.now, muted=self.muted,
        )  # fmt: skip
        return Serving(
            library=library, monitor=monitor, shelf=shelf, marks=marks, public_url=BASE, sync=sync, api=api, **more
        )

    def client(self, **more: Any) -> TestClient:
        return TestClient(application(self.serving(**more)), base_url=BASE, raise_server_exceptions=True)
