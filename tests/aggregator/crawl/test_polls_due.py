"""Scheduled polls: due indexes and leads, a few polls at a time; and periodic jobs."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from aggregator.crawl.runner import CrawlRunner, PollResult
from aggregator.schedule import clock
from aggregator.schedule.clock import MAX_POLLS_PER_TICK, PeriodicJob, PollClock
from spiders.source import Source
from storage.archive import open_database
from storage.crawl.polls import load_next_polls, save_next_poll
from storage.errors import ArchiveBusy
from storage.model.crawl import IndexState, NextPoll
from tests.aggregator.crawl.loopback_crawl import Home
from tests.aggregator.crawl.loopback_server import Answer, Site
from tests.waiting import wait_until_async

HOUR = timedelta(hours=1)


def due(home: Home, source: Source) -> PollResult:
    """Poll a source like the schedule does."""

    async def work(runner: CrawlRunner) -> PollResult:
        return await runner.poll(source, only_due=True)

    return home.run(work, source)


def load_polls_by_path(home: Home) -> dict[str, NextPoll]:
    """Return the next poll of each index of the site by its path."""
    database = open_database(home.config.database_url)
    try:
        with database.read() as tx:
            return {"/" + poll.url.rpartition("/")[2]: poll for poll in load_next_polls(tx, "site")}
    finally:
        database.close()


def set_next_polls(home: Home, **times: datetime) -> None:
    """Set the next polls of indexes, where `feed` is /feed.xml, as of now."""
    made, now = load_polls_by_path(home), home.clock()
    database = open_database(home.config.database_url)
    with database.write() as tx:
        for name, at in times.items():
            save_next_poll(tx, replace(made[f"/{name}.xml"], next_at=at, set_at=now))
    database.close()


def count_ticks(runner: CrawlRunner) -> list[int]:
    """Return a list that grows by one with each tick of the poll clock."""
    ticks: list[int] = []
    due = runner.context.repository.find_due_sources

    async def counted(names: list[str]) -> list[str]:
        ticks.append(len(names))
        return await due(names)

    runner.context.repository.find_due_sources = counted  # type: ignore[method-assign]
    return ticks


async def wait_for_ticks(ticks: list[int]) -> None:
    """Wait for three more ticks."""
    wanted = len(ticks) + 3
    await wait_until_async(lambda: len(ticks) >= wanted)


def test_poll_requests_all_indexes_that_are_nearly_due(home: Home, site: Site) -> None:
    for path in ("/feed.xml", "/other.xml", "/rare.xml"):
        site.feed(site.article("/a"), path=path)
    source = site.source("site", "/feed.xml", "/other.xml", "/rare.xml", revisit=False)
    home.poll(source)
    now = home.clock()
    set_next_polls(home, feed=now + HOUR, other=now + 1.08 * HOUR, rare=now + 9 * HOUR)
    site.log.clear()
    home.clock.forward(minutes=30)
    assert due(home, source).polls == ()
    assert site.log == []
    home.clock.forward(minutes=31)
    result = due(home, source)
    assert {poll.url.rpartition("/")[2] for poll in result.polls} == {"feed.xml", "other.xml"}
    assert result.has_succeeded
    assert Counter(request.path for request in site.log)["/rare.xml"] == 0
    assert result.next_poll_at == min(poll.next_at for poll in load_polls_by_path(home).values())


def test_lead_due_for_a_retry_schedules_its_source_but_no_index(home: Home, site: Site) -> None:
    site.feed(site.url("/a"))
    site.pages["/a"] = Answer(b"busy", 503)
    source = site.source(every=86_400.0)
    result = home.poll(source)["site"]
    assert result.next_poll_at - home.clock() < HOUR
    assert "due for a retry" in result.next_poll_reason
    site.article("/a")
    home.clock.forward(seconds=(result.next_poll_at - home.clock()).total_seconds() + 1)
    site.log.clear()
    again = due(home, source)
    assert [request.path for request in site.log if request.path != "/robots.txt"] == ["/a"]
    assert (again.counts["kept"], again.has_succeeded) == (1, True)
    assert again.next_poll_at - home.clock() > 20 * HOUR


def test_retired_index_is_polled_by_command_only(home: Home, site: Site) -> None:
    site.feed(site.article("/a"))
    source = site.source()
    home.poll(source)
    database = open_database(home.config.database_url)
    with database.write() as tx:
        save_next_poll(tx, replace(load_polls_by_path(home)["/feed.xml"], state=IndexState.RETIRED))
    database.close()
    site.log.clear()
    home.clock.forward(days=400)
    idle = due(home, source)
    assert (site.log, idle.polls) == ([], ())
    assert "none of its indexes" in idle.next_poll_reason
    assert idle.next_poll_at - home.clock() > 20 * HOUR
    assert home.poll(source)["site"].has_succeeded
    assert load_polls_by_path(home)["/feed.xml"].state == IndexState.ASKED


def test_overdue_polls_start_a_few_at_a_time(home: Home, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "TICK_SECONDS", 0.2)
    sources = []
    for number in range(4 * MAX_POLLS_PER_TICK):
        site.feed(path=f"/{number}.xml")
        sources.append(site.source(f"s{number}", f"/{number}.xml", delay=0.001, every=86_400.0))
    home.poll(*sources)
    home.clock.forward(days=7)
    site.log.clear()
    started: Counter[int] = Counter()

    async def work(runner: CrawlRunner) -> None:
        ticks, poll_all = count_ticks(runner), runner.poll_all

        async def counted(*arguments: Any, **options: Any) -> list[PollResult]:
            started[len(ticks)] += 1
            return await poll_all(*arguments, **options)

        runner.poll_all = counted  # type: ignore[method-assign]
        running = asyncio.ensure_future(PollClock(runner, sources, lambda result: None).run([]))
        await wait_until_async(lambda: runner.context.stats.polled >= len(sources))
        await wait_for_ticks(ticks)
        runner.context.stop_requested.set()
        await running

    home.run(work, *sources)
    assert started[1] == MAX_POLLS_PER_TICK
    assert max(started.values()) == MAX_POLLS_PER_TICK
    asked = Counter(request.path for request in site.log if request.path != "/robots.txt")
    assert asked == Counter(f"/{number}.xml" for number in range(len(sources)))
    assert max(request.concurrent for request in site.log) == 1


def test_failed_poll_is_not_repeated_at_once(home: Home, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "TICK_SECONDS", 0.2)
    source, results = site.source(), []

    async def work(runner: CrawlRunner) -> None:
        async def broken(source: Source, *, only_due: bool = False) -> PollResult:
            raise ValueError("a bug")

        runner.poll = broken  # type: ignore[method-assign]
        ticks = count_ticks(runner)
        running = asyncio.ensure_future(PollClock(runner, [source], results.append).run([]))
        await wait_until_async(lambda: results)
        await wait_for_ticks(ticks)
        runner.context.stop_requested.set()
        await running

    home.run(work, source)
    assert [result.error for result in results] == ["internal error: ValueError: a bug"]


def test_failed_job_is_logged_and_repeated(home: Home, site: Site, caplog: pytest.LogCaptureFixture) -> None:
    times: list[int] = []

    async def fails() -> None:
        times.append(1)
        raise ArchiveBusy("another process is writing") if len(times) == 1 else ValueError("a bug")

    async def work(runner: CrawlRunner) -> None:
        running = asyncio.ensure_future(
            PollClock(runner, [], lambda result: None).run([PeriodicJob("often", 0.5, fails)])
        )
        await wait_until_async(lambda: len(times) == 3)
        runner.context.stop_requested.set()
        await running

    home.run(work)
    assert "event=job-failed job=often error=another process is writing" in caplog.text
    assert "event=job-broken job=often" in caplog.text


def test_job_can_have_a_shorter_first_interval(home: Home) -> None:
    done: list[str] = []

    def job(name: str, first: float = 0.0) -> PeriodicJob:
        async def work() -> None:
            done.append(name)

        return PeriodicJob(name, 3600.0, work, first)

    async def work(runner: CrawlRunner) -> None:
        running = asyncio.ensure_future(
            PollClock(runner, [], lambda result: None).run([job("late"), job("early", 0.1)])
        )
        await wait_until_async(lambda: done)
        runner.context.stop_requested.set()
        await running

    home.run(work)
    assert done == ["early"]


def test_source_can_be_excluded_from_revisits(home: Home, site: Site) -> None:
    site.feed(site.article("/a"))
    home.poll(site.source())
    assert home.revisit(site.source(revisit=False))["site"].counts["again"] == 0
    assert home.revisit(site.source())["site"].counts["again"] == 1
