"""The clock of `crawl --watch`: an in-memory tick asks the database what is due; the database is the calendar."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from aggregator.crawl.runner import Crew, PollResult
from spiders.source import Source

TICK_SECONDS = 1.0
TELL_SECONDS = 60.0


async def watch_due(
    crew: Crew, sources: Iterable[Source], report: Callable[[PollResult], None], tell: Callable[[], Awaitable[None]]
) -> list[PollResult]:
    """Poll each source whenever it is due, until the crew is stopped; a source is never polled twice at once.

    `tell` is called every minute, never twice at once, and at the end: it tells of what is new. Returns the results
    of the last poll of each source.
    """
    by_name = {source.name: source for source in sources}
    running: dict[str, asyncio.Task[None]] = {}
    last: dict[str, PollResult] = {}

    async def one(source: Source) -> None:
        def keep(result: PollResult) -> None:
            last[result.source] = result
            report(result)

        try:
            await crew.poll_all([source], keep)
        finally:
            running.pop(source.name, None)

    async def tick() -> None:
        if crew.stopping:
            return
        idle = [name for name in by_name if name not in running]
        for name in await crew.desk.due(idle):
            running[name] = asyncio.ensure_future(one(by_name[name]))

    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(tick, "interval", seconds=TICK_SECONDS, max_instances=1, coalesce=True, misfire_grace_time=None)
    scheduler.add_job(tell, "interval", seconds=TELL_SECONDS, max_instances=1, coalesce=True, misfire_grace_time=None)
    scheduler.start()
    try:
        await tick()
        await crew.stop_asked.wait()
        await asyncio.gather(*running.values(), return_exceptions=True)
        await tell()
    finally:
        scheduler.shutdown(wait=False)
    return list(last.values())
