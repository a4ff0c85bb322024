"""Worker processes in a crawl: their imports, and pages that crash or exhaust them."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.crawl.runner import CrawlRunner
from aggregator.extraction import pool
from aggregator.extraction.pool import list_worker_modules
from spiders.source import Hints
from storage.model.article import Refusal
from storage.model.page import Page
from tests.aggregator.crawl.loopback_crawl import ROOT, Home, sources_of
from tests.aggregator.crawl.loopback_server import Answer, Site, story
from tests.aggregator.crawl.test_polls_attacks import Pulse
from tests.newsroom.server import Newsroom

PROSE = "<p>" + "Batteries age, and chargers wait for them in the rain. " * 12 + "</p>"
BOMBS = {
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(130_000)) + ">" + PROSE,
    "soup": PROSE + "<p>a" * 300_000,
    "nested": PROSE + "<div>" * 100_000 + "deep",
    "amplified": PROSE + '<p><a href="' + "A" * 50_000 + '">' + "<p>a" * 12_500,
    "formatting": PROSE + "<p><b><i><u>" * 100_000,
    "breaks": PROSE + "<br>" * 700_000,
    "entities": PROSE + "&#x1F;&lt;" * 200_000,
}  # fmt: skip


def test_workers_import_neither_scrapy_nor_twisted_nor_sqlalchemy(home: Home, room: Newsroom, tmp_path: Path) -> None:
    sources = sources_of(room, tmp_path)

    async def modules(runner: CrawlRunner) -> list[str]:
        await runner.poll_all(sources.values(), lambda _: None)
        return await asyncio.wrap_future(list_worker_modules(runner.context.pool))

    known = {name.partition(".")[0] for name in home.run(modules, *sources.values())}
    assert "trafilatura" in known
    assert not known & {"scrapy", "twisted", "sqlalchemy", "alembic", "apscheduler", "typer", "tests"}


def test_bomb_pages_end_with_a_reason_and_affect_no_other_page(home: Home, site: Site) -> None:
    home.configure(workers=2)
    home.seconds = 120
    for number, (name, body) in enumerate(BOMBS.items()):
        title = f"Story {number}"  # as the feed names it
        page = (
            f'<!DOCTYPE html><html lang="en"><head><title>{title}</title></head><body><article><h1>{title}</h1>{body}'
        )
        site.pages[f"/{name}"] = Answer(page.encode())
    sound = [site.article(f"/sound/{n}") for n in range(8)]
    site.feed(*(site.url(f"/{name}") for name in BOMBS), *sound)
    source = site.source()

    async def polled(runner: CrawlRunner) -> float:
        pulse = Pulse()
        assert (await runner.poll(source)).has_succeeded
        return pulse.stop()

    assert home.run(polled, source) < 1.0
    assert set(sound) <= home.articles()
    leads = home.leads()
    for name in BOMBS:
        state, reason, _ = leads[site.url(f"/{name}")]
        assert state in ("kept", "refused"), (name, state, reason)
        assert reason
    longest = home.rows("SELECT max(length(text)) FROM texts")[0][0]
    assert isinstance(longest, int)
    assert longest < 4 * 2**20


def test_death_of_a_worker_fails_only_its_own_task(home: Home, site: Site) -> None:
    site.feed(*(site.article(f"/{n}") for n in range(6)))
    source = site.source()

    async def deaths(runner: CrawlRunner) -> list[str]:
        messages: list[str] = []
        polling = asyncio.ensure_future(runner.poll(source))
        for work, args in ((os.abort, ()), (ctypes.string_at, (0,)), (os._exit, (7,)), (bytearray, (2**31,))):
            messages.append(str(await runner.context.pool._run_task(work, args, lambda why: why)))  # type: ignore[arg-type]
        assert (await polling).has_succeeded
        return messages

    messages = home.run(deaths, source)
    assert [message.partition("(")[0].strip() for message in messages[:3]] == ["ended its worker"] * 3
    assert messages[3].startswith("needed more than")
    assert len(home.articles()) == 6


def test_worker_is_replaced_after_its_page_limit(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MAX_PAGES_PER_WORKER", 10)
    when = datetime.now(UTC)
    pages = [Page(url=f"http://a.example/{n}", status=200, body=story(f"/{n}"), fetched_at=when) for n in range(40)]

    async def read(runner: CrawlRunner) -> tuple[int, int]:
        workers, sound = set(), 0
        for page in pages:
            sound += not isinstance(await runner.context.pool.extract(page, Hints()), Refusal)
            workers.add(await runner.context.pool._run_task(os.getpid, (), lambda why: 0))
        return sound, len(workers)

    sound, workers = home.run(read)
    assert sound == 40
    assert workers >= 8


def test_event_loop_is_not_blocked_while_the_first_worker_starts(room: Newsroom, tmp_path: Path) -> None:
    """Run in a new process, which has imported nothing for workers yet."""
    catalogue = room.write_sources(tmp_path / "room.toml")
    process = subprocess.run(
        [sys.executable, "-c", COLD, str(tmp_path), str(catalogue)],
        cwd=ROOT, text=True, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert float(process.stdout) < 1.0


COLD = """
import sys
from pathlib import Path
from spiders.catalogue import load_catalogue
from tests.aggregator.crawl.loopback_crawl import Home, Reactor
from tests.aggregator.crawl.test_polls_attacks import Pulse
reactor = Reactor()
sources = load_catalogue(None, Path(sys.argv[2])).sources
async def cold(runner):
    pulse = Pulse()
    await runner.poll_all(sources, lambda result: None)
    return pulse.stop()
print(Home(Path(sys.argv[1]), reactor).run(cold, *sources))
reactor.close()
"""


def test_idle_workers_that_are_killed_are_replaced(home: Home) -> None:
    page = Page(url="https://a.example/a", status=200, body=story("/a"), fetched_at=datetime(2026, 1, 1, tzinfo=UTC))

    async def work(runner: CrawlRunner) -> list[object]:
        read = [await runner.context.pool.extract(page, Hints())]
        for _ in range(3):
            for worker in list(runner.context.pool._pool._pool_manager.worker_manager.workers):
                os.kill(worker, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):  # the pool has noticed already
                    os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)
            read.append(await runner.context.pool.extract(page, Hints()))
        return read

    assert [type(article).__name__ for article in home.run(work)] == ["Article"] * 4
