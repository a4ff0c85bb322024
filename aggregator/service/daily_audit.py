"""Audit every source's feeds against its sitemap once a day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from aggregator.crawl.feed_audit import audit_source
from aggregator.crawl.runner import CrawlRunner
from aggregator.crawl.single_fetch import FetchUrl
from spiders.source import Source
from storage.crawl import audits

AUDIT_INTERVAL = timedelta(days=1)
AUDIT_CHECK_SECONDS = 600.0
MAX_CONCURRENT_AUDITS = 4


async def audit_due_sources(runner: CrawlRunner, sources: Sequence[Source]) -> list[str]:
    """Audit the sources whose last audit is a day old, the longest overdue first; return their names.

    One call audits as many as are needed to audit all sources within a day.
    """
    context = runner.context
    known, now = await context.repository.run(audits.load_audits), context.now()
    due = [
        source
        for source in sources
        if source.name not in known or known[source.name].audited_at <= now - AUDIT_INTERVAL
    ]
    never = now - 2 * AUDIT_INTERVAL
    due.sort(key=lambda source: known[source.name].audited_at if source.name in known else never)
    chosen = due[: max(MAX_CONCURRENT_AUDITS, len(sources) * int(AUDIT_CHECK_SECONDS) // 86_400 + 1)]

    async def audit(source: Source) -> None:
        async def work(fetch: FetchUrl) -> None:
            await audit_source(context, fetch, source)

        if not context.is_stopping:
            await runner.run_single_fetch(source, work)

    for begin in range(0, len(chosen), MAX_CONCURRENT_AUDITS):
        await asyncio.gather(*(audit(source) for source in chosen[begin : begin + MAX_CONCURRENT_AUDITS]))
    return [source.name for source in chosen]
