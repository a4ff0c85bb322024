"""`evnews health`: which sources are well, and what to do about those that are not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from aggregator.archive import open_archive
from aggregator.cli.catalogue import chosen, read_catalogue
from aggregator.cli.output import TROUBLE, complain, format_count, print_json
from aggregator.config import Config
from aggregator.feeds.json_records import format_optional_timestamp
from aggregator.health.examine import HealthReport, examine
from aggregator.logs import safe_line
from aggregator.service.setup import utc_now
from storage.crawl.audits import FeedAudit
from storage.glance import last_heartbeat

_DEAD_AFTER = timedelta(minutes=10)


def show_health(config: Config, file: Path | None, names: list[str], *, as_json: bool) -> int:
    """Print what is not well, or with names all of these; 1 where one is not."""
    catalogue = read_catalogue(config, file)
    sources = chosen(catalogue, names) if names else catalogue.enabled_sources
    now = utc_now()
    with open_archive(config) as database:
        reports = examine(database, sources, now).reports
        with database.read() as tx:
            alive = last_heartbeat(tx)
    if as_json:
        for report in reports:
            print_json(record_of(report))
    else:
        _print(reports, whole=bool(names))
    if alive is not None and now - alive > _DEAD_AFTER:
        complain(f"no service runs on this archive since {alive:%Y-%m-%d %H:%M} UTC: evnews up starts one")
    return 0 if all(report.is_ok for report in reports) else TROUBLE


def record_of(report: HealthReport) -> dict[str, object]:
    """A report as the fields of one JSON object (docs/json.md)."""
    volume = report.volume
    return {
        "source": report.source,
        "state": report.state,
        "since": format_optional_timestamp(report.since),
        "findings": [
            {
                "state": one.state,
                "since": format_optional_timestamp(one.since),
                "words": one.evidence,
                "advice": one.advice,
            }
            for one in report.findings
        ],
        "articles_a_day": round(volume.articles_per_day, 3) if volume else None,
        "usual_gap_days": round(volume.usual_gap, 3) if volume else None,
        "audit": _audit_fields(report.audit) if report.audit else None,
    }


def _audit_fields(audit: FeedAudit) -> dict[str, object]:
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
    for report in sorted(reports, key=lambda one: (one.state.rank, one.source)):
        if report.is_ok and not whole:
            continue
        print(safe_line(f"{report.state:<9} {report.source}"))
        for one in report.findings:
            print(safe_line(f"          {one.evidence} (since {one.since:%Y-%m-%d %H:%M} UTC)"))
            print(safe_line(f"          -> {one.advice}"))
        if report.is_ok:
            print(f"          {_usual(report)}")
        if whole and report.audit is not None:
            print(safe_line(f"          {_audited(report.audit)}"))
    well = sum(report.is_ok for report in reports)
    if not whole:
        rest = len(reports) - well
        print(f"{format_count(well, 'source')} well" + (f", {rest} not" if rest else ""))


def _audited(audit: FeedAudit) -> str:
    if audit.reason:
        return f"its feed and sitemap are not compared: {audit.reason}"
    span = f"since {audit.since:%Y-%m-%d %H:%M} UTC"
    return (
        f"{span} its feed and its sitemap both name {format_count(audit.in_both, 'article')}, the feed alone"
        f" {audit.feed_only}, the sitemap alone {audit.sitemap_only} ({audit.missed} of them missed until then)"
    )


def _usual(report: HealthReport) -> str:
    if report.volume is None:
        return "too little is known of it to tell what is usual"
    return f"{report.volume.articles_per_day:.2g} articles a day, gaps of {report.volume.usual_gap:.1f} days at most"
