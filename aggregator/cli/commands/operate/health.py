"""`evnews health`: list unhealthy sources with evidence and advice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from aggregator.archive import open_archive
from aggregator.cli.catalogue import read_catalogue, select_sources
from aggregator.cli.command_app import CommandApp
from aggregator.cli.options import Json, SourceNames, SourcesFile
from aggregator.cli.output import EXIT_FAILURE, print_json, warn
from aggregator.formatting import format_count, format_minute
from aggregator.logs import safe_line

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.health.examine import HealthReport
    from storage.crawl.audits import FeedAudit

_SERVICE_ENDED_AFTER = timedelta(minutes=10)
_INDENT = " " * 10

app = CommandApp()


@app.add("health", "evnews health", "evnews health electrek", "evnews health --json")
def health(
    context: typer.Context, names: SourceNames = None, sources: SourcesFile = None, as_json: Json = False
) -> None:
    """List unhealthy sources with evidence and advice.

    Named sources are listed even if they are healthy. Exit status 1 if a source is unhealthy.
    """
    raise typer.Exit(print_health(context.obj.load(), sources, names or [], as_json=as_json))


def print_health(config: Config, file: Path | None, names: list[str], *, as_json: bool) -> int:
    """Print the unhealthy sources, or all named sources. Return 1 if one is unhealthy."""
    from aggregator.health.examine import examine
    from storage.monitor import last_heartbeat

    catalogue = read_catalogue(config, file)
    sources = select_sources(catalogue, names) if names else catalogue.enabled_sources
    now = datetime.now(UTC)
    with open_archive(config) as database:
        reports = examine(database, sources, now).reports
        with database.read() as tx:
            last_alive = last_heartbeat(tx)
    if as_json:
        for report in reports:
            print_json(health_fields(report))
    else:
        _print(reports, whole=bool(names))
    if last_alive is not None and now - last_alive > _SERVICE_ENDED_AFTER:
        warn(f"no service has run since {format_minute(last_alive)}; `evnews up` starts one")
    return 0 if all(report.is_ok for report in reports) else EXIT_FAILURE


def health_fields(report: HealthReport) -> dict[str, object]:
    """Return the fields of a source's JSON object (docs/json.md)."""
    from aggregator.feeds.json_records import format_optional_timestamp

    volume = report.volume
    return {
        "source": report.source,
        "state": report.state,
        "since": format_optional_timestamp(report.since),
        "findings": [
            {
                "state": finding.state,
                "since": format_optional_timestamp(finding.since),
                "words": finding.evidence,
                "advice": finding.advice,
            }
            for finding in report.findings
        ],
        "articles_a_day": round(volume.articles_per_day, 3) if volume else None,
        "usual_gap_days": round(volume.usual_gap, 3) if volume else None,
        "audit": _audit_fields(report.audit) if report.audit else None,
    }


def _audit_fields(audit: FeedAudit) -> dict[str, object]:
    from aggregator.feeds.json_records import format_optional_timestamp

    return {
        "at": format_optional_timestamp(audit.audited_at),
        "begin": format_optional_timestamp(audit.since),
        "both": audit.in_both,
        "feed_alone": audit.feed_only,
        "sitemap_alone": audit.sitemap_only,
        "missed": audit.missed,
        "reason": audit.reason,
    }


def _print(reports: Sequence[HealthReport], *, whole: bool) -> None:
    for report in sorted(reports, key=lambda report: (report.state.rank, report.source)):
        if report.is_ok and not whole:
            continue
        print(safe_line(f"{report.state:<9} {report.source}"))
        for finding in report.findings:
            print(safe_line(f"{_INDENT}{finding.evidence} (since {format_minute(finding.since)})"))
            print(safe_line(f"{_INDENT}-> {finding.advice}"))
        if report.is_ok:
            print(f"{_INDENT}{_usual_volume(report)}")
        if whole and report.audit is not None:
            print(safe_line(f"{_INDENT}{_audit_line(report.audit)}"))
    if not whole:
        healthy = sum(report.is_ok for report in reports)
        unhealthy = len(reports) - healthy
        print(f"{format_count(healthy, 'source')} healthy" + (f", {unhealthy} unhealthy" if unhealthy else ""))


def _audit_line(audit: FeedAudit) -> str:
    if audit.reason:
        return f"feed and sitemap are not compared: {audit.reason}"
    return (
        f"since {format_minute(audit.since)}: {format_count(audit.in_both, 'article')} in feed and sitemap,"
        f" {audit.feed_only} only in the feed, {audit.sitemap_only} only in the sitemap"
        f" ({audit.missed} of them missed until then)"
    )


def _usual_volume(report: HealthReport) -> str:
    if report.volume is None:
        return "too few articles to know the usual volume"
    return (
        f"usually {report.volume.articles_per_day:.2g} articles a day, with gaps of up to"
        f" {report.volume.usual_gap:.1f} days"
    )
