"""Refused pages in a crawl: none is stored as an article, and each kind has its own retries."""

from __future__ import annotations

from collections import Counter

import pytest

from aggregator.ingest.ingest import REFUSED_RETRY_DELAYS, retry_delay
from storage.archive import open_database
from storage.monitor import Monitor
from tests.aggregator.crawl.loopback_crawl import Home
from tests.aggregator.crawl.loopback_server import Answer, Site, story
from tests.refused_pages import refused_pages

WALLS = {wall.name: wall for wall in refused_pages()}


def verdicts(home: Home, source: str | None = None) -> list[tuple[str, str, int]]:
    database = open_database(home.config.database_url)
    try:
        return Monitor(database).count_verdicts(source)
    finally:
        database.close()


def put(site: Site, *names: str) -> dict[str, str]:
    """Serve walls and a feed of them; return their URLs by name."""
    for name in names:
        site.pages[f"/{name}"] = Answer(WALLS[name].body)
    site.feed(*(site.url(f"/{name}") for name in names))
    return {name: site.url(f"/{name}") for name in names}


def test_every_wall_is_refused_counted_and_captured(home: Home, site: Site) -> None:
    put(site, *WALLS)
    result = home.poll(site.source())["site"]
    assert home.articles() == set()
    assert result.polls[0].kept == 0
    assert result.polls[0].refused == len(WALLS)
    codes = Counter(wall.code for wall in WALLS.values())
    assert verdicts(home) == [
        ("site", code, count) for code, count in sorted(codes.items(), key=lambda c: (-c[1], c[0]))
    ]
    assert verdicts(home, "site") == verdicts(home)
    assert verdicts(home, "other") == []
    assert home.damage() == []


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("challenge-cloudflare-attention-en", (6, 24, 72)),
        ("consent-didomi-fr", (6, 24, 72)),
        ("error-wordpress-db-en", (1, 12, 30)),
        ("shell-react-en", (1, 12, 30)),
        ("notfound-wordpress-en", (24,)),
        ("login-news-en", ()),
    ],
)
def test_each_kind_of_refusal_has_its_own_retries(home: Home, site: Site, name: str, hours: tuple[int, ...]) -> None:
    url = put(site, name)[name]
    source = site.source()
    home.poll(source)
    for attempt, wait in enumerate(hours, 1):
        assert home.leads()[url][0] == "retry"
        home.clock.forward(hours=wait - 0.1)
        home.poll(source)
        assert len(site.asked(f"/{name}")) == attempt
        home.clock.forward(hours=0.2)
        home.poll(source)
        assert len(site.asked(f"/{name}")) == attempt + 1
    home.clock.forward(days=30)
    home.poll(source)
    assert len(site.asked(f"/{name}")) == len(hours) + 1
    state, reason, attempts = home.leads()[url]
    assert (state, attempts) == ("refused", len(hours))
    assert reason


def test_article_behind_a_former_wall_is_stored(home: Home, site: Site) -> None:
    name = "challenge-datadome-captcha-en"
    url = put(site, name)[name]
    home.poll(site.source())
    site.pages[f"/{name}"] = Answer(story("Story 0"))
    home.clock.forward(hours=7)
    home.poll(site.source())
    assert home.articles() == {url}
    assert home.leads()[url][0] == "kept"


def test_challenge_with_an_error_status_is_recognised_by_its_header(home: Home, site: Site) -> None:
    site.pages["/a"] = Answer(b"<title>Just a moment...</title>", 403, headers=(("cf-mitigated", "challenge"),))
    site.pages["/b"] = Answer(b"<title>No</title>", 403)
    site.feed(site.url("/a"), site.url("/b"))
    home.poll(site.source())
    home.clock.forward(hours=1)
    home.poll(site.source())
    assert (len(site.asked("/a")), len(site.asked("/b"))) == (1, 2)
    assert home.leads()[site.url("/a")][1] == "a bot challenge: header cf-mitigated: challenge"


def test_equal_short_text_at_many_addresses_is_refused(home: Home, site: Site) -> None:
    words = "Read every report of ours in the new app, which is free for the first month and then costs two coins. " * 3
    head = "<title>Our new app</title><meta property='og:type' content='article'>"
    for n in range(5):
        site.pages[f"/{n}"] = Answer(f"<!DOCTYPE html><html><head>{head}</head><body><p>{words}</p></body>".encode())
    site.feed(*(site.url(f"/{n}") for n in range(5)))
    result = home.poll(site.source())["site"]
    assert (result.polls[0].kept, result.polls[0].refused) == (2, 3)
    assert verdicts(home) == [("site", "repeated", 3)]
    assert Counter(state for state, _, _ in home.leads().values()) == {"kept": 2, "retry": 3}
    assert home.damage() == []


def test_delays_of_every_refusal_grow_and_end() -> None:
    for code, waits in REFUSED_RETRY_DELAYS.items():
        assert list(waits) == sorted(set(waits))
        assert [retry_delay(n, code) for n in range(len(waits) + 1)] == [*waits, None]
    assert retry_delay(0, "listing") is None
    assert retry_delay(0, "not-html") is None
