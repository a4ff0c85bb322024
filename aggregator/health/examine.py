"""A round: how every source is now, put down, and what of it its operator has not heard of yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.health.findings import Finding, State, findings, packed, state_of, usual_volume
from aggregator.health.publishing_volume import Tide, Volume, tide_of
from spiders.source import Source
from storage.crawl.audits import Audit, audits_of
from storage.crawl.health import Condition, Past, Turn, conditions_of, keep_condition, last_turns, note_turn, past_of
from storage.db.database import Database

SETTLED = timedelta(minutes=10)
"""A state is told of once it has lasted so long."""
LATELY, MOST_LATELY = timedelta(hours=2), 5
"""Which polls tell whether anything can be reached: those of so long, the last few of a source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How one source is, whose front page is `home`.

    `findings` are the worst first, `volume` is what it publishes, as far as that is known. `was` is the state of the
    last round, `told` the one that its operator knows of.
    """

    source: str
    home: str
    state: State
    since: datetime
    findings: tuple[Finding, ...] = ()
    was: str = ""
    told: str = ""
    volume: Volume | None = None
    audit: Audit | None = None

    @property
    def is_ok(self) -> bool:
        """Whether nothing was found."""
        return self.state == State.OK

    def has_settled(self, now: datetime) -> bool:
        """Whether it has been so for a while: what comes and goes is nobody's business."""
        return now - self.since >= SETTLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """How every source is, in the order given. `is_cut_off` where none answered lately, though some were asked.

    Then it is not they who are at fault.
    """

    reports: list[Report]
    is_cut_off: bool


def examine(database: Database, sources: Sequence[Source], now: datetime) -> Round:
    """Look at every source; nothing is written."""
    pasts = []
    for source in sources:
        with database.read() as tx:  # a transaction each, so that none is long
            pasts.append(past_of(tx, source.name, now))
    with database.read() as tx:
        known, audits = conditions_of(tx), audits_of(tx)
    volumes = [usual_volume(past, now) for past in pasts]
    tide = tide_of([volume for volume in volumes if volume is not None], now.timestamp())
    reports = [
        _report(source, past, volume, known.get(source.name), audits.get(source.name), now, tide)
        for source, past, volume in zip(sources, pasts, volumes, strict=True)
    ]
    return Round(reports=reports, is_cut_off=_is_cut_off(pasts, now))


def _is_cut_off(pasts: Sequence[Past], now: datetime) -> bool:
    asked = [poll for past in pasts for poll in past.polls[:MOST_LATELY] if poll.ended_at > now - LATELY]
    return bool(asked) and not any(poll.status for poll in asked)


def _report(
    source: Source,
    past: Past,
    volume: Volume | None,
    before: Condition | None,
    audit: Audit | None,
    now: datetime,
    tide: Tide,
) -> Report:
    indexes = frozenset(url for url, _, _ in source.indexes)
    found = findings(past, indexes, now, volume, tide, audit)
    state = state_of(found)
    is_same = before is not None and before.state == state
    return Report(
        source=source.name,
        home=source.home,
        state=state,
        since=before.since if before is not None and is_same else now,
        findings=tuple(found),
        was=before.state if before is not None else "",
        told=before.told if before is not None else "",
        volume=volume,
        audit=audit,
    )


def keep(database: Database, reports: Sequence[Report], now: datetime) -> None:
    """Put down how the sources are."""
    with database.write() as tx:
        known = last_turns(tx)
        for report in reports:
            keep_condition(tx, condition_of(report, now))
            if report.state != known.get(report.source, State.OK) and report.has_settled(now):
                note_turn(tx, _turn_of(report))


def _turn_of(report: Report) -> Turn:
    found = packed(report.findings)
    return Turn(source=report.source, home=report.home, state=report.state, at=report.since, findings=found)


def condition_of(report: Report, now: datetime) -> Condition:
    """The row of a report."""
    return Condition(
        source=report.source,
        state=report.state,
        since=report.since,
        checked_at=now,
        findings=packed(report.findings),
        told=report.told,
    )
