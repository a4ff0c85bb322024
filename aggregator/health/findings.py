"""What is found of a source: each finding with its evidence, since when it is so, and what to do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from aggregator.health.extraction_quality import Thin, thinness
from aggregator.health.publishing_volume import DAY, NO_TIDE, Tide, Volume, ebb, is_flood, silence, volume_of
from storage.crawl.audits import Audit
from storage.crawl.health import Past, Tried
from storage.model.crawl import WELL, Appointment, LeadState, Poll, Standing

FAILING_FOR, FAILING_TIMES, FAILING_STRAIN = timedelta(hours=1), 3, 4.0
"""An index fails that does so for so long, so many times in a row, or so heavily (`Appointment.strain`)."""
REFUSED_IN_A_ROW = 4
FEED_SHARE, FEWEST_ALONE = 0.5, 10
"""A feed is incomplete that names less of what there is, where the sitemap alone names so many."""
_MOSTLY = 0.8
_OUT_OF_ORDER = (
    "HTTP 5", "HTTP 408", "HTTP 425", "HTTP 429", "timeout", "truncated", "connection", "host name", "TLS",
)  # fmt: skip


_NO_ARTICLES = ("a list of other pages", "redirected to the site's front page", "robots: disallowed")
"""Reasons of pages that a sitemap names beside articles: they say nothing of the articles."""


class State(StrEnum):
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
        return list(State).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong: the state that it makes, since when, the evidence in words, and what to do."""

    state: State
    since: datetime
    words: str
    advice: str


def state_of(findings: Sequence[Finding]) -> State:
    """The worst of what was found."""
    return min((one.state for one in findings), key=lambda state: state.rank, default=State.OK)


def usual_volume(past: Past, now: datetime) -> Volume | None:
    """How much the source publishes; None while too little is known."""
    return volume_of(past.times, now.timestamp())


def findings(
    past: Past,
    indexes: frozenset[str],
    now: datetime,
    volume: Volume | None,
    tide: Tide = NO_TIDE,
    audit: Audit | None = None,
) -> list[Finding]:
    """All that is wrong with a source, whose catalogue names these `indexes`, the worst first.

    `volume` is its `usual_volume`.
    """
    found = [
        *_failing(past, indexes, now),
        *_pages(past),
        *_volume(past, volume, indexes, now, tide),
        *map(_thin, thinness(past.readings)),
        *_moved(past, indexes, now),
        *_incomplete(past, audit),
    ]
    return sorted(found, key=lambda one: (one.state.rank, one.since))


# -- indexes -----------------------------------------------------------------------------------------------------------


def _failing(past: Past, indexes: frozenset[str], now: datetime) -> Iterator[Finding]:
    asked = [one for one in past.appointments if one.url in indexes]
    if asked and all(one.state == Standing.RETIRED for one in asked):
        yield _ended(past, asked)
        return
    if asked and all(one.state != Standing.ASKED for one in asked):
        since = min(_since(one) for one in asked)
        yield Finding(
            state=State.PARKED, since=since,
            words=f"no index of it answers since {since:%Y-%m-%d}: {_why(past, asked[0].url)}",
            advice="look at the site: it may have moved; evnews tries it every few days",
        )  # fmt: skip
        return
    failures = {one.url: one.failures for one in past.endpoints}
    for one in asked:
        last = _last(past, one.url)
        if last is None or last.outcome in WELL or one.failing_since is None:
            continue
        times = failures.get(one.url, 0)
        is_often = times >= FAILING_TIMES or one.strain >= FAILING_STRAIN
        is_lasting = is_often or now - one.failing_since >= FAILING_FOR
        if last.reason.startswith("robots: disallowed"):
            yield Finding(
                state=State.BLOCKED, since=one.failing_since, words=f"robots.txt forbids {one.url}",
                advice="ask the publisher, or take the index out of the catalogue",
            )  # fmt: skip
        elif is_lasting or one.state != Standing.ASKED:
            yield Finding(
                state=State.FAILING, since=one.failing_since, words=f"{one.url} fails: {last.reason or 'no answer'}",
                advice=f"evnews sources check {past.source}",
            )  # fmt: skip


def _ended(past: Past, asked: Sequence[Appointment]) -> Finding:
    return Finding(
        state=State.RETIRED, since=min(_since(one) for one in asked),
        words=f"none of its indexes is asked any more: {_why(past, asked[0].url)}",
        advice=f"give it another address or remove it; evnews crawl {past.source} tries it once",
    )  # fmt: skip


def _since(appointment: Appointment) -> datetime:
    return appointment.failing_since or appointment.set_at


def _last(past: Past, url: str) -> Poll | None:
    return next((poll for poll in past.polls if poll.endpoint == url), None)


def _why(past: Past, url: str) -> str:
    last = _last(past, url)
    return (last.reason if last else "") or "no answer"


def _moved(past: Past, indexes: frozenset[str], now: datetime) -> Iterator[Finding]:
    for one in past.endpoints:
        if one.url in indexes and one.has_moved:
            yield Finding(
                state=State.MOVED, since=one.polled_at or now, words=f"{one.url} moved to {one.moved_to}",
                advice="give the new address to the catalogue: evnews asks there until then",
            )  # fmt: skip


def _incomplete(past: Past, audit: Audit | None) -> Iterator[Finding]:
    """Its sitemap names much that its feed does not."""
    if audit is None or audit.feed_share is None or audit.feed_share >= FEED_SHARE:
        return
    if audit.sitemap_alone >= FEWEST_ALONE:
        yield Finding(
            state=State.SLOW, since=audit.at,
            words=f"its feeds name {audit.fed} of the {audit.every} articles that they and its sitemap name"
            f" since {_moment(audit.begin_at)}",
            advice=f"give {past.source} its other feeds, or its sitemap, in the catalogue",
        )  # fmt: skip


# -- pages -------------------------------------------------------------------------------------------------------------


def _pages(past: Past) -> Iterator[Finding]:
    """None of its latest pages could be kept, while those before could."""
    bad: list[Tried] = []
    told = [one for one in past.tried if not one.reason.startswith(_NO_ARTICLES) or one.state == LeadState.KEPT]
    for one in told:
        if one.state == LeadState.KEPT:
            break
        bad.append(one)
    before = told[len(bad) :]
    kept = sum(one.state == LeadState.KEPT for one in before)
    is_new = not before or kept >= _MOSTLY / 2 * len(before)
    if len(bad) < REFUSED_IN_A_ROW or not is_new:
        return
    reasons = Counter(one.reason for one in bad)
    reason, many = reasons.most_common(1)[0]
    fail = sum(one.reason.startswith(_OUT_OF_ORDER) for one in bad)
    state = State.FAILING if fail > len(bad) / 2 else State.BLOCKED
    yield Finding(
        state=state, since=bad[-1].at, words=f"none of its last {len(bad)} pages could be kept, {many} for: {reason}",
        advice=f"evnews crawl {past.source}, then evnews why with one of its addresses",
    )  # fmt: skip


def _thin(one: Thin) -> Finding:
    since = datetime.fromtimestamp(one.since, UTC)
    if one.what == "text":
        words = f"its articles have {one.now:.0f} words, where {one.usual:.0f} are usual"
    else:
        words = f"{one.now:.0%} of its articles have no {one.what}, where {one.usual:.0%} are usual"
    return Finding(
        state=State.THIN, since=since, words=f"{words}, from article {one.since_id} on",
        advice=f"evnews show {one.since_id}; where the page has more, give the source a body_css",
    )  # fmt: skip


# -- volume ------------------------------------------------------------------------------------------------------------


def _volume(past: Past, volume: Volume | None, indexes: frozenset[str], now: datetime, tide: Tide) -> Iterator[Finding]:
    seen = _seen(past, indexes)
    if volume is None or seen is None:
        return
    if (quiet := silence(volume, seen, tide)) is not None:
        since = datetime.fromtimestamp(quiet, UTC)
        yield Finding(
            state=State.SILENT, since=since,
            words=f"nothing new since {_moment(since)}, though its indexes are read well; {_usual(volume)}",
            advice=f"open the site: it may have a new feed; evnews sources check {past.source}",
        )  # fmt: skip
    elif (low := ebb(volume, seen, tide)) is not None:
        since = datetime.fromtimestamp(low.since, UTC)
        yield Finding(
            state=State.SLOW, since=since,
            words=f"it published {low.events} times since {_moment(since)}, where {low.expected:.0f} are usual",
            advice=f"open the site: a part of it may have left the feed; evnews sources check {past.source}",
        )  # fmt: skip
    begin = now.timestamp() - DAY
    times = past.times_by_date
    before = volume_of([one for one in times if one <= begin], begin)
    lately = [one for one in times if one > begin]
    if before is not None and is_flood(before, len(lately)):
        yield Finding(
            state=State.FLOODED, since=datetime.fromtimestamp(lately[0], UTC),
            words=f"{len(lately)} articles in 24 hours, where {before.fullest_day} were the most",
            advice=f"look at what came: evnews search source:{past.source}",
        )  # fmt: skip


def _seen(past: Past, indexes: frozenset[str]) -> float | None:
    """When its indexes were last read well."""
    well = (one.ended_at for one in past.polls if one.outcome in WELL and one.endpoint in indexes)
    latest = max(well, default=None)
    return latest.timestamp() if latest else None


def _usual(volume: Volume) -> str:
    gap = volume.usual_gap
    span = f"{gap:.1f} days" if gap >= 2 else f"{gap * 24:.0f} hours"
    return f"{volume.a_day:.2g} a day are usual, and gaps of {span} at most"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def packed(findings: Sequence[Finding]) -> str:
    """A list of objects."""
    return json.dumps(
        [
            {"state": one.state, "since": one.since.isoformat(), "words": one.words, "advice": one.advice}
            for one in findings
        ],
        ensure_ascii=False,
    )


def unpacked(text: str) -> list[Finding]:
    """The findings that were packed."""
    return [
        Finding(
            state=State(one["state"]),
            since=datetime.fromisoformat(one["since"]),
            words=one["words"],
            advice=one["advice"],
        )
        for one in json.loads(text)
    ]
