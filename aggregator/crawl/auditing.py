"""Audits of sources, a few at a time, so that each has one a day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from aggregator.crawl.feed_audit import audit
from aggregator.crawl.runner import Crew
from aggregator.crawl.single_fetch import Fetch
from spiders.source import Source

EVERY = timedelta(days=1)
LOOK_SECONDS = 600.0
AT_ONCE = 4


async def audit_some(crew: Crew, sources: Sequence[Source]) -> list[str]:
    """Audit the sources that were not for a day, as many as there is room for; returns their names."""
    known, now = await crew.desk.audits(), crew.now()
    due = [one for one in sources if one.name not in known or known[one.name].at <= now - EVERY]
    due.sort(key=lambda one: known[one.name].at if one.name in known else now - 2 * EVERY)
    chosen = due[: max(AT_ONCE, len(sources) * int(LOOK_SECONDS) // 86_400 + 1)]

    async def look(source: Source) -> None:
        async def work(fetch: Fetch) -> None:
            await audit(crew, fetch, source)

        if not crew.stopping:
            await crew.errand(source, work)

    for begin in range(0, len(chosen), AT_ONCE):
        await asyncio.gather(*(look(source) for source in chosen[begin : begin + AT_ONCE]))
    return [one.name for one in chosen]
