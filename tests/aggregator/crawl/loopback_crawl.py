"""Crawls for tests: a home folder, a clock that can be set forward, and a reactor for the whole test run.

A Twisted reactor can run once per process. This one runs in its own thread, and each scenario is a coroutine on it with
a new runner on the test's archive.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import ipaddress
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from sqlalchemy import text

from aggregator.config import Config
from aggregator.crawl import settings as crawl_settings
from aggregator.crawl.context import RevisitOptions
from aggregator.crawl.runner import CrawlRunner, PollResult
from aggregator.service.setup import open_runner
from spiders.catalogue import load_catalogue
from spiders.source import Source
from storage.archive import open_database
from storage.maintenance.check import check_archive
from tests.newsroom.server import Newsroom

T = TypeVar("T")

ROOT = Path(__file__).parents[3]

AGENT_CONTACT = "mailto:tests@example.org"
ALLOWED = (ipaddress.ip_network("127.1.0.0/16"), ipaddress.ip_network("127.2.0.0/16"))
"""Networks of the newsroom's publishers and of the sites of single tests; 127.0.0.1 is the canary."""


class Reactor:
    """Runs the asyncio reactor in a thread; `run` runs a coroutine on it and returns its result."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reactor", daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        from twisted.internet import asyncioreactor

        asyncioreactor.install(self.loop)
        from twisted.internet import reactor

        reactor.callWhenRunning(self._ready.set)  # type: ignore[attr-defined]
        reactor.run(installSignalHandlers=False)  # type: ignore[attr-defined]
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def run(self, work: Awaitable[T], seconds: float = 60.0) -> T:
        """Run a coroutine on the reactor; return its result or raise its exception."""

        async def whole() -> T:
            return await asyncio.wait_for(work, seconds)

        try:
            return asyncio.run_coroutine_threadsafe(whole(), self.loop).result(seconds + 20)
        except concurrent.futures.TimeoutError:
            raise AssertionError(f"the crawl took longer than {seconds:g} s") from None

    def close(self) -> None:
        """Stop the reactor and its thread."""
        from twisted.internet import reactor

        reactor.callFromThread(reactor.stop)  # type: ignore[attr-defined]
        self._thread.join(10)


class Clock:
    """The real time, shifted by a test."""

    def __init__(self) -> None:
        self.moved = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.moved

    def forward(self, **span: float) -> None:
        """Move the time forward: `forward(hours=25)`."""
        self.moved += timedelta(**span)


class Home:
    """A home folder with an archive, and crawls of it."""

    def __init__(self, folder: Path, reactor: Reactor) -> None:
        self.folder, self.reactor, self.clock = folder, reactor, Clock()
        self.config = Config(home=folder, contact=AGENT_CONTACT, allow_networks=ALLOWED, workers=1)
        self.seconds = 60.0
        self.again: RevisitOptions | None = None

    def configure(self, **settings: object) -> None:
        """Change the configuration of later crawls."""
        self.config = replace(self.config, **settings)  # type: ignore[arg-type]

    @contextlib.asynccontextmanager
    async def runner(self, *sources: Source) -> AsyncIterator[CrawlRunner]:
        """Open a runner on this home; only for use on the reactor."""
        async with open_runner(self.config, sources, revisit_options=self.again, now=self.clock) as runner:
            yield runner

    def run(self, work: Callable[[CrawlRunner], Awaitable[T]], *sources: Source) -> T:
        """Run a scenario with a new runner, like a new process on the same home."""

        async def scenario() -> T:
            async with self.runner(*sources) as runner:
                return await work(runner)

        return self.reactor.run(scenario(), self.seconds)

    def poll(self, *sources: Source) -> dict[str, PollResult]:
        """Poll sources at once with a new runner; return the results by name."""

        async def work(runner: CrawlRunner) -> list[PollResult]:
            return await runner.poll_all(sources, lambda result: None)

        return {result.source: result for result in self.run(work, *sources)}

    def revisit(self, *sources: Source, confirm_now: bool = False) -> dict[str, PollResult]:
        """Poll sources and revisit all their articles; return the results by name."""
        self.again = RevisitOptions(confirm_now)
        try:
            return self.poll(*sources)
        finally:
            self.again = None

    def changes(self) -> dict[str, list[str]]:
        """Return the kinds of edits of each edited article by URL, oldest first."""
        kinds: dict[str, list[str]] = {}
        statement = (
            "SELECT articles.url, revisions.kind FROM revisions JOIN articles ON articles.id = revisions.article_id"
            " WHERE revisions.number > 1 ORDER BY articles.id, revisions.number"
        )
        for url, kind in self.rows(statement):
            kinds.setdefault(str(url).partition("?")[0], []).append(str(kind))
        return kinds

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        database = open_database(self.config.database_url)
        try:
            with database.read() as connection:
                return [tuple(row) for row in connection.execute(text(statement))]
        finally:
            database.close()

    def articles(self) -> set[str]:
        """Return the URLs of all articles without queries, which feeds add for tracking."""
        return {str(url).partition("?")[0] for (url,) in self.rows("SELECT url FROM articles")}

    def leads(self) -> dict[str, tuple[str, str, int]]:
        """Return the state, reason and attempts of every lead by URL."""
        rows = self.rows("SELECT url, state, reason, attempts FROM leads")
        return {str(url): (str(state), str(reason or ""), int(str(tries))) for url, state, reason, tries in rows}

    def damage(self) -> list[str]:
        """Return the problems that `evnews db check` finds."""
        database = open_database(self.config.database_url)
        try:
            return check_archive(database, self.config.warc_folder)
        finally:
            database.close()


def sources_of(room: Newsroom, folder: Path, **options: object) -> dict[str, Source]:
    """Return the newsroom's publishers as sources by name."""
    file = room.write_sources(folder / "room.toml", **options)  # type: ignore[arg-type]
    return {source.name: source for source in load_catalogue(None, file).sources}


@contextlib.contextmanager
def setting(name: str, value: object) -> Iterator[None]:
    """Change a Scrapy setting for runners that are created in the block."""
    before = getattr(crawl_settings, name)
    setattr(crawl_settings, name, value)
    try:
        yield
    finally:
        setattr(crawl_settings, name, before)


class Process:
    """`evnews crawl` in its own process, on a home and a catalogue."""

    def __init__(self, home: Home, catalogue: Path, *words: str) -> None:
        command = [sys.executable, "-m", "aggregator", "--home", str(home.folder), "crawl", "--json"]
        self._started = subprocess.Popen(
            [*command, "--sources", str(catalogue), *words], cwd=ROOT, env=environment(home),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    @property
    def is_running(self) -> bool:
        """True until the process ends."""
        return self._started.poll() is None

    def kill(self, number: int) -> None:
        """Send a signal to the process alone."""
        self._started.send_signal(number)

    def wait(self, seconds: float = 60.0) -> int:
        """Return the exit status; stdout and stderr are in `said` and `complaints`."""
        self.said, self.complaints = self._started.communicate(timeout=seconds)
        return self._started.returncode


def environment(home: Home, **more: str) -> dict[str, str]:
    """Return the environment of a command on a home."""
    settings = {
        "EVNEWS_HOME": str(home.folder), "EVNEWS_ALLOW_NETWORKS": ",".join(str(network) for network in ALLOWED),
        "EVNEWS_CONTACT": home.config.contact, "EVNEWS_WORKERS": "1",
    }  # fmt: skip
    return {**os.environ, **settings, **more}
