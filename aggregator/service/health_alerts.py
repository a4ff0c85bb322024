"""Notify the operator once when a source becomes unhealthy and once when it recovers."""

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
    """Examine every source, store its health and notify the operator of changes; return the reports.

    Store nothing and return an empty list while no source can be reached: then the own network is down.
    """
    return await asyncio.to_thread(_check_health, config, database, sources, now, send)


def _check_health(
    config: Config, database: Database, sources: Sequence[Source], now: datetime, send: SendMessage
) -> list[HealthReport]:
    examination = examine(database, sources, now)
    if examination.is_cut_off:
        return []
    reports = examination.reports
    save_reports(database, reports, now)
    for report in reports:
        if report.state != (report.previous_state or HealthState.OK):
            reason = report.findings[0].evidence if report.findings else "recovered"
            level = logging.INFO if report.is_ok else logging.WARNING
            log.log(level, "event=health source=%s state=%s reason=%s", report.source, report.state, safe_line(reason))
    unreported = [report for report in reports if _is_unreported(report, now)]
    if unreported and config.notify and not is_quiet(config.quiet_hours, now.astimezone().time()):
        _notify_operator(config, database, unreported, send)
    return reports


def _is_unreported(report: HealthReport, now: datetime) -> bool:
    return report.state != (report.reported_state or HealthState.OK) and report.is_stable(now)


def is_quiet(hours: str, at: time) -> bool:
    """Return whether a time of day lies within hours such as 22:00-07:00."""
    if not hours:
        return False
    begin, end = (time.fromisoformat(text) for text in hours.split("-"))
    return begin <= at < end if begin <= end else at >= begin or at < end


def _notify_operator(config: Config, database: Database, reports: Sequence[HealthReport], send: SendMessage) -> None:
    """Send the reports to every address, and mark them as reported if at least one address accepted the message.

    Otherwise the next examination sends them again.
    """
    message, is_accepted = build_health_message(reports), False
    for address in config.notify:
        error = send(address, message)
        is_accepted = is_accepted or not error
        if error:
            log.warning("event=notification-failed to=%s error=%s", notify.mask_address(address), safe_line(error))
    if is_accepted:
        with database.write() as tx:
            for report in reports:
                mark_state_reported(tx, report.source, report.state)


def build_health_message(reports: Sequence[HealthReport]) -> Message:
    """Return one message about all reports, unhealthy sources first."""
    unhealthy = [report for report in reports if not report.is_ok]
    recovered = [report for report in reports if report.is_ok]
    paragraphs = []
    for report in unhealthy[:_MAX_LISTED]:
        worst = report.findings[0]
        paragraphs.append(f"{report.source} is {report.state}: {worst.evidence}\n  {worst.advice}")
    paragraphs += [f"{report.source} is well again" for report in recovered[:_MAX_LISTED]]
    if (more := len(reports) - len(paragraphs)) > 0:
        paragraphs.append(f"and {more} more: evnews health")
    title = [f"{len(unhealthy)} {'source is' if len(unhealthy) == 1 else 'sources are'} not well"] * bool(unhealthy)
    title += [f"{len(recovered)} well again"] * bool(recovered)
    return Message(
        title=f"evnews: {', '.join(title)}",
        body="\n\n".join("\n".join(map(safe_line, paragraph.split("\n"))) for paragraph in paragraphs),
    )
