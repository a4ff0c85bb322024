"""Tells the operator how sources are: once where one is no longer well, and once when it is again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, time

from aggregator.alerts import notify as channels
from aggregator.alerts.notify import Message
from aggregator.alerts.run import Send
from aggregator.config import Config
from aggregator.health.examine import Report, examine, keep
from aggregator.health.findings import State
from aggregator.logs import safe_line
from spiders.source import Source
from storage.crawl.health import told_of
from storage.db.database import Database

log = logging.getLogger(__name__)

_MOST_LISTED = 40


async def look_after(
    config: Config, database: Database, sources: Sequence[Source], now: datetime, send: Send = channels.send
) -> list[Report]:
    """One round: examine every source, put it down, and tell what is to be told. Nothing while the web is away."""
    return await asyncio.to_thread(_look_after, config, database, sources, now, send)


def _look_after(
    config: Config, database: Database, sources: Sequence[Source], now: datetime, send: Send
) -> list[Report]:
    found = examine(database, sources, now)
    if found.is_cut_off:
        return []
    reports = found.reports
    keep(database, reports, now)
    for report in reports:
        if report.state != (report.was or State.OK):
            why = report.findings[0].words if report.findings else "well again"
            level = logging.INFO if report.is_ok else logging.WARNING
            log.log(level, "event=health source=%s state=%s why=%s", report.source, report.state, safe_line(why))
    news = [one for one in reports if _is_news(one, now)]
    if news and config.tell and not is_quiet(config.quiet, now.astimezone().time()):
        _tell(config, database, news, send)
    return reports


def _is_news(report: Report, now: datetime) -> bool:
    return report.state != (report.told or State.OK) and report.has_settled(now)


def is_quiet(hours: str, at: time) -> bool:
    """Whether a time of day lies within hours such as 22:00-07:00."""
    if not hours:
        return False
    begin, end = (time.fromisoformat(one) for one in hours.split("-"))
    return begin <= at < end if begin <= end else at >= begin or at < end


def _tell(config: Config, database: Database, news: Sequence[Report], send: Send) -> None:
    """Send it; it counts as told once one address took it, and is tried again with the next round until then."""
    text, taken = message(news), False
    for address in config.tell:
        trouble = send(address, text)
        taken = taken or not trouble
        if trouble:
            log.warning("event=not-told to=%s trouble=%s", channels.shown(address), safe_line(trouble))
    if taken:
        with database.write() as tx:
            for report in news:
                told_of(tx, report.source, report.state)


def message(news: Sequence[Report]) -> Message:
    """All that is new, in one message."""
    bad, well = [one for one in news if not one.is_ok], [one for one in news if one.is_ok]
    lines = []
    for one in bad[:_MOST_LISTED]:
        worst = one.findings[0]
        lines.append(f"{one.source} is {one.state}: {worst.words}\n  {worst.advice}")
    lines += [f"{one.source} is well again" for one in well[:_MOST_LISTED]]
    if (more := len(news) - len(lines)) > 0:
        lines.append(f"and {more} more: evnews health")
    title = [f"{len(bad)} {'source is' if len(bad) == 1 else 'sources are'} not well"] * bool(bad)
    title += [f"{len(well)} well again"] * bool(well)
    return Message(
        title=f"evnews: {', '.join(title)}",
        body="\n\n".join("\n".join(map(safe_line, one.split("\n"))) for one in lines),
    )
