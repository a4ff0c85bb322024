"""Conditional requests, moved and ended indexes, parked hosts: second requests and stored state."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from aggregator.crawl.runner import CrawlRunner
from aggregator.crawl.source_poll import MAX_INDEXES
from spiders.source import SourceListing
from tests.aggregator.crawl.loopback_crawl import Home, setting, sources_of
from tests.aggregator.crawl.loopback_server import Answer, Asked, Site, rss, serving
from tests.newsroom.server import Newsroom


def test_second_crawl_sends_conditional_requests_for_indexes_only(home: Home, room: Newsroom, tmp_path: Path) -> None:
    room.publish(60)
    sources = sources_of(room, tmp_path, delay=0.001, wide=True).values()
    assert all(result.has_succeeded for result in home.poll(*sources).values())
    kept, asked = home.articles(), [hit for hit in room.log if hit.path != "/robots.txt"]
    assert kept == {truth.url for truth in room.articles()}
    indexes = {hit.path for hit in asked if hit.conditional or "feed" in hit.path or "sitemap" in hit.path}
    assert not [hit for hit in asked if hit.conditional]
    room.log.clear()
    results = home.poll(*sources)
    assert {poll.outcome for result in results.values() for poll in result.polls} == {"unmodified"}
    assert home.articles() == kept
    assert all(hit.conditional and hit.status == 304 for hit in room.log), [(h.path, h.status) for h in room.log]
    assert {hit.path for hit in room.log} >= indexes
    assert "/robots.txt" not in {hit.path for hit in room.log}


def test_later_crawl_fetches_only_new_articles(home: Home, room: Newsroom, tmp_path: Path) -> None:
    sources = sources_of(room, tmp_path, delay=0.001).values()
    home.poll(*sources)
    room.log.clear()
    fresh = room.publish(1)
    home.poll(*sources)
    assert {truth.url for truth in fresh if truth.readable} <= home.articles()
    fetched = [hit for hit in room.log if not hit.conditional]
    paths = {hit.path.partition("?")[0] for hit in fetched}
    wanted = {truth.url.split("/", 3)[3] for truth in fresh if not truth.private}
    assert {path[1:] for path in paths if "sitemap" not in path} == wanted


def test_validators_are_sent_only_to_the_address_that_sent_them(home: Home) -> None:
    site, redirecting_site = Site("127.2.0.1"), Site("127.2.0.2")
    with serving(site, redirecting_site):
        tag = (("ETag", '"one"'),)
        site.pages["/feed.xml"] = lambda asked: (
            Answer(status=304) if asked.conditional else Answer(rss(site.article("/a")), headers=tag)
        )
        redirecting_site.pages["/feed.xml"] = Answer(
            status=302, headers=(("Location", site.url("/feed.xml")), ("ETag", '"two"'))
        )
        for _ in range(2):
            assert home.poll(redirecting_site.source())["site"].has_succeeded
        assert [asked.headers.get("if-none-match") for asked in site.asked("/feed.xml")] == [None, '"one"']
        assert not [asked for asked in redirecting_site.log if asked.conditional]
        redirecting_site.pages["/feed.xml"] = Answer(status=302, headers=(("Location", site.url("/other.xml")),))
        site.feed(site.article("/b"), path="/other.xml")
        assert home.poll(redirecting_site.source())["site"].has_succeeded
        assert not site.asked("/other.xml")[0].conditional


def test_article_requests_are_unconditional(home: Home, site: Site) -> None:
    site.feed(site.url("/a"))
    site.pages["/a"] = Answer(
        b"busy", 500, headers=(("ETag", '"a"'), ("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"))
    )
    home.poll(site.source())
    home.clock.forward(hours=1)
    home.poll(site.source())
    assert [asked.conditional for asked in site.asked("/a")] == [False, False]


def test_failed_response_keeps_the_stored_validators(home: Home, room: Newsroom, tmp_path: Path) -> None:
    source = sources_of(room, tmp_path)["chargepost"]
    memory = "SELECT etag, last_modified, digest, validators_url, lead_count FROM endpoints"
    home.poll(source)
    remembered = home.rows(memory)
    room.publish(1, "chargepost")

    async def faults(runner: CrawlRunner) -> None:
        for fault in ("html", "broken", "empty", "truncate", "badgzip", "layered", "status", "bomb", "reset"):
            room.fault("chargepost", fault, "/feed.xml")
            result = await runner.poll(source)
            assert (fault, result.polls[0].outcome) == (fault, "failed")
            assert result.problems
            assert home.rows(memory) == remembered

    home.run(faults, source)
    room.fault("chargepost", "none", "/feed.xml")
    assert home.poll(source)["chargepost"].has_succeeded
    assert home.rows(memory) != remembered
    assert home.articles() == {truth.url for truth in room.articles("chargepost")}


def test_crawl_sends_an_unconditional_request_after_twenty_304_responses(home: Home, site: Site) -> None:
    def answer(asked: Asked) -> Answer:
        return Answer(status=304) if asked.conditional else Answer(rss(site.article("/a")), headers=(("ETag", '"1"'),))

    site.pages["/feed.xml"] = answer
    source = site.source()

    async def poll_often(runner: CrawlRunner) -> None:
        for _ in range(23):
            assert (await runner.poll(source)).has_succeeded

    home.run(poll_often, source)
    asked = [asked.conditional for asked in site.asked("/feed.xml")]
    assert asked == [False] + [True] * 20 + [False, True]
    assert len(site.asked("/a")) == 1


def test_index_with_an_equal_body_is_unmodified(home: Home, room: Newsroom, tmp_path: Path) -> None:
    source = sources_of(room, tmp_path)["chargepost"]
    room.fault("chargepost", "unconditional", "/feed.xml")
    home.poll(source)
    room.log.clear()
    result = home.poll(source)["chargepost"]
    assert [poll.outcome for poll in result.polls] == ["unmodified"]
    assert [(hit.path, hit.status) for hit in room.log] == [("/feed.xml", 200)]


def test_unrequested_304_is_a_failure(home: Home, room: Newsroom, tmp_path: Path) -> None:
    source = sources_of(room, tmp_path)["chargepost"]
    room.fault("chargepost", "notmodified", "/feed.xml")
    result = home.poll(source)["chargepost"]
    assert result.problems == ("HTTP 304 to a request without conditions",)


@pytest.mark.parametrize("etag", ['"' + "e" * 2000 + '"', '"a\x01b"', '"a\tb"'])
def test_invalid_validators_are_never_sent(home: Home, site: Site, etag: str) -> None:
    site.feed(site.article("/a"), headers=(("ETag", etag),))
    assert home.poll(site.source())["site"].has_succeeded
    assert home.rows("SELECT etag FROM endpoints") == [("",)]
    assert home.poll(site.source())["site"].polls[0].outcome == "unmodified"
    assert not site.asked("/feed.xml")[1].conditional


def test_permanent_move_is_followed_and_stored_until_it_ends(home: Home, room: Newsroom, tmp_path: Path) -> None:
    source = sources_of(room, tmp_path)["chargepost"]
    target = room.home("ev-kurier") + "/atom.xml"
    room.fault("chargepost", "moved", "/feed.xml", target)
    result = home.poll(source)["chargepost"]
    assert result.has_succeeded
    assert result.problems == (f"moved permanently to {target}",)
    assert home.rows("SELECT moved_to FROM endpoints") == [(target,)]
    room.fault("chargepost", "none", "/feed.xml")
    assert home.poll(source)["chargepost"].problems == ()
    assert home.rows("SELECT moved_to FROM endpoints") == [("",)]


def test_index_that_answered_410_is_never_polled_again(home: Home, room: Newsroom, tmp_path: Path) -> None:
    source = sources_of(room, tmp_path)["chargepost"]
    room.fault("chargepost", "status", "/feed.xml", "410")
    assert home.poll(source)["chargepost"].polls[0].outcome == "gone"
    room.log.clear()
    result = home.poll(source)["chargepost"]
    assert not result.has_succeeded
    assert "410" in result.problems[0]
    assert "no longer polled" in result.problems[0]
    assert room.log == []


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_parks_the_host_for_later_processes_too(home: Home, site: Site, form: str) -> None:
    until = home.clock() + timedelta(seconds=3600)
    retry_after = "3600" if form == "seconds" else format_datetime(until, usegmt=True)
    site.pages["/feed.xml"] = Answer(b"slow down", 429, headers=(("Retry-After", retry_after),))
    site.feed(site.article("/a"), path="/other.xml")
    first = home.poll(site.source())["site"]
    assert first.problems == ("HTTP 429",)
    assert abs(first.next_poll_at - until) < timedelta(seconds=3)
    assert "left alone until" in first.next_poll_reason
    site.log.clear()
    later = home.poll(site.source(), site.source("neighbour", "/other.xml"))
    assert site.log == []
    assert all(result.polls[0].outcome == "parked" for result in later.values())
    assert all("parked until" in result.problems[0] and "HTTP 429" in result.problems[0] for result in later.values())
    home.clock.forward(seconds=3700)
    site.feed(site.article("/a"))
    assert home.poll(site.source())["site"].has_succeeded


def test_status_503_parks_the_host_only_with_retry_after(home: Home, site: Site) -> None:
    site.pages["/feed.xml"] = Answer(b"", 503)
    assert home.poll(site.source())["site"].problems == ("HTTP 503",)
    site.pages["/feed.xml"] = Answer(b"", 503, headers=(("Retry-After", "60"),))
    assert home.poll(site.source())["site"].problems == ("HTTP 503",)
    assert "parked until" in home.poll(site.source())["site"].problems[0]


def test_status_429_of_an_article_leaves_the_other_leads_waiting(home: Home, site: Site) -> None:
    site.feed(*(site.article(f"/{n}") for n in range(10)))
    site.pages["/4"] = Answer(b"", 429, headers=(("Retry-After", "600"),))
    result = home.poll(site.source())["site"]
    states = [state for state, _, _ in home.leads().values()]
    assert sorted(set(states)) == ["kept", "retry", "waiting"]
    assert states.count("retry") == 1
    assert len(site.paths()) == 1 + 10 - states.count("waiting")
    assert any("parked until" in reason for reason, _ in result.reasons)
    home.clock.forward(seconds=1000)
    site.article("/4")
    home.poll(site.source())
    assert {state for state, _, _ in home.leads().values()} == {"kept"}
    assert len(site.paths()) == 1 + 10 + 1 + 1


def test_empty_index_that_had_entries_is_a_failure(home: Home, site: Site) -> None:
    site.feed(site.article("/a"))
    home.poll(site.source())
    site.feed()
    assert home.poll(site.source())["site"].problems == ("no entries, where there were 1",)


def test_nested_sitemaps_are_polled_if_their_parents_are_unmodified(home: Home, site: Site) -> None:
    def index(*children: str) -> Answer:
        locations = "".join(f"<sitemap><loc>{site.url(child)}</loc></sitemap>" for child in children)
        return Answer(
            f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{locations}</sitemapindex>'.encode()
        )

    def pages(*paths: str) -> Answer:
        locations = "".join(f"<url><loc>{site.article(path)}</loc></url>" for path in paths)
        return Answer(f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{locations}</urlset>'.encode())

    site.pages |= {"/s.xml": index("/s1.xml", "/s.xml"), "/s1.xml": index("/s2.xml", "/s.xml"), "/s2.xml": pages("/a")}
    source = site.source(sitemaps=(site.url("/s.xml"),))
    assert home.poll(source)["site"].has_succeeded
    assert home.articles() == {site.url("/a")}
    assert len(site.paths()) == 4
    site.pages["/s2.xml"] = pages("/a", "/b")
    home.poll(source)
    assert home.articles() == {site.url("/a"), site.url("/b")}


def test_listing_continues_at_the_page_that_failed(home: Home, site: Site) -> None:
    def page(paths: list[str], more: str = "") -> Answer:
        links = "".join(f'<a class="t" href="{site.article(path)}">About {path}</a>' for path in paths)
        after = f'<link rel="next" href="{more}">' if more else ""
        return Answer(
            f"<!DOCTYPE html><html><head><title>News</title>{after}</head><body>{links}</body></html>".encode()
        )

    site.pages["/news"] = page(["/a", "/b"], "/news?2")
    site.pages["/news?2"] = Answer(b"", 500)
    site.pages["/news?3"] = page(["/e", "/f"])
    source = site.source(listings=(SourceListing(url=site.url("/news"), css="a.t"),))
    assert not home.poll(source)["site"].has_succeeded
    site.pages["/news?2"] = page(["/c", "/d"], "/news?3")
    assert home.poll(source)["site"].has_succeeded
    assert home.articles() == {site.url(f"/{name}") for name in "abcdef"}
    site.log.clear()
    home.poll(source)
    assert site.paths() == ["/news"]


def test_overlong_index_is_read_in_part_and_reported(home: Home, room: Newsroom, tmp_path: Path) -> None:
    source = sources_of(room, tmp_path)["chargepost"]
    room.fault("chargepost", "huge", "/feed.xml", "3000")
    with setting("DOWNLOAD_TIMEOUT", 20):
        result = home.poll(source)["chargepost"]
    assert result.problems == ("truncated: 3000 entries, the newest 1000 read",)
    assert result.polls[0].truncated == 2000
    assert result.counts["fetches"] == 200
    states = [state for state, _, _ in home.leads().values()]
    assert (states.count("refused"), states.count("waiting")) == (200, 800)


def test_indexes_beyond_the_limit_of_a_poll_are_read_by_later_polls(home: Home, site: Site) -> None:
    children = [f"/s{number}.xml" for number in range(MAX_INDEXES + 9)]
    locations = "".join(f"<sitemap><loc>{site.url(child)}</loc></sitemap>" for child in children)
    site.pages["/s.xml"] = Answer(f"<sitemapindex>{locations}</sitemapindex>".encode())
    for child in children:
        site.pages[child] = Answer(f"<urlset><!-- {child} --></urlset>".encode())
    source = site.source(sitemaps=(site.url("/s.xml"),))
    result = home.poll(source)["site"]
    assert len([path for path in site.paths() if path.endswith(".xml")]) == MAX_INDEXES
    assert f"10 further indexes wait for the next polls: {MAX_INDEXES} are read in one" in result.problems[0]
    home.clock.forward(minutes=30)
    home.poll(source)
    assert set(children) <= set(site.paths())
