"""Find the problems of a source: each with its evidence, the time since when, and advice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import takewhile

from aggregator.formatting import format_minute
from aggregator.health.extraction_quality import ThinExtraction, find_thin_extraction
from aggregator.health.publishing_volume import (
    NO_BASELINE,
    Baseline,
    PublishingVolume,
    find_silence,
    find_slowdown,
    is_flood,
    learn_volume,
)
from storage.crawl.audits import FeedAudit
from storage.crawl.health import LeadResult, SourceHistory
from storage.model.crawl import SUCCESSFUL_OUTCOMES, IndexState, LeadState, NextPoll, Poll, ReasonCode
from storage.timestamps import DAY

FAILING_FOR, FAILING_TIMES, FAILING_WEIGHT = timedelta(hours=1), 3, 4.0
"""An index that fails for this long, this often in a row, or with this `NextPoll.failure_weight` is a problem."""
REFUSED_IN_A_ROW = 4
FEED_SHARE, MIN_SITEMAP_ONLY = 0.5, 10
"""A feed is incomplete if it names a smaller share, and only the sitemap names at least this many articles."""
_MIN_KEPT_SHARE = 0.4
"""Share of the earlier pages that was kept, below which refused pages are no change."""
_OUTAGE_CODES = frozenset(
    {
        ReasonCode.HTTP_SERVER_ERROR,
        ReasonCode.HTTP_TRY_LATER,
        ReasonCode.TIMEOUT,
        ReasonCode.TRUNCATED,
        ReasonCode.CONNECTION_REFUSED,
        ReasonCode.CONNECTION_RESET,
        ReasonCode.HOST_NOT_FOUND,
        ReasonCode.TLS,
    }
)
"""Codes of a site that does not answer, as opposed to one that refuses."""
_NON_ARTICLE_CODES = frozenset({ReasonCode.LISTING, ReasonCode.REDIRECTED, ReasonCode.ROBOTS_DISALLOWED})
"""Codes of pages that sitemaps name besides articles; they say nothing about the articles."""


class HealthState(StrEnum):
    """State of a source, the worst first; its worst finding determines it."""

    RETIRED = "retired"
    PARKED = "parked"
    FAILING = "failing"
    BLOCKED = "blocked"
    SILENT = "silent"
    THIN = "thin"
    SLOW = "slow"
    FLOODED = "flooded"
    MOVED = "moved"
    OK = "ok"

    @property
    def rank(self) -> int:
        """Position in the order of severity; 0 is the worst."""
        return list(HealthState).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFinding:
    """Problem of a source: the state that it causes, the time since when, the evidence and advice for the operator."""

    state: HealthState
    since: datetime
    evidence: str
    advice: str


def worst_state(findings: Sequence[HealthFinding]) -> HealthState:
    """Return the worst state among the findings, or OK."""
    return min((finding.state for finding in findings), key=lambda state: state.rank, default=HealthState.OK)


def learn_usual_volume(history: SourceHistory, now: datetime) -> PublishingVolume | None:
    """Return how much the source usually publishes, or None while too little is known."""
    return learn_volume(history.published_times, now.timestamp())


def find_problems(
    history: SourceHistory,
    indexes: frozenset[str],
    now: datetime,
    volume: PublishingVolume | None,
    baseline: Baseline = NO_BASELINE,
    audit: FeedAudit | None = None,
) -> list[HealthFinding]:
    """Return the problems of a source, the worst first.

    `indexes` are the URLs of its indexes in the catalogue, `volume` the result of `learn_usual_volume`.
    """
    findings = [
        *_find_failing_indexes(history, indexes, now),
        *_find_refused_pages(history),
        *_find_unusual_volume(history, volume, indexes, now, baseline),
        *map(_thin_finding, find_thin_extraction(history.articles)),
        *_find_moved_indexes(history, indexes, now),
        *_find_incomplete_feed(history, audit),
    ]
    return sorted(findings, key=lambda finding: (finding.state.rank, finding.since))


# -- indexes -----------------------------------------------------------------------------------------------------------


def _find_failing_indexes(history: SourceHistory, indexes: frozenset[str], now: datetime) -> Iterator[HealthFinding]:
    next_polls = [next_poll for next_poll in history.next_polls if next_poll.url in indexes]
    if next_polls and all(next_poll.state == IndexState.RETIRED for next_poll in next_polls):
        yield _retired_finding(history, next_polls)
        return
    if next_polls and all(next_poll.state != IndexState.ASKED for next_poll in next_polls):
        since = min(map(_failing_since, next_polls))
        yield HealthFinding(
            state=HealthState.PARKED, since=since,
            evidence=f"no index of it answers since {since:%Y-%m-%d}: {_last_reason(history, next_polls[0].url)}",
            advice="look at the site: it may have moved; evnews tries it every few days",
        )  # fmt: skip
        return
    failure_streaks = {endpoint.url: endpoint.failure_streak for endpoint in history.endpoints}
    for next_poll in next_polls:
        url, failing_since = next_poll.url, next_poll.failing_since
        last = _last_poll(history, url)
        if last is None or last.outcome in SUCCESSFUL_OUTCOMES or failing_since is None:
            continue
        is_often = failure_streaks.get(url, 0) >= FAILING_TIMES or next_poll.failure_weight >= FAILING_WEIGHT
        is_lasting = is_often or now - failing_since >= FAILING_FOR
        if last.code == ReasonCode.ROBOTS_DISALLOWED:
            yield HealthFinding(
                state=HealthState.BLOCKED, since=failing_since, evidence=f"robots.txt forbids {url}",
                advice="ask the publisher, or take the index out of the catalogue",
            )  # fmt: skip
        elif is_lasting or next_poll.state != IndexState.ASKED:
            yield HealthFinding(
                state=HealthState.FAILING,
                since=failing_since,
                evidence=f"{url} fails: {last.reason or 'no answer'}",
                advice=f"evnews sources check {history.source}",
            )


def _retired_finding(history: SourceHistory, next_polls: Sequence[NextPoll]) -> HealthFinding:
    return HealthFinding(
        state=HealthState.RETIRED, since=min(map(_failing_since, next_polls)),
        evidence=f"none of its indexes is asked any more: {_last_reason(history, next_polls[0].url)}",
        advice=f"give it another address or remove it; evnews crawl {history.source} tries it once",
    )  # fmt: skip


def _failing_since(next_poll: NextPoll) -> datetime:
    return next_poll.failing_since or next_poll.set_at


def _last_poll(history: SourceHistory, url: str) -> Poll | None:
    return next((poll for poll in history.polls if poll.url == url), None)


def _last_reason(history: SourceHistory, url: str) -> str:
    last = _last_poll(history, url)
    return (last.reason if last else "") or "no answer"


def _find_moved_indexes(history: SourceHistory, indexes: frozenset[str], now: datetime) -> Iterator[HealthFinding]:
    for endpoint in history.endpoints:
        if endpoint.url in indexes and endpoint.has_moved:
            yield HealthFinding(
                state=HealthState.MOVED, since=endpoint.polled_at or now,
                evidence=f"{endpoint.url} moved to {endpoint.moved_to}",
                advice="give the new address to the catalogue: evnews asks there until then",
            )  # fmt: skip


def _find_incomplete_feed(history: SourceHistory, audit: FeedAudit | None) -> Iterator[HealthFinding]:
    """Find a feed that lacks many of the articles that the sitemap names."""
    if audit is None or audit.feed_share is None or audit.feed_share >= FEED_SHARE:
        return
    if audit.sitemap_only >= MIN_SITEMAP_ONLY:
        yield HealthFinding(
            state=HealthState.SLOW,
            since=audit.audited_at,
            evidence=f"its feeds name {audit.named_by_feed} of the {audit.named_by_any} articles that they"
            " and its sitemap name"
            f" since {format_minute(audit.since)}",
            advice=f"give {history.source} its other feeds, or its sitemap, in the catalogue",
        )


# -- pages -------------------------------------------------------------------------------------------------------------


def _find_refused_pages(history: SourceHistory) -> Iterator[HealthFinding]:
    """Find that none of the latest pages could be kept, while earlier ones could."""
    results = [
        result
        for result in history.lead_results
        if result.code not in _NON_ARTICLE_CODES or result.state == LeadState.KEPT
    ]
    unkept: list[LeadResult] = list(takewhile(lambda result: result.state != LeadState.KEPT, results))
    earlier = results[len(unkept) :]
    kept_count = sum(result.state == LeadState.KEPT for result in earlier)
    is_new = not earlier or kept_count >= _MIN_KEPT_SHARE * len(earlier)
    if len(unkept) < REFUSED_IN_A_ROW or not is_new:
        return
    reason, count = Counter(result.reason for result in unkept).most_common(1)[0]
    outage_count = sum(result.code in _OUTAGE_CODES for result in unkept)
    state = HealthState.FAILING if outage_count > len(unkept) / 2 else HealthState.BLOCKED
    yield HealthFinding(
        state=state,
        since=unkept[-1].recorded_at,
        evidence=f"none of its last {len(unkept)} pages could be kept, {count} for: {reason}",
        advice=f"evnews crawl {history.source}, then evnews why with one of its addresses",
    )


def _thin_finding(thin: ThinExtraction) -> HealthFinding:
    since = datetime.fromtimestamp(thin.since, UTC)
    if thin.field == "text":
        words = f"its articles have {thin.current:.0f} words, where {thin.usual:.0f} are usual"
    else:
        words = f"{thin.current:.0%} of its articles have no {thin.field}, where {thin.usual:.0%} are usual"
    return HealthFinding(
        state=HealthState.THIN, since=since, evidence=f"{words}, from article {thin.since_article_id} on",
        advice=f"evnews show {thin.since_article_id}; where the page has more, give the source a body_css",
    )  # fmt: skip


# -- volume ------------------------------------------------------------------------------------------------------------


def _find_unusual_volume(
    history: SourceHistory, volume: PublishingVolume | None, indexes: frozenset[str], now: datetime, baseline: Baseline
) -> Iterator[HealthFinding]:
    last_read_at = _last_read_at(history, indexes)
    if volume is None or last_read_at is None:
        return
    if (silent_since := find_silence(volume, last_read_at, baseline)) is not None:
        since = datetime.fromtimestamp(silent_since, UTC)
        yield HealthFinding(
            state=HealthState.SILENT,
            since=since,
            evidence=f"nothing new since {format_minute(since)}, though its indexes are read well;"
            f" {_describe_usual_volume(volume)}",
            advice=f"open the site: it may have a new feed; evnews sources check {history.source}",
        )
    elif (slowdown := find_slowdown(volume, last_read_at, baseline)) is not None:
        since = datetime.fromtimestamp(slowdown.since, UTC)
        yield HealthFinding(
            state=HealthState.SLOW, since=since,
            evidence=f"it published {slowdown.events} times since {format_minute(since)},"
            f" where {slowdown.expected:.0f} are usual",
            advice=f"open the site: a part of it may have left the feed; evnews sources check {history.source}",
        )  # fmt: skip
    begin = now.timestamp() - DAY
    times = history.reliable_times
    earlier_volume = learn_volume([time for time in times if time <= begin], begin)
    last_day = [time for time in times if time > begin]
    if earlier_volume is not None and is_flood(earlier_volume, len(last_day)):
        yield HealthFinding(
            state=HealthState.FLOODED, since=datetime.fromtimestamp(last_day[0], UTC),
            evidence=f"{len(last_day)} articles in 24 hours, where {earlier_volume.fullest_day} were the most",
            advice=f"look at what came: evnews search source:{history.source}",
        )  # fmt: skip


def _last_read_at(history: SourceHistory, indexes: frozenset[str]) -> float | None:
    """Return the POSIX time of the last successful poll of an index, or None."""
    ends = (poll.ended_at for poll in history.polls if poll.outcome in SUCCESSFUL_OUTCOMES and poll.url in indexes)
    latest = max(ends, default=None)
    return latest.timestamp() if latest else None


def _describe_usual_volume(volume: PublishingVolume) -> str:
    gap = volume.usual_gap
    span = f"{gap:.1f} days" if gap >= 2 else f"{gap * 24:.0f} hours"
    return f"{volume.articles_per_day:.2g} a day are usual, and gaps of {span} at most"


def dump_findings(findings: Sequence[HealthFinding]) -> str:
    """Return the findings as JSON: a list of objects."""
    return json.dumps(
        [
            {
                "state": finding.state,
                "since": finding.since.isoformat(),
                "words": finding.evidence,
                "advice": finding.advice,
            }
            for finding in findings
        ],
        ensure_ascii=False,
    )


def load_findings(text: str) -> list[HealthFinding]:
    """Return the findings that `dump_findings` wrote."""
    return [
        HealthFinding(
            state=HealthState(finding["state"]),
            since=datetime.fromisoformat(finding["since"]),
            evidence=finding["words"],
            advice=finding["advice"],
        )
        for finding in json.loads(text)
    ]
