"""Appearances of a text in several articles of a source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage.articles.store import record_article
from storage.crawl.leads import record_leads
from storage.db.database import Database
from storage.duplicates.links import link_recorded
from storage.duplicates.repeated_texts import MAX_APPEARANCES, TextAppearance, find_appearances
from storage.identity import text_digest
from storage.model.article import Article
from storage.model.page import Lead, Page

T0 = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = "Read it in the app."


def keep(
    database: Database, path: str, title: str, *, source: str = "site", days: float = 0, origin: str = "html"
) -> int:
    url = f"https://{source}.example/{path}"
    lead = Lead(url=url, title=f"Lead of {path}")
    at = T0 + timedelta(days=days)
    page = Page(url=url, status=200, fetched_at=at, source=source, lead=lead)
    article = Article(url=url, title=title, text=TEXT, words=5, origins=(("title", origin),))
    with database.write() as tx:
        record_leads(tx, source, [lead], at)
        return link_recorded(tx, record_article(tx, article, page, None, at)).article_id


def appearances(database: Database, source: str = "site", within: float = 3) -> list[TextAppearance]:
    with database.read() as connection:
        return find_appearances(connection, source, text_digest(TEXT), T0, timedelta(days=within))


def test_appearances_of_a_text_are_limited_to_its_source_and_time(database: Database) -> None:
    first = keep(database, "a", "App")
    second = keep(database, "b", "Lead of b", days=-2, origin="lead")
    keep(database, "c", "App", days=4)
    keep(database, "d", "App", source="other")
    assert appearances(database) == [
        TextAppearance(article_id=first, title="App", has_own_title=True, lead_title="Lead of a"),
        TextAppearance(article_id=second, title="Lead of b", has_own_title=False, lead_title="Lead of b"),
    ]
    assert len(appearances(database, within=5)) == 3
    assert appearances(database, "none") == []


def test_number_of_loaded_appearances_is_bounded(database: Database) -> None:
    for number in range(MAX_APPEARANCES + 5):
        keep(database, str(number), f"App {number}")
    assert len(appearances(database)) == MAX_APPEARANCES
