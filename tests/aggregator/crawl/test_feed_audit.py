"""Audits of feeds against sitemaps: articles that only the sitemap names are counted and fetched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aggregator.crawl.feed_audit import compare_routes
from aggregator.crawl.runner import CrawlRunner
from aggregator.service.daily_audit import audit_due_sources
from spiders.source import Source
from storage.archive import open_database
from storage.crawl.audits import FeedAudit, load_audits
from storage.model.page import Lead
from tests.aggregator.crawl.loopback_crawl import Home
from tests.aggregator.crawl.loopback_server import Answer, Site

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def lead(name: str, at: datetime | None = NOW - DAY, **more: object) -> Lead:
    return Lead(url=f"https://a.example/{name}", published=at, **more)  # type: ignore[arg-type]


def shares(feed_leads: list[Lead], sitemap_leads: list[Lead]) -> tuple[int, int, int]:
    audit, _ = compare_routes("a", feed_leads, sitemap_leads, NOW)
    return audit.in_both, audit.feed_only, audit.sitemap_only


def test_audit_counts_articles_by_the_indexes_that_name_them() -> None:
    feed_leads = [lead("old", NOW - 3 * DAY), lead("both"), lead("fed")]
    sitemap_leads = [lead("both/"), lead("mapped"), lead("old", NOW - 3 * DAY)]
    audit, sitemap_only = compare_routes("a", feed_leads, sitemap_leads, NOW)
    assert (audit.in_both, audit.feed_only, audit.sitemap_only) == (2, 1, 1)
    assert [missing.url for missing in sitemap_only] == ["https://a.example/mapped"]
    assert audit.feed_share == 0.75
    assert audit.since == NOW - 3 * DAY


def test_audit_compares_only_the_period_that_both_cover() -> None:
    feed_leads = [lead("both", NOW - 2 * DAY)]
    before, fresh, undated = lead("x", NOW - 5 * DAY), lead("y", NOW - HOUR), lead("z", None, updated=NOW - DAY)
    assert shares(feed_leads, [lead("both", NOW - 2 * DAY), before, fresh, undated]) == (1, 0, 0)
    long = [lead("long", NOW - 30 * DAY), lead("both")]
    assert shares(long, [lead("both"), lead("ten", NOW - 10 * DAY)]) == (1, 0, 0)
    assert shares([], []) == (0, 0, 0)
    assert compare_routes("a", [], [], NOW)[0].feed_share is None


# -- over a site -------------------------------------------------------------------------------------------------------


def news_sitemap(site: Site, at: datetime, *paths: str) -> Answer:
    entries = "".join(
        f"<url><loc>{site.url(path)}</loc><news:news><news:publication><news:name>S</news:name><news:language>en"
        f"</news:language></news:publication><news:publication_date>{at.isoformat()}</news:publication_date>"
        f"<news:title>About {path}</news:title></news:news></url>"
        for path in paths
    )
    spaces = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    return Answer(f"<urlset {spaces}>{entries}</urlset>".encode(), type="application/xml")


def dated_feed(site: Site, at: datetime, *paths: str) -> Answer:
    items = "".join(
        f"<item><link>{site.article(path)}</link><pubDate>{at:%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
        for path in paths
    )
    return Answer(f"<rss version='2.0'><channel>{items}</channel></rss>".encode(), type="application/rss+xml")


def audited(home: Home, source: Source) -> list[str]:
    async def work(runner: CrawlRunner) -> list[str]:
        return await audit_due_sources(runner, [source])

    return home.run(work, source)


def last_audit(home: Home) -> FeedAudit:
    database = open_database(home.config.database_url)
    try:
        with database.read() as tx:
            return load_audits(tx)["site"]
    finally:
        database.close()


def test_article_missing_from_the_feed_is_fetched_by_the_next_poll(home: Home, site: Site) -> None:
    source = site.source(every=86_400.0)
    yesterday = home.clock() - DAY
    site.pages["/robots.txt"] = Answer(f"Sitemap: {site.url('/news.xml')}\n".encode(), type="text/plain")
    site.pages["/feed.xml"] = dated_feed(site, yesterday, "/a", "/b")
    site.article("/left-out")
    site.pages["/news.xml"] = news_sitemap(site, yesterday, "/a", "/b", "/left-out")
    assert home.poll(source)["site"].counts["kept"] == 2
    assert audited(home, source) == ["site"]
    audit = last_audit(home)
    assert (audit.in_both, audit.feed_only, audit.sitemap_only, audit.missed, audit.reason) == (2, 0, 1, 1, "")
    assert home.poll(source)["site"].counts["kept"] == 1
    assert audited(home, source) == []  # once a day
    home.clock.forward(hours=25)
    assert audited(home, source) == ["site"]
    assert last_audit(home).missed == 0


def test_audit_without_a_sitemap_stores_the_reason(home: Home, site: Site) -> None:
    source = site.source()
    site.pages["/feed.xml"] = dated_feed(site, home.clock() - DAY, "/a")
    home.poll(source)
    audited(home, source)
    assert last_audit(home).reason == "it has no feed, or no sitemap to compare it with"
    site.pages["/robots.txt"] = Answer(f"Sitemap: {site.url('/gone.xml')}\n".encode(), type="text/plain")
    home.clock.forward(hours=25)
    home.poll(source)
    audited(home, source)
    assert last_audit(home).reason == "its sitemap could not be compared: HTTP 404"
