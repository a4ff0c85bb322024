"""Internal failures: an archive that cannot be written, an error in the extractor, a stop during extraction."""

from __future__ import annotations

import asyncio
import time

import pytest

from aggregator.crawl.runner import CrawlRunner, PollResult
from spiders.source import Hints
from storage.model.article import Article, Refusal
from storage.model.page import EncodedBody, Page
from tests.aggregator.crawl.loopback_crawl import Home
from tests.aggregator.crawl.loopback_server import Answer, Site
from tests.waiting import wait_until_async


def test_unwritable_warc_folder_stops_the_crawl_and_loses_no_lead(home: Home, site: Site) -> None:
    site.feed(*(site.article(f"/{number}") for number in range(6)))
    home.folder.mkdir(exist_ok=True)
    (home.folder / "warc").write_bytes(b"")  # a file in place of the folder

    async def work(runner: CrawlRunner) -> tuple[list[PollResult], str]:
        return await runner.poll_all([site.source()], lambda result: None), runner.context.fatal_error

    results, trouble = home.run(work)
    assert "cannot write a WARC file" in trouble
    assert not results[0].has_succeeded
    assert "cannot write a WARC file" in results[0].error
    assert {state for state, _, _ in home.leads().values()} == {"waiting"}
    (home.folder / "warc").unlink()
    assert home.poll(site.source())["site"].has_succeeded
    assert len(home.articles()) == 6
    assert home.damage() == []


def test_internal_error_of_a_page_counts_an_attempt_and_affects_no_other(
    home: Home, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.feed(*(site.article(f"/{number}") for number in range(4)))

    async def work(runner: CrawlRunner) -> list[PollResult]:
        extract = runner.context.pool.extract_and_encode

        async def broken(page: Page, hints: Hints) -> tuple[Article | Refusal, EncodedBody | None]:
            if page.url == site.url("/2"):
                raise ZeroDivisionError("an error in the extractor")
            return await extract(page, hints)

        monkeypatch.setattr(runner.context.pool, "extract_and_encode", broken)
        return await runner.poll_all([site.source()], lambda result: None)

    [result] = home.run(work)
    assert result.counts["kept"] == 3
    assert result.counts["failed"] == 1
    assert home.leads()[site.url("/2")] == ("retry", "internal error: ZeroDivisionError", 1)


def test_stop_does_not_wait_for_extraction(home: Home, site: Site) -> None:
    slow = Answer(
        b"<!DOCTYPE html><title>Slow</title><body>" + b"<p>a" * 59_000, headers=(("Content-Type", "text/html"),)
    )
    for number in range(6):
        site.pages[f"/{number}"] = slow
    site.feed(*(site.url(f"/{number}") for number in range(6)))

    async def work(runner: CrawlRunner) -> float:
        polling = asyncio.ensure_future(runner.poll_all([site.source()], lambda result: None))
        await wait_until_async(lambda: site.asked("/0") or site.asked("/5"))
        started = time.monotonic()
        await runner.stop(drain=0.5)
        await polling
        return time.monotonic() - started

    assert home.run(work) < 6
    states = {state for state, _, _ in home.leads().values()}
    assert states <= {"waiting", "refused"}  # extracted or released: none failed because of the stop
    assert home.damage() == []
