"""robots.txt: rules, lifetime and size limit of copies, and failures."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.crawl.robots import extract_product_token
from aggregator.crawl.runner import CrawlRunner
from tests.aggregator.crawl.loopback_crawl import Home, setting, sources_of
from tests.aggregator.crawl.loopback_server import Answer, Asked, Site, canary, serving
from tests.newsroom.server import Newsroom

OPEN = Answer(b"User-agent: *\nDisallow: /private/\n", type="text/plain")
CLOSED = Answer(b"User-agent: *\nDisallow: /\n", type="text/plain")


@pytest.mark.parametrize("status", [404, 403, 410])
def test_origin_without_robots_txt_is_fetched(home: Home, site: Site, status: int) -> None:
    site.pages["/robots.txt"] = Answer(b"no", status)
    site.feed(site.article("/a"))
    assert home.poll(site.source())["site"].has_succeeded
    assert home.articles() == {site.url("/a")}


def test_unreadable_robots_txt_disallows_everything(home: Home, room: Newsroom, tmp_path: Path) -> None:
    """Each publisher's robots.txt fails in its own way; nothing else is requested from them."""
    faults = {
        "chargepost": ("status", "503", "HTTP 503"),
        "ev-kurier": ("429", "60", "HTTP 429"),
        "voltward": ("hang", "", "timeout"),
        "dianche": ("reset", "", "connection reset"),
        "kerbside": ("truncate", "", "truncated"),
        "stromvei": ("redirect", room.canary_url, "refused redirect: blocked_address: 127.0.0.1 is not public"),
    }
    for name, (fault, arg, _) in faults.items():
        room.fault(name, fault, "/robots.txt", arg)
    with setting("DOWNLOAD_TIMEOUT", 1):
        results = home.poll(*sources_of(room, tmp_path).values())
    for name, (_, _, reason) in faults.items():
        assert results[name].polls[0].outcome == "refused", name
        assert results[name].polls[0].reason.startswith(f"robots: {reason}"), results[name].polls[0].reason
    assert {hit.path for hit in room.log} == {"/robots.txt"}
    assert len(room.log) == 6
    assert room.canary_hits == []


@pytest.mark.parametrize("fault", ["badgzip", "bomb", "loop", "headers", "layered"])
def test_malicious_robots_txt_disallows_everything(home: Home, room: Newsroom, tmp_path: Path, fault: str) -> None:
    room.fault("chargepost", fault, "/robots.txt")
    result = home.poll(sources_of(room, tmp_path)["chargepost"])["chargepost"]
    assert result.polls[0].outcome == "refused"
    assert result.polls[0].reason.startswith("robots: ")
    assert {hit.path.partition("?")[0] for hit in room.log} == {"/robots.txt"}


def test_disallowed_index_is_not_requested_and_its_poll_has_the_reason(home: Home, site: Site) -> None:
    site.pages["/robots.txt"] = CLOSED
    site.feed(site.article("/a"))
    result = home.poll(site.source())["site"]
    assert (result.polls[0].outcome, result.polls[0].reason) == ("refused", "robots: disallowed by robots.txt")
    assert site.paths() == []


def test_group_of_the_crawler_takes_precedence_over_the_general_group(home: Home, site: Site) -> None:
    site.pages["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /\n\nUser-agent: evnews\nDisallow: /b\n")
    site.feed(site.article("/a"), site.article("/b"))
    assert home.poll(site.source())["site"].has_succeeded
    assert site.paths() == ["/feed.xml", "/a"]


def test_robots_txt_is_checked_at_every_redirect(home: Home) -> None:
    site, other_site = Site("127.2.0.1"), Site("127.2.0.2")
    with serving(site, other_site):
        site.pages["/robots.txt"] = OPEN
        other_site.feed(other_site.url("/a"))
        other_site.pages["/a"] = Answer(status=302, headers=(("Location", site.url("/private/a")),))
        assert home.poll(other_site.source())["site"].has_succeeded
    assert site.paths() == []
    assert [reason for _, reason, _ in home.leads().values()] == ["robots: disallowed by robots.txt"]


def test_robots_txt_may_be_redirected_to_another_host(home: Home) -> None:
    site, other_site = Site("127.2.0.1"), Site("127.2.0.2")
    with serving(site, other_site):
        site.pages["/robots.txt"] = OPEN
        other_site.pages["/robots.txt"] = Answer(status=301, headers=(("Location", site.url("/robots.txt")),))
        other_site.feed(other_site.article("/private/a"), other_site.article("/b"))
        assert home.poll(other_site.source())["site"].has_succeeded
    assert other_site.paths() == ["/feed.xml", "/b"]


def test_robots_txt_is_fresh_for_a_day_then_requested_conditionally(home: Home, site: Site) -> None:
    def answer(asked: Asked) -> Answer:
        if asked.headers.get("if-none-match") == '"r"':
            return Answer(status=304)
        return Answer(OPEN.body, headers=(("ETag", '"r"'),))

    site.pages["/robots.txt"] = answer
    site.feed(site.article("/a"))
    for hours in (0, 1, 22.9, 0.2, 1, 23):
        home.clock.forward(hours=hours)
        home.poll(site.source())
    assert [asked.conditional for asked in site.asked("/robots.txt")] == [False, True, True]


def test_running_process_refreshes_robots_txt_after_a_day(home: Home, site: Site) -> None:
    site.pages["/robots.txt"] = OPEN
    site.feed(site.article("/a"))
    source = site.source()

    async def two_days(runner: CrawlRunner) -> None:
        await runner.poll(source)
        site.pages["/robots.txt"] = CLOSED
        home.clock.forward(hours=23)
        assert (await runner.poll(source)).has_succeeded
        home.clock.forward(hours=2)
        assert not (await runner.poll(source)).has_succeeded

    home.run(two_days, source)
    assert len(site.asked("/robots.txt")) == 2


def test_last_good_robots_txt_applies_for_thirty_days(home: Home, site: Site) -> None:
    site.pages["/robots.txt"] = OPEN
    site.feed(site.article("/a"))
    home.poll(site.source())
    site.pages["/robots.txt"] = Answer(b"", 503)
    home.clock.forward(days=29, hours=23)
    site.feed(site.article("/a"), site.article("/private/b"), site.article("/c"))
    assert home.poll(site.source())["site"].has_succeeded
    assert "/private/b" not in site.paths()
    assert "/c" in site.paths()
    home.clock.forward(hours=2)
    before = len(site.paths())
    result = home.poll(site.source())["site"]
    assert (result.polls[0].outcome, result.polls[0].reason) == ("refused", "robots: HTTP 503")
    assert len(site.paths()) == before


def test_unreadable_robots_txt_is_requested_again_later(home: Home, site: Site) -> None:
    site.pages["/robots.txt"] = Answer(b"", 500)
    site.feed(site.article("/a"))
    sources = [site.source("one"), site.source("two"), site.source("three")]
    home.poll(*sources)
    assert len(site.log) == 1
    site.pages["/robots.txt"] = OPEN
    assert all(result.has_succeeded for result in home.poll(*sources).values())


def test_unreadable_robots_txt_leaves_leads_waiting(home: Home) -> None:
    site, other_site = Site("127.2.0.1"), Site("127.2.0.2")
    with serving(site, other_site):
        site.pages["/robots.txt"] = Answer(b"", 503)
        other_site.feed(site.article("/a"), other_site.article("/b"))
        result = home.poll(other_site.source())["site"]
        assert result.has_succeeded
        assert home.leads()[site.url("/a")] == ("waiting", "", 0)
        assert ("robots: HTTP 503", 1) in result.reasons
        site.pages["/robots.txt"] = OPEN
        home.poll(other_site.source())
        assert home.articles() == {site.url("/a"), other_site.url("/b")}


@pytest.mark.parametrize("coded", [False, True])
def test_only_the_first_500_kib_of_robots_txt_apply(home: Home, site: Site, coded: bool) -> None:
    def endless() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nUser-agent: *\nDisallow: /private/\n"
        for _ in range(1000):
            yield b"# and so on\n" * 5000

    def big() -> Answer:
        rules = b"User-agent: *\nDisallow: /private/\n" + b"# and so on\n" * 100_000
        return Answer(gzip.compress(rules), headers=(("Content-Encoding", "gzip"),))

    site.pages["/robots.txt"] = big() if coded else Answer(stream=endless)
    site.feed(site.article("/private/a"), site.article("/b"))
    assert home.poll(site.source())["site"].has_succeeded
    assert site.paths() == ["/feed.xml", "/b"]
    kept = home.rows("SELECT length(body) FROM robots")[0][0]
    assert isinstance(kept, int)
    assert 400 * 1024 < kept <= 500 * 1024
    assert site.log[0].sent < 8 * 2**20


def test_rule_cut_by_the_size_limit_is_ignored(home: Home, site: Site) -> None:
    head = b"User-agent: *\nDisallow: /private/\n"
    filler = b"#" * (500 * 1024 - len(head) - len(b"\nDisallow: /"))
    site.pages["/robots.txt"] = Answer(head + filler + b"\nDisallow: /some/where\n")
    site.feed(site.article("/a"))
    assert home.poll(site.source())["site"].has_succeeded


@pytest.mark.parametrize("delay", ["1000000000", "nan", "-1", "1e400", "x", "inf"])
def test_invalid_crawl_delay_is_ignored(home: Home, site: Site, delay: str) -> None:
    site.pages["/robots.txt"] = Answer(f"User-agent: *\nCrawl-delay: {delay}\n".encode())
    site.feed(site.article("/a"))
    source = site.source()

    async def poll(runner: CrawlRunner) -> float:
        limiter, monotonic, slept = runner.context.limiter, runner.context.limiter._monotonic, [0.0]

        async def sleep(seconds: float) -> None:
            slept[0] += seconds

        limiter._sleep, limiter._monotonic = sleep, lambda: monotonic() + slept[0]
        assert (await runner.poll(source)).has_succeeded
        return limiter.current_delay(site.address)

    assert home.run(poll, source) in (0.001, 120.0)


def test_disallowed_canary_is_never_requested(home: Home, site: Site) -> None:
    with canary() as forbidden:
        site.pages["/robots.txt"] = Answer(status=302, headers=(("Location", forbidden.url("/robots.txt")),))
        site.feed(site.article("/a"))
        assert "refused redirect" in home.poll(site.source())["site"].problems[0]
        assert forbidden.log == []


@pytest.mark.parametrize(
    ("agent", "token"),
    [("evnews/0.1 (+mailto:a@b.example)", "evnews"), ("mybot/2.0", "mybot"), ("plain bot", "plain")],
)
def test_robots_groups_match_the_product_of_the_user_agent(agent: str, token: str) -> None:
    assert extract_product_token(agent) == token


def test_group_of_a_configured_user_agent_applies(home: Home, site: Site) -> None:
    site.pages["/robots.txt"] = Answer(b"User-agent: mybot\nDisallow: /\n\nUser-agent: *\nAllow: /\n")
    site.feed(site.article("/a"))
    home.configure(user_agent="mybot/2.0")
    assert home.poll(site.source())["site"].problems == ("robots: disallowed by robots.txt",)
    assert site.paths() == []
