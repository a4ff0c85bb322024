"""Politeness as servers see it: delays, concurrency, robots.txt, headers and cookies."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from pathlib import Path

from aggregator.crawl.runner import CrawlRunner
from spiders.source import Source, SourceListing
from tests.aggregator.crawl.loopback_crawl import AGENT_CONTACT, Home, sources_of
from tests.aggregator.crawl.loopback_server import Answer, Asked, Site, serving
from tests.newsroom.server import Newsroom


def gaps(log: list[Asked]) -> list[float]:
    """Return the seconds between the end of each request and the start of the next."""
    ordered = sorted(log, key=lambda asked: asked.time)
    return [after.time - before.ended for before, after in itertools.pairwise(ordered)]


def four_sources(site: Site, redirecting_site: Site) -> list[Source]:
    """Return four sources with articles on one host, the last of them by redirect only."""
    for n in range(3):
        site.feed(*(site.article(f"/{n}/{k}") for k in range(2)), path=f"/{n}.xml")
        site.feed(*(site.article(f"/3/{k}") for k in range(2)), path="/3.xml")
    redirecting_site.pages["/3.xml"] = Answer(status=302, headers=(("Location", site.url("/3.xml")),))
    own = [site.source(f"s{n}", f"/{n}.xml", delay=delay) for n, delay in enumerate((0.01, 0.08, 0.001))]
    return [*own, redirecting_site.source("s3", "/3.xml", delay=0.001)]


def test_sources_on_one_host_share_its_slot_and_the_largest_delay(home: Home) -> None:
    site, redirecting_site = Site("127.2.0.1"), Site("127.2.0.2")
    with serving(site, redirecting_site):
        results = home.poll(*four_sources(site, redirecting_site))
    assert all(result.has_succeeded for result in results.values()), results
    assert len(home.articles()) == 8
    assert len(site.paths()) == 12
    assert max(asked.concurrent for asked in site.log) == 1
    assert min(gaps(site.log)) >= 0.079


def test_crawl_delay_of_robots_txt_applies_if_it_is_the_largest(home: Home, site: Site) -> None:
    site.pages["/robots.txt"] = Answer(b"User-agent: *\nCrawl-delay: 0.15\n", type="text/plain")
    site.feed(site.article("/a"), site.article("/b"))
    assert home.poll(site.source())["site"].has_succeeded
    assert min(gaps(site.log)) >= 0.149


def test_delay_of_a_source_applies_to_the_hosts_of_its_articles(home: Home) -> None:
    site, redirecting_site = Site("127.2.0.1"), Site("127.2.0.2")
    with serving(site, redirecting_site):
        site.feed(*(site.article(f"/own/{n}") for n in range(4)))
        redirecting_site.feed(*(site.article(f"/guest/{n}") for n in range(3)))
        home.poll(site.source("own", delay=0.001), redirecting_site.source("guest", delay=0.1))
    guests = [asked.time for asked in site.log if asked.path.startswith("/guest")]
    after = [asked for asked in site.log if asked.time >= guests[0]]
    assert len(guests) == 3
    assert min(gaps(after)) >= 0.099


def test_robots_txt_is_requested_once_by_concurrent_polls(home: Home, site: Site) -> None:
    for n in range(12):
        site.feed(site.article(f"/{n}"), path=f"/{n}.xml")
    site.pages["/robots.txt"] = Answer(b"User-agent: *\nDisallow:\n", type="text/plain", seconds=0.1)
    results = home.poll(*(site.source(f"s{n}", f"/{n}.xml") for n in range(12)))
    assert all(result.has_succeeded for result in results.values())
    assert len(site.asked("/robots.txt")) == 1
    assert site.log[0].path == "/robots.txt"


def test_every_request_names_the_crawler_and_none_is_private(home: Home, room: Newsroom, tmp_path: Path) -> None:
    room.publish(60)
    sources = sources_of(room, tmp_path, delay=0.001)
    room.fault("voltward", "moved", "/feed.json", room.home("voltward") + "/old.json")
    results = home.poll(*sources.values())
    assert home.articles() == {truth.url for truth in room.articles() if truth.publisher != "voltward"}
    assert not results["voltward"].has_succeeded
    assert {hit.agent for hit in room.log} == {home.config.effective_user_agent}
    assert AGENT_CONTACT in home.config.effective_user_agent
    assert any(hit.path == "/robots.txt" for hit in room.log)
    assert any(hit.path == "/old.json" for hit in room.log)
    assert not [hit for hit in room.log if {"cookie", "referer", "authorization"} & set(hit.headers)]
    assert not [hit for hit in room.log if hit.path.startswith("/private/")]
    assert max(hit.concurrent for hit in room.log) == 1
    private = [truth.lead_url for truth in room.every() if truth.private]
    assert private
    leads = home.leads()
    assert {leads[url][:2] for url in private} == {("refused", "robots: disallowed by robots.txt")}


def test_cookies_are_never_sent(home: Home, site: Site) -> None:
    jar = tuple(("Set-Cookie", f"c{n}={'x' * 50}; Path=/") for n in range(200))
    site.feed(site.article("/a"), site.article("/b"), headers=jar)
    site.pages["/a"] = replace(site.pages["/a"], headers=jar)  # type: ignore[type-var]
    assert home.poll(site.source())["site"].has_succeeded
    assert site.paths() == ["/feed.xml", "/a", "/b"]
    assert not [asked for asked in site.log if "cookie" in asked.headers or "referer" in asked.headers]


def test_concurrent_polls_of_a_source_share_its_leads(home: Home, site: Site) -> None:
    site.feed(*(site.article(f"/{n}") for n in range(8)))
    source = site.source()

    async def twice(runner: CrawlRunner) -> None:
        await asyncio.gather(runner.poll(source), runner.poll(source))

    home.run(twice, source)
    articles = [path for path in site.paths() if path != "/feed.xml"]
    assert sorted(articles) == sorted(f"/{n}" for n in range(8))
    assert max(asked.concurrent for asked in site.log) == 1


def test_a_listing_is_read_page_by_page(home: Home, room: Newsroom, tmp_path: Path) -> None:
    room.publish(60, "stromvei")
    source = sources_of(room, tmp_path)["stromvei"]
    assert isinstance(source.listings[0], SourceListing)
    assert home.poll(source)["stromvei"].has_succeeded
    assert home.articles() == {truth.url for truth in room.articles("stromvei")}
