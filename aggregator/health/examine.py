"""Examine every source, store the result and report state changes."""

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
"""A state is recorded and reported after it has lasted this long."""
RECENT_PERIOD, MAX_RECENT_POLLS = timedelta(hours=2), 5
"""Age and number per source of the polls that show whether any source can be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """Health of a source, with the findings that lead to its state, worst first.

    `home` is the front page, `volume` is None while too little is known. `previous_state` is the state of the last
    examination, `reported_state` the last state that the operator was notified of; both may be empty.
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
        return self.state == HealthState.OK

    def is_stable(self, now: datetime) -> bool:
        """Return whether the state has lasted for MIN_STATE_AGE; short changes are not reported."""
        return now - self.since >= MIN_STATE_AGE


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthExamination:
    """Reports in the order of the sources.

    `is_cut_off` means that sources were polled recently and none answered: the own network is down.
    """

    reports: list[HealthReport]
    is_cut_off: bool


def examine(database: Database, sources: Sequence[Source], now: datetime) -> HealthExamination:
    """Return the health of every source; nothing is written."""
    histories = []
    for source in sources:
        with database.read() as tx:  # one transaction per source, so that none is long
            histories.append(load_source_history(tx, source.name, now))
    with database.read() as tx:
        known, audits = load_source_health(tx), load_audits(tx)
    volumes = [learn_usual_volume(history, now) for history in histories]
    baseline = compute_baseline([volume for volume in volumes if volume is not None], now.timestamp())
    reports = [
        _build_report(source, history, volume, known.get(source.name), audits.get(source.name), now, baseline)
        for source, history, volume in zip(sources, histories, volumes, strict=True)
    ]
    return HealthExamination(reports=reports, is_cut_off=_is_cut_off(histories, now))


def _is_cut_off(histories: Sequence[SourceHistory], now: datetime) -> bool:
    begin = now - RECENT_PERIOD
    recent = [poll for history in histories for poll in history.polls[:MAX_RECENT_POLLS] if poll.ended_at > begin]
    return bool(recent) and not any(poll.status for poll in recent)


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
    findings = find_problems(history, indexes, now, volume, baseline, audit)
    state = worst_state(findings)
    is_same = previous is not None and previous.state == state
    return HealthReport(
        source=source.name,
        home=source.home,
        state=state,
        since=previous.since if previous is not None and is_same else now,
        findings=tuple(findings),
        previous_state=previous.state if previous is not None else "",
        reported_state=previous.reported_state if previous is not None else "",
        volume=volume,
        audit=audit,
    )


def save_reports(database: Database, reports: Sequence[HealthReport], now: datetime) -> None:
    """Store the health of the sources, and record an event for each new state that is stable."""
    with database.write() as tx:
        known = load_latest_event_states(tx)
        for report in reports:
            save_source_health(tx, build_source_health(report, now))
            if report.state != known.get(report.source, HealthState.OK) and report.is_stable(now):
                record_event(tx, _build_event(report))


def _build_event(report: HealthReport) -> HealthEvent:
    return HealthEvent(
        source=report.source,
        home_url=report.home,
        state=report.state,
        at=report.since,
        findings=dump_findings(report.findings),
    )


def build_source_health(report: HealthReport, now: datetime) -> SourceHealth:
    """Return a report in the form in which it is stored."""
    return SourceHealth(
        source=report.source,
        state=report.state,
        since=report.since,
        checked_at=now,
        findings=dump_findings(report.findings),
        reported_state=report.reported_state,
    )
