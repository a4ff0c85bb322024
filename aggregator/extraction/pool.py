"""Worker processes for extraction, with limits of time and memory for each page."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import sys
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.popen_forkserver import Popen
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from pebble import ProcessExpired, ProcessPool

from aggregator.topics.catalogue import shipped_matcher
from aggregator.topics.matcher import TopicCatalogue, TopicMatcher
from spiders.source import Hints, SourceListing
from storage.model.article import Article, Refusal
from storage.model.page import ContentError, EncodedBody, Page, ParsedIndex

if TYPE_CHECKING:
    from spiders.discover import DiscoveredFeed

T = TypeVar("T")

_log = logging.getLogger(__name__)

MAX_CPU_SECONDS = 10
"""Maximum processor time for one page."""
MAX_WALL_SECONDS = 30.0
"""Maximum elapsed time for one page. On a machine with free processors, MAX_CPU_SECONDS is reached first."""
MAX_MEMORY_BYTES = 2**30
"""Maximum address space for one page, in addition to that of an idle worker."""
MAX_PAGES_PER_WORKER = 2000
"""Number of pages after which a worker is replaced, so that leaks cannot grow."""


class ExtractionPool:
    """Pool of processes that extract pages; a page that crashes its process or exceeds a limit raises nothing.

    Create and close the pool in the process of the event loop. Callers limit the number of pages in progress. `topics`
    is the catalogue by which workers find topics; None means the shipped one, which every worker has loaded.
    """

    def __init__(self, workers: int, topics: TopicCatalogue | None = None) -> None:
        self._workers, self._topics = workers, topics
        self._pool = self._create_pool()
        self._ready: Future[None] = Future()
        self._start_thread = Thread(target=self._start_first_worker, name="evnews-pool-start", daemon=True)
        self._start_thread.start()

    def _start_first_worker(self) -> None:
        """Start the first worker in a thread, because its imports would block the event loop for a second."""
        try:
            self._pool.schedule(int, timeout=MAX_WALL_SECONDS).result(MAX_WALL_SECONDS)
        except Exception:  # the first task meets the error again
            _log.debug("event=pool-start-failed", exc_info=True)
        finally:
            self._ready.set_result(None)

    def _create_pool(self) -> ProcessPool:
        os.environ.setdefault(
            "OPENBLAS_NUM_THREADS", "1"
        )  # each thread would reserve memory against the worker's limit
        return ProcessPool(
            max_workers=self._workers,
            max_tasks=MAX_PAGES_PER_WORKER,
            initializer=_prepare_worker,
            initargs=[self._topics],
            context=_create_worker_context(),
        )

    async def extract(self, page: Page, hints: Hints) -> Article | Refusal:
        """Extract a page; return a Refusal if it exceeds a limit."""
        return await self._run_task(_extract, (page, hints), _refuse_extraction)

    async def extract_and_encode(self, page: Page, hints: Hints) -> tuple[Article | Refusal, EncodedBody | None]:
        """Extract a page, and compress its body for the WARC record.

        The second value is None if the body is compressed already, or the page exceeds a limit.
        """
        return await self._run_task(
            _extract_and_encode,
            (page, hints),
            lambda problem: (_refuse_extraction(problem), None),
        )

    async def read_index(
        self, page: Page, kind: str, listing: SourceListing | None, limit: int, now: datetime
    ) -> ParsedIndex:
        """Parse a page as a feed, sitemap or listing; return an index with a problem if it exceeds a limit."""
        return await self._run_task(
            _read_index,
            (page, kind, listing, limit, now),
            lambda problem: ParsedIndex(kind=kind, problem=f"reading {problem}"),
        )

    async def find_feeds(self, page: Page) -> tuple[DiscoveredFeed, ...]:
        """Return the feeds that a page links to; none if it exceeds a limit or cannot be decoded."""
        return await self._run_task(_find_feeds, (page,), lambda problem: ())

    async def _run_task(self, work: Callable[..., T], args: tuple[object, ...], excuse: Callable[[str], T]) -> T:
        if not self._ready.done():
            await asyncio.shield(asyncio.wrap_future(self._ready))
        for attempt in (1, 2):
            pool = self._pool
            try:
                return await asyncio.wrap_future(_schedule_task(pool, work, args))
            except TimeoutError:
                return excuse(f"took longer than {MAX_WALL_SECONDS:.0f} s")
            except MemoryError:
                return excuse(f"needed more than {MAX_MEMORY_BYTES >> 20} MiB of memory")
            except ProcessExpired as error:
                return excuse(_describe_exit(error))
            except BrokenProcessPool:
                # A worker that dies between two tasks breaks the whole pool: create a new one, once for this page.
                if attempt == 2:
                    raise
                if self._pool is pool:
                    self._pool = self._create_pool()
                    Thread(target=_stop_pool, args=(pool,), name="evnews-pool-end", daemon=True).start()
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Stop every worker and abandon the pages in progress."""
        self._start_thread.join()
        _stop_pool(self._pool)


def _refuse_extraction(problem: str) -> Refusal:
    return Refusal(code="extract_timeout", reason=f"extraction {problem}")


def _schedule_task(pool: ProcessPool, work: Callable[..., T], args: tuple[object, ...]) -> Future[T]:
    """Schedule a task and return its future; raise BrokenProcessPool if the pool accepts no tasks."""
    try:
        future: Future[T] = pool.schedule(work, args=args, timeout=MAX_WALL_SECONDS)
    except RuntimeError as error:
        raise BrokenProcessPool(str(error)) from error
    return future


def _stop_pool(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join(timeout=10)


def _describe_exit(error: ProcessExpired) -> str:
    if error.exitcode == -24:  # SIGXCPU
        return f"took more than {MAX_CPU_SECONDS} s of processor time"
    return f"ended its worker (exit code {error.exitcode})"


def _create_worker_context() -> ForkServerContext:
    """Return a context that forks workers from a small server process, which has imported what they need."""
    # If the user interrupts the program, the resource tracker cleans up; its warning would only confuse.
    sys.warnoptions.append("ignore:resource_tracker:UserWarning")
    context = _QuietContext()
    context.set_forkserver_preload([__name__, "aggregator.extraction.preload", "spiders.parse.index"])
    return context


class _QuietProcess(ForkServerProcess):
    """A worker that does not import the program's main module, and with it Scrapy."""

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Popen:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            return ForkServerProcess._Popen(process_obj)
        finally:
            sys.modules["__main__"] = main


class _QuietContext(ForkServerContext):
    Process = _QuietProcess


class _Worker:
    """State of a worker process, set by the initializer of its pool."""

    matcher: TopicMatcher


def _prepare_worker(topics: TopicCatalogue | None) -> None:
    _Worker.matcher = shipped_matcher() if topics is None else TopicMatcher(topics)
    gc.collect()
    gc.freeze()  # memory shared with the server stays shared, because the collector never touches it again
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MAX_MEMORY_BYTES, held + MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_cpu() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + MAX_CPU_SECONDS + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _extract(page: Page, hints: Hints) -> Article | Refusal:
    from aggregator.extraction.extract import extract

    _limit_cpu()
    return extract(page, hints, _Worker.matcher)


def _extract_and_encode(page: Page, hints: Hints) -> tuple[Article | Refusal, EncodedBody | None]:
    from storage.warc.record import encode_body, has_compressed_body

    result = _extract(page, hints)
    return result, None if page.encoded_body or has_compressed_body(page) else encode_body(page)


def _read_index(page: Page, kind: str, listing: SourceListing | None, limit: int, now: datetime) -> ParsedIndex:
    from spiders.parse.index import read_index

    _limit_cpu()
    return read_index(page, kind, listing, limit, now)


def _find_feeds(page: Page) -> tuple[DiscoveredFeed, ...]:
    from spiders.discover import find_feeds

    _limit_cpu()
    try:
        return find_feeds(page.decode_content(), page.url)
    except ContentError:
        return ()


def list_worker_modules(pool: ExtractionPool) -> Future[list[str]]:
    """Return the names of all modules that a worker has imported."""
    return pool._pool.schedule(_list_module_names, timeout=MAX_WALL_SECONDS)


def _list_module_names() -> list[str]:
    return sorted(sys.modules)
