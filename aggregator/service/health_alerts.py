"""Tells the operator how sources are: once where one is no longer well, and once when it is again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, time

from aggregator.alerts import notify
from aggregator.alerts.notify import Message
from aggregator.alerts.run import SendMessage
from aggregator.config import Config
from aggregator.health.examine import HealthReport, examine, save_reports
from aggregator.health.findings import HealthState
from aggregator.logs import safe_line
from spiders.source import Source
from storage.crawl.health import mark_state_reported
from storage.db.database import Database

log = logging.getLogger(__name__)

_MAX_LISTED = 40


async def check_health(
    config: Config, database: Database, sources: Sequence[Source], now: datetime, send: SendMessage = notify.send
) -> list[HealthReport]:
    """One round: examine every source, put it down, and tell what is to be told. Nothing while the web is away."""
    return await asyncio.to_thread(_check_health, config, database, sources, now, send)


def _check_health(
    config: Config, database: Database, sources: Sequence[Source], now: datetime, send: SendMessage
) -> list[HealthReport]:
    found = examine(database, sources, now)
    if found.is_cut_off:
        return []
    reports = found.reports
    save_reports(database, reports, now)
    for report in reports:
        if report.state != (report.previous_state or HealthState.OK):
            why = report.findings[0].evidence if report.findings else "well again"
            level = logging.INFO if report.is_ok else logging.WARNING
            log.log(level, "event=health source=%s state=%s why=%s", report.source, report.state, safe_line(why))
    news = [one for one in reports if _is_unreported(one, now)]
    if news and config.notify and not is_quiet(config.quiet_hours, now.astimezone().time()):
        _notify_operator(config, database, news, send)
    return reports


def _is_unreported(report: HealthReport, now: datetime) -> bool:
    return report.state != (report.reported_state or HealthState.OK) and report.is_stable(now)


def is_quiet(hours: str, at: time) -> bool:
    """Whether a time of day lies within hours such as 22:00-07:00."""
    if not hours:
        return False
    begin, end = (time.fromisoformat(one) for one in hours.split("-"))
    return begin <= at < end if begin <= end else at >= begin or at < end


def _notify_operator(config: Config, database: Database, reports: Sequence[HealthReport], send: SendMessage) -> None:
    """Send it; it counts as told once one address took it, and is tried again with the next round until then."""
    text, taken = build_health_message(reports), False
    for address in config.notify:
        trouble = send(address, text)
        taken = taken or not trouble
        if trouble:
            log.warning("event=not-told to=%s trouble=%s", notify.mask_address(address), safe_line(trouble))
    if taken:
        with database.write() as tx:
            for report in reports:
                mark_state_reported(tx, report.source, report.state)


def build_health_message(reports: Sequence[HealthReport]) -> Message:
    """All that is new, in one message."""
    bad, well = [one for one in reports if not one.is_ok], [one for one in reports if one.is_ok]
    lines = []
    for one in bad[:_MAX_LISTED]:
        worst = one.findings[0]
        lines.append(f"{one.source} is {one.state}: {worst.evidence}\n  {worst.advice}")
    lines += [f"{one.source} is well again" for one in well[:_MAX_LISTED]]
    if (more := len(reports) - len(lines)) > 0:
        lines.append(f"and {more} more: evnews health")
    title = [f"{len(bad)} {'source is' if len(bad) == 1 else 'sources are'} not well"] * bool(bad)
    title += [f"{len(well)} well again"] * bool(well)
    return Message(
        title=f"evnews: {', '.join(title)}",
        body="\n\n".join("\n".join(map(safe_line, one.split("\n"))) for one in lines),
    )
