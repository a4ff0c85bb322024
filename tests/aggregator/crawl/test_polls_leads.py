"""Leads end, are retried or wait; none is fetched twice, and neither a stop nor a crash loses any."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.crawl import article_fetcher
from aggregator.crawl.runner import CrawlRunner
from storage.archive import open_database
from storage.crawl.revisits import list_revisits
from storage.maintenance.expiry import ArticleAges, delete_expired
from storage.model.article import Article, Decision, Refusal
from storage.model.page import Page
from tests.aggregator.crawl.loopback_crawl import Home, Process, setting, sources_of
from tests.aggregator.crawl.loopback_server import Answer, Site
from tests.newsroom.server import Newsroom, running
from tests.waiting import wait_until, wait_until_async


def test_transient_failure_is_retried_five_times_over_two_days(home: Home, site: Site) -> None:
    site.feed(site.url("/a"))
    site.pages["/a"] = Answer(b"busy", 500)
    source = site.source()
    tried = []
    for quarter in range(60 * 4):
        if quarter and quarter / 4 in (0.25, 1.25, 5.25, 17.25, 47.25):
            before = len(site.asked("/a"))
            home.poll(source)
            assert len(site.asked("/a")) == before + 1, quarter / 4
            tried.append(quarter / 4)
        elif quarter in (0, 1, 4, 20, 60, 180):
            home.poll(source)
        home.clock.forward(minutes=15)
    assert tried == [0.25, 1.25, 5.25, 17.25, 47.25]
    assert len(site.asked("/a")) == 6
    assert home.leads()[site.url("/a")] == ("refused", "HTTP 500", 5)


def test_permanent_failure_is_never_retried(home: Home, site: Site) -> None:
    gone = {f"/{status}": status for status in (404, 410, 400, 451)}
    for path, status in gone.items():
        site.pages[path] = Answer(b"no", status)
    site.pages["/home"] = Answer(status=302, headers=(("Location", site.url("/")),))
    site.pages["/"] = Answer(b"<!DOCTYPE html><title>Front</title><p>Welcome to our site.")
    site.pages["/thin"] = Answer(b"<!DOCTYPE html><title>Thin</title><p>Little.")
    site.feed(*(site.url(path) for path in (*gone, "/home", "/thin")))
    home.poll(site.source())
    home.clock.forward(days=3)
    site.feed(*(site.url(path) for path in (*gone, "/home", "/thin")), site.article("/new"))
    home.poll(site.source())
    asked = Counter(site.paths())
    assert {path: asked[path] for path in (*gone, "/home", "/thin", "/new")} == dict.fromkeys(
        (*gone, "/home", "/thin", "/new"), 1
    )
    leads = home.leads()
    assert {leads[site.url(path)][0] for path in (*gone, "/home", "/thin")} == {"refused"}
    assert leads[site.url("/404")][1] == "HTTP 404"
    assert leads[site.url("/home")][1] == "redirected to the site's front page"
    assert len(home.rows("SELECT id FROM captures WHERE verdict = 'refused'")) >= len(gone)


def test_indexes_are_read_before_the_first_article(home: Home, site: Site) -> None:
    feeds = [f"/{n}.xml" for n in range(12)]
    for n, path in enumerate(feeds):
        site.feed(site.article(f"/{n}"), path=path)
    assert home.poll(site.source("site", *feeds))["site"].has_succeeded
    assert len(home.articles()) == 12
    assert {asked.path for asked in site.log[1:13]} == set(feeds)


def test_invalid_url_ends_its_own_lead_only(home: Home, site: Site) -> None:
    odd = [f"http://,]+([::%20'0{n}" for n in range(3)]
    site.feed(*odd, site.article("/a"))
    result = home.poll(site.source())["site"]
    assert result.has_succeeded
    assert home.articles() == {site.url("/a")}
    assert {state for state, _, _ in home.leads().values()} <= {"kept", "refused"}


def test_leads_beyond_the_limit_of_a_poll_wait_for_the_next(
    home: Home, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(article_fetcher, "MAX_FETCHES", 4)
    site.feed(*(site.article(f"/{n}") for n in range(10)))
    kept = []
    for _ in range(4):
        assert home.poll(site.source())["site"].has_succeeded
        kept.append(len(home.articles()))
    assert kept == [4, 8, 10, 10]
    assert Counter(site.paths())["/0"] == 1
    assert max(Counter(site.paths()[4:]).values()) <= 4


def test_poll_ends_after_its_time_limit(home: Home, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(article_fetcher, "MAX_SECONDS", 0.5)
    site.feed(*(site.article(f"/{n}") for n in range(30)))
    assert home.poll(site.source(delay=0.1))["site"].has_succeeded
    states = Counter(state for state, _, _ in home.leads().values())
    assert states["kept"] < 15
    assert states["waiting"] == 30 - states["kept"]


def test_two_processes_of_one_archive_share_the_leads(home: Home, room: Newsroom, tmp_path: Path) -> None:
    room.publish(60)
    file = room.write_sources(tmp_path / "room.toml", delay=0.02)
    runners = [Process(home, file) for _ in range(2)]
    assert [runner.wait() for runner in runners] == [0, 0]
    assert home.articles() == {truth.url for truth in room.articles()}
    articles = {truth.lead_url.split("/", 3)[3] for truth in room.every()}
    times = Counter(hit.path[1:] for hit in room.log if hit.path[1:] in articles)
    assert max(times.values()) == 1
    assert home.damage() == []
    assert not [lead for lead in home.leads().values() if lead[0] in ("waiting", "leased")]


def test_stop_finishes_fetches_in_flight_and_releases_the_other_leads(home: Home, site: Site) -> None:
    slow = {f"/{n}": Answer(b"", seconds=0.0) for n in range(30)}
    for path in slow:
        site.article(path)
        body = site.pages[path].body  # type: ignore[union-attr]
        site.pages[path] = Answer(body, seconds=0.3)
    site.feed(*(site.url(path) for path in slow))
    source = site.source()

    async def interrupted(runner: CrawlRunner) -> None:
        polling = asyncio.ensure_future(runner.poll_all([source], lambda _: None))
        await wait_until_async(lambda: len(site.paths()) >= 3)
        await runner.stop()
        await polling

    started = time.monotonic()
    home.run(interrupted, source)
    assert time.monotonic() - started < 10
    asked = [path for path in site.paths() if path != "/feed.xml"]
    assert home.articles() == {site.url(path) for path in asked}
    states = Counter(state for state, _, _ in home.leads().values())
    assert states == {"kept": len(asked), "waiting": 30 - len(asked)}
    assert 0 < len(asked) < 10
    for path in slow:
        site.article(path)
    home.poll(source)
    assert len(home.articles()) == 30
    assert max(Counter(site.paths()).values()) == 2  # the feed


@pytest.mark.parametrize("trouble", ["a hanging answer", "a long delay", "a hanging index"])
def test_stop_ends_in_time_whatever_the_crawl_waits_for(
    home: Home, room: Newsroom, tmp_path: Path, trouble: str
) -> None:
    source = sources_of(room, tmp_path, delay=40.0 if trouble == "a long delay" else 0.001)["chargepost"]
    if trouble != "a long delay":
        room.fault("chargepost", "hang", "/feed.xml" if trouble == "a hanging index" else "/news/")

    stops_at = {"a hanging answer": "/news/", "a long delay": "/robots.txt", "a hanging index": "/feed.xml"}[trouble]

    async def interrupted(runner: CrawlRunner) -> float:
        polling = asyncio.ensure_future(runner.poll_all([source], lambda _: None))
        await wait_until_async(lambda: room.hits("chargepost", stops_at))
        started = time.monotonic()
        await runner.stop(0.3)
        await polling
        return time.monotonic() - started

    assert home.run(interrupted, source) < 5
    assert {lead[0::2] for lead in home.leads().values()} <= {("waiting", 0)}
    room.fault("chargepost", "none")
    with setting("DOWNLOAD_TIMEOUT", 5):
        home.poll(sources_of(room, tmp_path, delay=0.001)["chargepost"])
    assert home.articles() == {truth.url for truth in room.articles("chargepost")}


def test_ctrl_c_ends_a_process_in_time_and_loses_nothing(home: Home, room: Newsroom, tmp_path: Path) -> None:
    room.publish(60)
    runner = Process(home, room.write_sources(tmp_path / "room.toml", delay=0.1))
    wait_until(lambda: len(room.log) >= 25)
    runner.kill(signal.SIGINT)
    assert runner.wait(10) == 130
    asked = len(room.log)
    assert home.damage() == []
    assert not [lead for lead in home.leads().values() if lead[0] == "leased"]
    assert Process(home, room.write_sources(tmp_path / "room.toml", delay=0.001)).wait() == 0
    assert home.articles() == {truth.url for truth in room.articles()}
    times = Counter(
        hit.path for hit in room.log if not hit.conditional and hit.path.startswith(("/news/", "/stories/"))
    )
    assert max(times.values()) == 1
    assert len(room.log) > asked


@pytest.mark.faults
def test_sigkill_at_any_moment_loses_nothing(home: Home, tmp_path: Path) -> None:
    """After several crawls that are killed, another crawl stores what an undisturbed one would have."""
    moments = random.Random(7)
    with running(Newsroom()) as room:
        file = room.write_sources(tmp_path / "room.toml", delay=0.02, wide=True)
        kills = 0
        while kills < 4:
            room.log.clear()
            runner = Process(home, file)
            wanted = moments.randrange(1, 25)
            wait_until(lambda: len(room.log) >= wanted or not runner.is_running)  # noqa: B023  # called here only
            time.sleep(moments.random() * 0.1)  # a random moment after the request
            runner.kill(signal.SIGKILL)
            runner.wait()
            kills += 1
        assert Process(home, file).wait() == 0
        assert home.articles() == {truth.url for truth in room.articles()}
        assert len(home.rows("SELECT id FROM articles")) == len(room.articles())
    assert home.damage() == []
    assert not [lead for lead in home.leads().values() if lead[0] in ("waiting", "leased") or lead[2]]


@pytest.mark.faults
def test_leads_of_a_killed_process_are_released_without_an_attempt(home: Home, room: Newsroom, tmp_path: Path) -> None:
    file = room.write_sources(tmp_path / "room.toml", delay=0.001)
    room.fault("chargepost", "hang", "/news/")
    runner = Process(home, file)
    wait_until(lambda: room.hits("chargepost", "/news/"))
    runner.kill(signal.SIGKILL)
    runner.wait()
    assert "leased" in {state for state, _, _ in home.leads().values()}
    room.fault("chargepost", "none")
    assert Process(home, file).wait() == 0
    assert home.articles() == {truth.url for truth in room.articles()}
    assert {tries for _, _, tries in home.leads().values()} == {0}


def test_source_without_stored_pages_has_no_captures(home: Home, site: Site) -> None:
    site.feed(site.article("/1"), site.url("/missing"))
    home.poll(site.source(keep_pages=0.0))
    assert home.articles() == {site.url("/1")}
    assert home.rows("SELECT count(*) FROM captures") == [(0,)]
    site.article("/1", "edited words of some length")
    home.revisit(site.source(keep_pages=0.0))
    assert len(home.changes()) == 1
    assert home.rows("SELECT count(*) FROM captures") == [(0,)]
    home.revisit(site.source())
    assert home.damage() == []


def test_article_older_than_the_retention_time_is_not_fetched(home: Home, site: Site) -> None:
    """The date is that of the index; the retention time of a source takes precedence over the general one."""
    item = "<item><title>t</title><link>{}</link>{}</item>"
    dated = "<pubDate>Thu, 01 Jan 2015 10:00:00 GMT</pubDate>"
    entries = [item.format(site.article("/old"), dated), item.format(site.article("/undated"), "")]
    feed = f'<rss version="2.0"><channel><title>t</title>{"".join(entries)}</channel></rss>'
    site.pages["/feed.xml"] = Answer(feed.encode(), type="application/rss+xml")
    home.configure(keep=5 * 365 * 86_400.0)
    home.poll(site.source())
    assert site.paths() == ["/feed.xml", "/undated"]
    assert home.leads()[site.url("/old")][:2] == ("expired", article_fetcher.TOO_OLD_REASON)
    (counted,) = home.rows("SELECT sum(refused + failed) FROM polls")
    assert counted == (0,)  # an expired lead is no request
    home.poll(site.source("other", keep=float("inf")))
    assert home.articles() == {site.url("/old"), site.url("/undated")}
    assert home.damage() == []


def test_old_stored_article_is_fetched_again_when_its_index_updates_it(home: Home, site: Site) -> None:
    item = "<item><title>t</title><link>{}</link><pubDate>Thu, 01 Jan 2015 10:00:00 GMT</pubDate>{}</item>"

    def publish(more: str) -> None:
        feed = f'<rss version="2.0"><channel><title>t</title>{item.format(site.url("/old"), more)}</channel></rss>'
        site.pages["/feed.xml"] = Answer(feed.encode(), type="application/rss+xml")

    site.article("/old")
    publish("")
    home.poll(site.source())
    assert home.articles() == {site.url("/old")}
    home.configure(keep=5 * 365 * 86_400.0)
    home.clock.forward(hours=3)
    site.article("/old", "edited words of some length")
    later = home.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    publish(f'<updated xmlns="http://www.w3.org/2005/Atom">{later}</updated>')
    home.clock.forward(hours=1)
    home.poll(site.source())
    assert site.paths().count("/old") == 2
    assert home.leads()[site.url("/old")][0] == "kept"
    assert len(home.changes()) == 1


def test_article_deleted_during_its_revisit_is_not_stored_again(home: Home, site: Site) -> None:
    site.feed(site.article("/1"))
    home.poll(site.source())

    async def scenario(runner: CrawlRunner) -> Decision | Refusal | None:
        (revisit,) = await runner.context.repository.run(list_revisits, "site", 0, 9)
        database = open_database(home.config.database_url)
        later = home.clock() + timedelta(days=2)
        assert sum(delete_expired(database, ArticleAges(default=86_400.0), later)) == 1
        database.close()
        page = Page(url=revisit.url, status=200, fetched_at=later, source="site")
        return await runner.context.repository.save_revisited_article(
            revisit, (page,), Article(url=revisit.url, title="t", text="x"), None, ()
        )

    answer = home.run(scenario, site.source())
    assert isinstance(answer, Refusal)
    assert home.articles() == set()
    assert home.damage() == []
