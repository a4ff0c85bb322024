"""Time and reason of the next poll of an index, and the states of an index that fails."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.formatting import format_duration
from aggregator.schedule.next_poll import RETIRED_AFTER, PlanningTerms, plan_next_poll
from spiders.source import Source
from storage.model.crawl import IndexState, NextPoll
from tests.aggregator.schedule.simulated_source import FEED, NOW, SOURCE, make_poll, publication_times

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def plan(
    outcome: str = "ok",
    *,
    source: Source = SOURCE,
    before: NextPoll | None = None,
    now: datetime = NOW,
    parked_until: datetime | None = None,
    terms: PlanningTerms | None = None,
    **more: object,
) -> NextPoll:
    poll = make_poll(outcome, now, **more)  # type: ignore[arg-type]
    return plan_next_poll(source, before, poll, parked_until=parked_until, now=now, terms=terms or PlanningTerms())


def source(**more: object) -> Source:
    return Source(name="a", title="A", home="https://a.example/", feeds=(FEED,), **more)  # type: ignore[arg-type]


def plan_first(per_day: float, **more: object) -> NextPoll:
    """Return the plan after the first poll of a feed with this rate of entries."""
    return plan(all_published=publication_times(per_day), **more)


def test_busy_index_is_polled_sooner_than_a_quiet_one_with_a_reason() -> None:
    busy, quiet = plan_first(50.0), plan_first(0.5)
    assert busy.next_at - NOW < 20 * MINUTE < HOUR < quiet.next_at - NOW
    assert quiet.next_at - NOW <= DAY
    assert "new a day" in busy.reason
    assert busy.reason.startswith(f"every {format_duration((busy.next_at - NOW).total_seconds())}: ")


def test_higher_price_makes_the_wait_longer() -> None:
    cheap, expensive = (plan_first(10.0, terms=PlanningTerms(price=price)) for price in (0.0001, 0.1))
    assert cheap.next_at < expensive.next_at


def test_configured_bounds_hold() -> None:
    assert plan_first(500.0, source=source()).next_at - NOW >= 5 * MINUTE
    assert plan_first(500.0, source=source(min=1200.0)).next_at - NOW >= 20 * MINUTE
    assert plan_first(0.2, source=source(max=1800.0)).next_at - NOW <= 30 * MINUTE


def test_requested_delay_holds_and_is_the_reason() -> None:
    planned = plan_first(500.0, requested_delay=3000.0)
    assert planned.next_at - NOW >= 50 * MINUTE
    assert "host asks for at least 50 min" in planned.reason


@pytest.mark.parametrize("outcome", ["ok", "unmodified"])
def test_configured_interval_overrides_the_profile(outcome: str) -> None:
    planned = plan(outcome, source=source(every=7.0), before=plan_first(0.2), requested_delay=3000.0)
    assert planned.next_at == NOW + timedelta(seconds=7)
    assert "as configured" in planned.reason


def test_retry_after_overrides_a_configured_interval() -> None:
    until = NOW + 5 * HOUR
    planned = plan("parked", source=source(every=7.0), parked_until=until, reason="HTTP 429")
    assert planned.next_at == until
    assert "left alone until" in planned.reason
    assert planned.failure_weight == 0
    assert plan(source=source(every=7.0), parked_until=NOW + timedelta(seconds=3)).next_at == NOW + timedelta(seconds=7)


def test_cron_uses_the_time_zone_of_the_source() -> None:
    planned = plan(source=source(cron="30 6 * * *", timezone="Asia/Tokyo"))
    assert planned.next_at == datetime(2026, 3, 4, 21, 30, tzinfo=NOW.tzinfo)
    assert "30 6 * * *" in planned.reason


def test_poll_just_before_a_cron_minute_does_not_skip_it() -> None:
    daily = source(cron="30 12 * * *")
    slot = NOW.replace(minute=30)
    assert plan(source=daily, now=slot - timedelta(seconds=1)).next_at == slot
    assert plan(source=daily, now=slot).next_at == slot + DAY
    assert plan(source=daily, now=slot + timedelta(seconds=59)).next_at == slot + DAY


def test_cron_matches_once_if_the_clock_is_set_back() -> None:
    before = datetime(2026, 10, 25, 0, 0, tzinfo=NOW.tzinfo)  # 02:00 in Berlin, an hour before it is 02:00 again
    nightly = source(cron="30 2 * * *", timezone="Europe/Berlin")
    first = plan(source=nightly, now=before)
    second = plan(source=nightly, before=first, now=first.next_at)
    assert second.next_at - first.next_at > 20 * HOUR


def test_failing_index_is_retried_within_an_hour_until_it_answers() -> None:
    planned, now = plan_first(5.0), NOW
    waits = []
    for _ in range(6):
        now = planned.next_at
        planned = plan("failed", before=planned, now=now, reason="HTTP 500")
        waits.append(planned.next_at - now)
    assert max(waits) <= HOUR
    assert planned.failure_weight == 6
    assert "HTTP 500" in planned.reason
    assert plan(before=planned, now=now).failure_weight == 0
    assert plan(before=planned, now=now).failing_since is None


def test_index_full_of_new_entries_is_polled_after_the_minimum_wait() -> None:
    before = plan_first(1.0)
    now = before.next_at
    planned = plan(before=before, now=now, new_published=(now - MINUTE,) * 15, window=20)
    assert planned.next_at - now == 5 * MINUTE


def test_unmodified_index_keeps_its_number_of_entries() -> None:
    planned = first = plan_first(5.0, window=40)
    for _ in range(50):
        planned = plan("unmodified", before=planned, now=planned.next_at, window=0)
    assert first.publishing_profile is not None
    assert planned.publishing_profile is not None
    assert (first.publishing_profile.window, planned.publishing_profile.window) == (40, 40)
    assert round(planned.publishing_profile.named) == 40


def test_failures_while_offline_do_not_count() -> None:
    planned = plan_first(5.0)
    for _ in range(2000):
        planned = plan("failed", before=planned, now=planned.next_at, status=0, terms=PlanningTerms(is_offline=True))
    assert (planned.failure_weight, planned.failing_since, planned.state) == (0, None, IndexState.ASKED)
    assert planned.next_at - planned.set_at <= DAY


def test_dead_index_is_parked_and_retired() -> None:
    planned, states, polls = plan_first(5.0), [], 0
    while planned.state != IndexState.RETIRED:
        planned = plan("failed", before=planned, now=planned.next_at, status=404, reason="HTTP 404")
        states.append(planned.state)
        polls += 1
        assert polls < 500
    assert states == sorted(states)  # asked, parked, retired
    assert planned.set_at - NOW >= RETIRED_AFTER
    assert "since 2026-03-04" in planned.reason
    assert not planned.is_due(planned.next_at + 100 * DAY)
    assert plan(before=planned, now=planned.set_at + DAY).state == IndexState.ASKED


def test_gone_index_is_retired_at_once() -> None:
    assert plan("gone", before=plan_first(5.0), reason="HTTP 410").state == IndexState.RETIRED


OUTCOMES = st.sampled_from(["ok", "unmodified", "failed", "refused", "parked"])
STEPS = st.tuples(OUTCOMES, st.sampled_from([0, 404, 429, 500, 503]), st.integers(0, 40), st.floats(0, 40))


@given(
    st.lists(STEPS, max_size=40),
    st.sampled_from([source(), source(every=5.0), source(min=60.0, max=7200.0), source(cron="*/7 * * * *")]),
)
def test_next_poll_is_in_the_future_and_has_a_reason(steps: list[tuple[str, int, int, float]], of: Source) -> None:
    planned: NextPoll | None = None
    now = NOW
    for outcome, status, count, late in steps:
        parked = now + 2 * HOUR if outcome == "parked" else None
        more: dict[str, object] = {}
        if outcome not in ("ok", "unmodified"):
            more = {"status": status, "reason": "it failed"}
        more["new_published"] = (now - MINUTE,) * count if outcome == "ok" else ()
        planned = plan(outcome, source=of, before=planned, now=now, parked_until=parked, **more)
        assert now < planned.next_at <= now + 366 * DAY
        assert planned.reason
        assert planned.set_at == now
        if outcome in ("ok", "unmodified"):
            assert (planned.failure_weight, planned.state) == (0, IndexState.ASKED)
            assert planned.next_at <= now + timedelta(seconds=max(of.max, of.every))
        now = max(planned.next_at, now + timedelta(hours=late))


@given(st.integers(-400, 400), st.integers(1, 86_400))
def test_poll_planned_in_the_future_or_the_past_is_due_after_a_clock_change(days: int, wait: int) -> None:
    planned = NextPoll(source="a", url=FEED, next_at=NOW + timedelta(seconds=wait), set_at=NOW)
    now = NOW + timedelta(days=days)
    if days:
        assert planned.is_due(now)
    else:
        assert not planned.is_due(now)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5 s"), (89, "89 s"), (95, "1.6 min"), (1800, "30 min"), (7200, "2 h"), (9000, "2.5 h"), (86400 * 3, "3 d")],
)
def test_duration_is_formatted_in_one_unit(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
