"""A round: how every source is now, put down, and what of it its operator has not heard of yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.health.findings import (
    HealthFinding,
    HealthState,
    dump_findings,
    find_problems,
    learn_usual_volume,
    worst_state,
)
from aggregator.health.publishing_volume import Baseline, PublishingVolume, compute_baseline
from spiders.source import Source
from storage.crawl.audits import FeedAudit, load_audits
from storage.crawl.health import (
    HealthEvent,
    SourceHealth,
    SourceHistory,
    load_latest_event_states,
    load_source_health,
    load_source_history,
    record_event,
    save_source_health,
)
from storage.db.database import Database

MIN_STATE_AGE = timedelta(minutes=10)
"""A state is told of once it has lasted so long."""
RECENT_PERIOD, MAX_RECENT_POLLS = timedelta(hours=2), 5
"""Which polls tell whether anything can be reached: those of so long, the last few of a source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """How one source is, whose front page is `home`.

    `findings` are the worst first, `volume` is what it publishes, as far as that is known. `was` is the state of the
    last round, `told` the one that its operator knows of.
    """

    source: str
    home: str
    state: HealthState
    since: datetime
    findings: tuple[HealthFinding, ...] = ()
    previous_state: str = ""
    reported_state: str = ""
    volume: PublishingVolume | None = None
    audit: FeedAudit | None = None

    @property
    def is_ok(self) -> bool:
        """Whether nothing was found."""
        return self.state == HealthState.OK

    def is_stable(self, now: datetime) -> bool:
        """Whether it has been so for a while: what comes and goes is nobody's business."""
        return now - self.since >= MIN_STATE_AGE


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthExamination:
    """How every source is, in the order given. `is_cut_off` where none answered lately, though some were asked.

    Then it is not they who are at fault.
    """

    reports: list[HealthReport]
    is_cut_off: bool


def examine(database: Database, sources: Sequence[Source], now: datetime) -> HealthExamination:
    """Look at every source; nothing is written."""
    pasts = []
    for source in sources:
        with database.read() as tx:  # a transaction each, so that none is long
            pasts.append(load_source_history(tx, source.name, now))
    with database.read() as tx:
        known, audits = load_source_health(tx), load_audits(tx)
    volumes = [learn_usual_volume(past, now) for past in pasts]
    tide = compute_baseline([volume for volume in volumes if volume is not None], now.timestamp())
    reports = [
        _build_report(source, past, volume, known.get(source.name), audits.get(source.name), now, tide)
        for source, past, volume in zip(sources, pasts, volumes, strict=True)
    ]
    return HealthExamination(reports=reports, is_cut_off=_is_cut_off(pasts, now))


def _is_cut_off(histories: Sequence[SourceHistory], now: datetime) -> bool:
    asked = [
        poll for past in histories for poll in past.polls[:MAX_RECENT_POLLS] if poll.ended_at > now - RECENT_PERIOD
    ]
    return bool(asked) and not any(poll.status for poll in asked)


def _build_report(
    source: Source,
    history: SourceHistory,
    volume: PublishingVolume | None,
    previous: SourceHealth | None,
    audit: FeedAudit | None,
    now: datetime,
    baseline: Baseline,
) -> HealthReport:
    indexes = frozenset(url for url, _, _ in source.indexes)
    found = find_problems(history, indexes, now, volume, baseline, audit)
    state = worst_state(found)
    is_same = previous is not None and previous.state == state
    return HealthReport(
        source=source.name,
        home=source.home,
        state=state,
        since=previous.since if previous is not None and is_same else now,
        findings=tuple(found),
        previous_state=previous.state if previous is not None else "",
        reported_state=previous.reported_state if previous is not None else "",
        volume=volume,
        audit=audit,
    )


def save_reports(database: Database, reports: Sequence[HealthReport], now: datetime) -> None:
    """Put down how the sources are."""
    with database.write() as tx:
        known = load_latest_event_states(tx)
        for report in reports:
            save_source_health(tx, build_source_health(report, now))
            if report.state != known.get(report.source, HealthState.OK) and report.is_stable(now):
                record_event(tx, _build_event(report))


def _build_event(report: HealthReport) -> HealthEvent:
    found = dump_findings(report.findings)
    return HealthEvent(source=report.source, home_url=report.home, state=report.state, at=report.since, findings=found)


def build_source_health(report: HealthReport, now: datetime) -> SourceHealth:
    """The row of a report."""
    return SourceHealth(
        source=report.source,
        state=report.state,
        since=report.since,
        checked_at=now,
        findings=dump_findings(report.findings),
        reported_state=report.reported_state,
    )
