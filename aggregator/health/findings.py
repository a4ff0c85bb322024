"""What is found of a source: each finding with its evidence, since when it is so, and what to do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

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
from storage.model.crawl import SUCCESSFUL_OUTCOMES, IndexState, LeadState, NextPoll, Poll
from storage.timestamps import DAY

FAILING_FOR, FAILING_TIMES, FAILING_WEIGHT = timedelta(hours=1), 3, 4.0
"""An index fails that does so for so long, so many times in a row, or so heavily (`Appointment.strain`)."""
REFUSED_IN_A_ROW = 4
FEED_SHARE, MIN_SITEMAP_ONLY = 0.5, 10
"""A feed is incomplete that names less of what there is, where the sitemap alone names so many."""
_MOST_SHARE = 0.8
_OUTAGE_REASONS = (
    "HTTP 5", "HTTP 408", "HTTP 425", "HTTP 429", "timeout", "truncated", "connection", "host name", "TLS",
)  # fmt: skip


_NON_ARTICLE_REASONS = ("a list of other pages", "redirected to the site's front page", "robots: disallowed")
"""Reasons of pages that a sitemap names beside articles: they say nothing of the articles."""


class HealthState(StrEnum):
    """How a source is, the worst first; of several findings the worst one names it."""

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
        """The worst is 0."""
        return list(HealthState).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFinding:
    """One thing that is wrong: the state that it makes, since when, the evidence in words, and what to do."""

    state: HealthState
    since: datetime
    evidence: str
    advice: str


def worst_state(findings: Sequence[HealthFinding]) -> HealthState:
    """The worst of what was found."""
    return min((one.state for one in findings), key=lambda state: state.rank, default=HealthState.OK)


def learn_usual_volume(history: SourceHistory, now: datetime) -> PublishingVolume | None:
    """How much the source publishes; None while too little is known."""
    return learn_volume(history.published_times, now.timestamp())


def find_problems(
    history: SourceHistory,
    indexes: frozenset[str],
    now: datetime,
    volume: PublishingVolume | None,
    baseline: Baseline = NO_BASELINE,
    audit: FeedAudit | None = None,
) -> list[HealthFinding]:
    """All that is wrong with a source, whose catalogue names these `indexes`, the worst first.

    `volume` is its `usual_volume`.
    """
    found = [
        *_find_failing_indexes(history, indexes, now),
        *_find_refused_pages(history),
        *_find_unusual_volume(history, volume, indexes, now, baseline),
        *map(_thin_finding, find_thin_extraction(history.articles)),
        *_find_moved_indexes(history, indexes, now),
        *_find_incomplete_feed(history, audit),
    ]
    return sorted(found, key=lambda one: (one.state.rank, one.since))


# -- indexes -----------------------------------------------------------------------------------------------------------


def _find_failing_indexes(history: SourceHistory, indexes: frozenset[str], now: datetime) -> Iterator[HealthFinding]:
    asked = [one for one in history.next_polls if one.url in indexes]
    if asked and all(one.state == IndexState.RETIRED for one in asked):
        yield _retired_finding(history, asked)
        return
    if asked and all(one.state != IndexState.ASKED for one in asked):
        since = min(_failing_since(one) for one in asked)
        yield HealthFinding(
            state=HealthState.PARKED, since=since,
            evidence=f"no index of it answers since {since:%Y-%m-%d}: {_last_reason(history, asked[0].url)}",
            advice="look at the site: it may have moved; evnews tries it every few days",
        )  # fmt: skip
        return
    failures = {one.url: one.failure_streak for one in history.endpoints}
    for one in asked:
        last = _last_poll(history, one.url)
        if last is None or last.outcome in SUCCESSFUL_OUTCOMES or one.failing_since is None:
            continue
        times = failures.get(one.url, 0)
        is_often = times >= FAILING_TIMES or one.failure_weight >= FAILING_WEIGHT
        is_lasting = is_often or now - one.failing_since >= FAILING_FOR
        if last.reason.startswith("robots: disallowed"):
            yield HealthFinding(
                state=HealthState.BLOCKED, since=one.failing_since, evidence=f"robots.txt forbids {one.url}",
                advice="ask the publisher, or take the index out of the catalogue",
            )  # fmt: skip
        elif is_lasting or one.state != IndexState.ASKED:
            yield HealthFinding(
                state=HealthState.FAILING,
                since=one.failing_since,
                evidence=f"{one.url} fails: {last.reason or 'no answer'}",
                advice=f"evnews sources check {history.source}",
            )


def _retired_finding(history: SourceHistory, next_polls: Sequence[NextPoll]) -> HealthFinding:
    return HealthFinding(
        state=HealthState.RETIRED, since=min(_failing_since(one) for one in next_polls),
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
    for one in history.endpoints:
        if one.url in indexes and one.has_moved:
            yield HealthFinding(
                state=HealthState.MOVED, since=one.polled_at or now, evidence=f"{one.url} moved to {one.moved_to}",
                advice="give the new address to the catalogue: evnews asks there until then",
            )  # fmt: skip


def _find_incomplete_feed(history: SourceHistory, audit: FeedAudit | None) -> Iterator[HealthFinding]:
    """Its sitemap names much that its feed does not."""
    if audit is None or audit.feed_share is None or audit.feed_share >= FEED_SHARE:
        return
    if audit.sitemap_only >= MIN_SITEMAP_ONLY:
        yield HealthFinding(
            state=HealthState.SLOW,
            since=audit.audited_at,
            evidence=f"its feeds name {audit.named_by_feed} of the {audit.named_by_any} articles that they"
            " and its sitemap name"
            f" since {_format_time(audit.since)}",
            advice=f"give {history.source} its other feeds, or its sitemap, in the catalogue",
        )


# -- pages -------------------------------------------------------------------------------------------------------------


def _find_refused_pages(history: SourceHistory) -> Iterator[HealthFinding]:
    """None of its latest pages could be kept, while those before could."""
    bad: list[LeadResult] = []
    told = [
        one
        for one in history.lead_results
        if not one.reason.startswith(_NON_ARTICLE_REASONS) or one.state == LeadState.KEPT
    ]
    for one in told:
        if one.state == LeadState.KEPT:
            break
        bad.append(one)
    before = told[len(bad) :]
    kept = sum(one.state == LeadState.KEPT for one in before)
    is_new = not before or kept >= _MOST_SHARE / 2 * len(before)
    if len(bad) < REFUSED_IN_A_ROW or not is_new:
        return
    reasons = Counter(one.reason for one in bad)
    reason, many = reasons.most_common(1)[0]
    fail = sum(one.reason.startswith(_OUTAGE_REASONS) for one in bad)
    state = HealthState.FAILING if fail > len(bad) / 2 else HealthState.BLOCKED
    yield HealthFinding(
        state=state,
        since=bad[-1].recorded_at,
        evidence=f"none of its last {len(bad)} pages could be kept, {many} for: {reason}",
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
    seen = _last_read_at(history, indexes)
    if volume is None or seen is None:
        return
    if (quiet := find_silence(volume, seen, baseline)) is not None:
        since = datetime.fromtimestamp(quiet, UTC)
        yield HealthFinding(
            state=HealthState.SILENT,
            since=since,
            evidence=f"nothing new since {_format_time(since)}, though its indexes are read well;"
            f" {_describe_usual_volume(volume)}",
            advice=f"open the site: it may have a new feed; evnews sources check {history.source}",
        )
    elif (low := find_slowdown(volume, seen, baseline)) is not None:
        since = datetime.fromtimestamp(low.since, UTC)
        yield HealthFinding(
            state=HealthState.SLOW, since=since,
            evidence=f"it published {low.events} times since {_format_time(since)}, where {low.expected:.0f} are usual",
            advice=f"open the site: a part of it may have left the feed; evnews sources check {history.source}",
        )  # fmt: skip
    begin = now.timestamp() - DAY
    times = history.reliable_times
    before = learn_volume([one for one in times if one <= begin], begin)
    lately = [one for one in times if one > begin]
    if before is not None and is_flood(before, len(lately)):
        yield HealthFinding(
            state=HealthState.FLOODED, since=datetime.fromtimestamp(lately[0], UTC),
            evidence=f"{len(lately)} articles in 24 hours, where {before.fullest_day} were the most",
            advice=f"look at what came: evnews search source:{history.source}",
        )  # fmt: skip


def _last_read_at(history: SourceHistory, indexes: frozenset[str]) -> float | None:
    """When its indexes were last read well."""
    well = (one.ended_at for one in history.polls if one.outcome in SUCCESSFUL_OUTCOMES and one.url in indexes)
    latest = max(well, default=None)
    return latest.timestamp() if latest else None


def _describe_usual_volume(volume: PublishingVolume) -> str:
    gap = volume.usual_gap
    span = f"{gap:.1f} days" if gap >= 2 else f"{gap * 24:.0f} hours"
    return f"{volume.articles_per_day:.2g} a day are usual, and gaps of {span} at most"


def _format_time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def dump_findings(findings: Sequence[HealthFinding]) -> str:
    """A list of objects."""
    return json.dumps(
        [
            {"state": one.state, "since": one.since.isoformat(), "words": one.evidence, "advice": one.advice}
            for one in findings
        ],
        ensure_ascii=False,
    )


def load_findings(text: str) -> list[HealthFinding]:
    """The findings that were packed."""
    return [
        HealthFinding(
            state=HealthState(one["state"]),
            since=datetime.fromisoformat(one["since"]),
            evidence=one["words"],
            advice=one["advice"],
        )
        for one in json.loads(text)
    ]
