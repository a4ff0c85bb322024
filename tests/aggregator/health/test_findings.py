"""What is found of a source, from what lies in the archive of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.extraction.classify.model import PageKind
from aggregator.health.findings import HealthFinding, HealthState, find_problems, learn_usual_volume, worst_state
from storage.crawl.audits import FeedAudit
from storage.crawl.health import LeadResult, SourceHistory
from storage.model.crawl import IndexEndpoint, IndexState, LeadState, NextPoll, Poll, ReasonCode

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FEED = "https://a.example/feed"
INDEXES = frozenset({FEED})
DAILY = tuple((NOW - n * DAY).timestamp() for n in range(100, 0, -1))


def poll(outcome: str = "ok", reason: str = "", at: datetime = NOW, code: str = "") -> Poll:
    return Poll(source="a", url=FEED, started_at=at, ended_at=at, outcome=outcome, code=code, reason=reason)


def tried(state: str, reason: str = "", many: int = 1, code: str = "") -> tuple[LeadResult, ...]:
    return tuple(LeadResult(recorded_at=NOW - n * HOUR, state=state, code=code, reason=reason) for n in range(many))


def appointment(**more: object) -> NextPoll:
    return NextPoll(source="a", url=FEED, next_at=NOW, set_at=NOW, **more)  # type: ignore[arg-type]


def found(**more: object) -> list[HealthFinding]:
    past = SourceHistory(source="a", **more)  # type: ignore[arg-type]
    return find_problems(past, INDEXES, NOW, learn_usual_volume(past, NOW))


def states(**more: object) -> list[HealthState]:
    return [one.state for one in found(**more)]


def test_a_source_as_usual_has_no_findings() -> None:
    well = {
        "published_times": DAILY,
        "polls": (poll(),),
        "next_polls": (appointment(),),
        "lead_results": tried("kept", many=20),
    }
    assert states(**well) == []
    assert states() == []
    assert worst_state([]) == HealthState.OK


def test_silence_counts_from_when_the_index_was_last_read_well() -> None:
    quiet = tuple(at - 30 * 86_400 for at in DAILY)
    (one,) = found(published_times=quiet, polls=(poll(),))
    assert one.state == HealthState.SILENT
    assert one.since == NOW - 31 * DAY
    assert "nothing new since 2026-01-30 12:00 UTC" in one.evidence
    assert states(published_times=quiet, polls=(poll(at=NOW - 30 * DAY),)) == []  # nobody has looked since


def test_an_index_fails_once_it_does_so_for_a_while() -> None:
    last = poll("failed", "HTTP 503")
    short = appointment(failing_since=NOW - HOUR / 2, failure_weight=1.0)
    long = appointment(failing_since=NOW - 2 * HOUR, failure_weight=1.0)
    often = (IndexEndpoint(source="a", url=FEED, failure_streak=3),)
    assert states(polls=(last,), next_polls=(short,)) == []
    (one,) = found(polls=(last,), next_polls=(long,))
    assert (one.state, one.since, "HTTP 503" in one.evidence) == (HealthState.FAILING, NOW - 2 * HOUR, True)
    assert states(polls=(last,), next_polls=(short,), endpoints=often) == [HealthState.FAILING]
    heavy = appointment(failing_since=NOW - HOUR / 2, failure_weight=4.0)
    assert states(polls=(last,), next_polls=(heavy,)) == [HealthState.FAILING]
    assert states(polls=(poll(), last), next_polls=(long,)) == []  # it answered again


def test_robots_txt_that_forbids_is_told_at_once() -> None:
    last = poll("refused", "the publisher wants no robots here", code=ReasonCode.ROBOTS_DISALLOWED)
    (one,) = found(polls=(last,), next_polls=(appointment(failing_since=NOW, failure_weight=2.0),))
    assert (one.state, one.evidence) == (HealthState.BLOCKED, f"robots.txt forbids {FEED}")


def test_parked_and_retired_are_told_of_all_indexes() -> None:
    last = poll("failed", "HTTP 404")
    parked = appointment(failing_since=NOW - 5 * DAY, failure_weight=9.0, state=IndexState.PARKED)
    retired = appointment(failing_since=NOW - 70 * DAY, failure_weight=9.0, state=IndexState.RETIRED)
    (one,) = found(polls=(last,), next_polls=(parked,))
    assert (one.state, one.since) == (HealthState.PARKED, NOW - 5 * DAY)
    assert "HTTP 404" in one.evidence
    assert states(polls=(last,), next_polls=(retired,)) == [HealthState.RETIRED]


def test_pages_that_are_all_refused_block_and_such_as_fail_fail() -> None:
    kept = tried(LeadState.KEPT, many=10)
    (one,) = found(lead_results=(*tried(LeadState.REFUSED, "a bot challenge", 5, PageKind.CHALLENGE), *kept))
    assert one.state == HealthState.BLOCKED
    assert one.evidence == "none of its last 5 pages could be kept, 5 for: a bot challenge"
    assert states(lead_results=(*tried(LeadState.RETRY, "HTTP 500", 4, ReasonCode.HTTP_SERVER_ERROR), *kept)) == [
        HealthState.FAILING
    ]
    assert states(lead_results=(*tried(LeadState.REFUSED, "a list", 3), *kept)) == []
    mixed = (*tried(LeadState.REFUSED, "a list", 5), *kept[:1], *tried(LeadState.REFUSED, "a list", 20))
    assert states(lead_results=mixed) == []  # hardly ever was anything kept: it is no change


def test_a_feed_that_moved_is_told_with_its_new_address() -> None:
    (one,) = found(
        endpoints=(IndexEndpoint(source="a", url=FEED, moved_to="https://b.example/rss", move_streak=5, polled_at=NOW),)
    )
    assert (one.state, one.evidence) == (HealthState.MOVED, f"{FEED} moved to https://b.example/rss")
    assert (
        states(endpoints=(IndexEndpoint(source="a", url=FEED, moved_to="https://b.example/rss", move_streak=2),)) == []
    )
    other = IndexEndpoint(source="a", url="https://a.example/old", moved_to="https://b.example/", move_streak=9)
    assert states(endpoints=(other,)) == []  # the catalogue does not name it any more


def test_a_flood_is_told_and_the_worst_finding_names_the_state() -> None:
    many = tuple((NOW - n * HOUR / 10).timestamp() for n in range(100, 0, -1))
    seen = found(published_times=(*DAILY, *many), polls=(poll("failed", "HTTP 500"), poll()), next_polls=(
        appointment(failing_since=NOW - 2 * HOUR),
    ))  # fmt: skip
    assert [one.state for one in seen] == [HealthState.FAILING, HealthState.FLOODED]
    assert worst_state(seen[::-1]) == HealthState.FAILING
    assert "100 articles in 24 hours" in seen[1].evidence


def test_a_feed_that_names_less_than_half_of_what_the_sitemap_does_is_slow() -> None:
    def audited(**more: int) -> list[HealthState]:
        audit = FeedAudit(source="a", audited_at=NOW, since=NOW - 7 * DAY, **more)
        return [one.state for one in find_problems(SourceHistory(source="a"), INDEXES, NOW, None, audit=audit)]

    assert audited(in_both=5, feed_only=1, sitemap_only=20) == [HealthState.SLOW]
    assert audited(in_both=15, feed_only=6, sitemap_only=20) == []
    assert audited(in_both=1, sitemap_only=6) == []
    assert audited() == []


def test_pages_that_a_sitemap_names_beside_articles_block_nothing() -> None:
    kept = tried(LeadState.KEPT, many=10)
    lists = tried(LeadState.REFUSED, "forty links and nothing else", 30, PageKind.LISTING)
    assert states(lead_results=(*lists, *kept)) == []
    walls = tried(LeadState.REFUSED, "a list of other pages", 4, PageKind.CHALLENGE)
    assert states(lead_results=(*lists[:5], *walls, *lists[:5], *kept)) == [HealthState.BLOCKED]


def test_what_a_sitemap_names_without_dates_is_no_flood() -> None:
    old = tuple((NOW - n * HOUR / 10).timestamp() for n in range(90, 0, -1))
    assert states(published_times=(*DAILY, *old), dated_times=DAILY, polls=(poll(),)) == []


@pytest.mark.parametrize(
    "code",
    [
        ReasonCode.HTTP_SERVER_ERROR,
        ReasonCode.HTTP_TRY_LATER,
        ReasonCode.TIMEOUT,
        ReasonCode.TRUNCATED,
        ReasonCode.CONNECTION_REFUSED,
        ReasonCode.CONNECTION_RESET,
        ReasonCode.HOST_NOT_FOUND,
        ReasonCode.TLS,
    ],
)
def test_pages_of_a_site_that_does_not_answer_fail_whatever_the_reason_says(code: ReasonCode) -> None:
    failed = tried(LeadState.RETRY, "any sentence at all", 4, code)
    assert states(lead_results=(*failed, *tried(LeadState.KEPT, many=10))) == [HealthState.FAILING]


@pytest.mark.parametrize("code", [ReasonCode.HTTP_STATUS, ReasonCode.HTTP_NOT_FOUND, PageKind.CHALLENGE, ""])
def test_pages_that_a_site_refuses_are_blocked_whatever_the_reason_says(code: str) -> None:
    refused = tried(LeadState.REFUSED, "timeout: HTTP 503", 4, code)
    assert states(lead_results=(*refused, *tried(LeadState.KEPT, many=10))) == [HealthState.BLOCKED]


@pytest.mark.parametrize("code", [ReasonCode.LISTING, ReasonCode.REDIRECTED, ReasonCode.ROBOTS_DISALLOWED])
def test_codes_of_pages_that_are_no_articles_are_not_counted(code: ReasonCode) -> None:
    others = tried(LeadState.REFUSED, "any sentence at all", 9, code)
    assert states(lead_results=(*others, *tried(LeadState.KEPT, many=10))) == []


def test_an_index_that_robots_txt_cannot_be_read_for_is_not_blocked() -> None:
    last = poll("refused", "robots: disallowed by robots.txt", code=ReasonCode.ROBOTS_UNREADABLE)
    failing = appointment(failing_since=NOW - 2 * HOUR, failure_weight=2.0)
    assert states(polls=(last,), next_polls=(failing,)) == [HealthState.FAILING]


def test_listing_code_is_that_of_the_extraction() -> None:
    assert ReasonCode.LISTING.value == PageKind.LISTING.value
