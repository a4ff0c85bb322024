"""Publishing profiles, waits and prices of polls."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.schedule.budget import HOST_POLLS_PER_DAY, BudgetPlanner
from aggregator.schedule.interval import IntervalBounds, compute_wait, find_price, min_shared_wait
from aggregator.schedule.learn_profile import (
    entries_per_day,
    entries_per_day_at,
    expect_entries,
    hour_factor,
    recent_boost,
    start_profile,
    update_profile,
)
from spiders.source import Source
from storage.model.crawl import NextPoll
from storage.model.publishing_profile import PublishingProfile, parse_profile
from storage.timestamps import DAY, HOUR
from tests.aggregator.schedule.simulated_source import FEED, NOW, SOURCE, make_poll, publication_times

AT = NOW.timestamp()
BOUNDS = IntervalBounds()


def regular_profile(per_day: float, *, entries: int, days: float = 20.0) -> PublishingProfile:
    """Return the profile after the first poll of an index that publishes at even intervals."""
    return start_profile(AT, [at.timestamp() for at in publication_times(per_day, days)], entries)


def update_hourly(profile: PublishingProfile, days: int, hours: tuple[float, ...]) -> PublishingProfile:
    """Return the profile after hourly polls of an index that publishes at these hours of each day."""
    for hour in range(1, days * 24 + 1):
        now = AT + hour * HOUR
        hour_of_day = now % DAY / HOUR
        published = [now - HOUR / 2 for time in hours if hour_of_day - 1 <= time < hour_of_day]
        profile = update_profile(profile, now, published, 30)
    return profile


def test_first_poll_learns_rate_from_dates_of_entries() -> None:
    for per_day in (0.5, 4.0, 40.0):
        times = [at.timestamp() for at in publication_times(per_day, days=30)][:100]
        assert 0.7 * per_day < entries_per_day(start_profile(AT, times, 100)) < 1.4 * per_day


def test_rate_is_learned_after_first_poll_without_dates() -> None:
    profile = update_hourly(start_profile(AT, [], 30), 20, (9.5, 10.5, 14.5))
    assert 2.4 < entries_per_day(profile) < 3.6


def test_hours_of_publication_are_learned() -> None:
    profile = update_hourly(start_profile(AT, [], 30), 30, (8.5, 9.5, 9.5, 10.5))
    assert hour_factor(profile, 9) > 4
    assert hour_factor(profile, 21) < 0.4
    morning = AT - AT % DAY + DAY * 31 + 8.5 * HOUR
    assert compute_wait(profile, morning, 0.006, BOUNDS) < compute_wait(profile, morning + 12 * HOUR, 0.006, BOUNDS)


def test_burst_raises_recent_boost_for_a_while() -> None:
    profile = update_hourly(start_profile(AT, [], 30), 20, (9.5, 15.5))
    calm = recent_boost(profile)
    burst = update_profile(profile, profile.at + HOUR, [profile.at + HOUR / 2] * 9, 30)
    assert recent_boost(burst) > 2 * calm
    later = update_profile(burst, burst.at + 3 * DAY, [], 30)
    assert recent_boost(later) < 1.2


def test_clock_set_back_does_not_change_the_rate() -> None:
    profile = update_hourly(start_profile(AT, [], 30), 5, (9.5,))
    back = update_profile(profile, profile.at - 400 * DAY, [profile.at - 400 * DAY], 30)
    assert back.at == profile.at
    assert abs(entries_per_day(back) - entries_per_day(profile)) < 0.5


@given(st.floats(0, 400), st.floats(0, 10))
def test_expected_entries_grow_with_the_period(hours: float, more: float) -> None:
    profile = regular_profile(7.0, days=10, entries=30)
    whole = expect_entries(profile, AT, AT + hours * HOUR)
    assert whole >= 0
    assert expect_entries(profile, AT, AT + (hours + more) * HOUR) >= whole * 0.3
    assert entries_per_day_at(profile, AT + hours * HOUR) > 0


@given(
    st.lists(st.tuples(st.floats(1, 1e6), st.integers(0, 50)), max_size=30),
    st.floats(1e-9, 1e3),
    st.integers(1, 1000),
)
def test_wait_is_within_its_bounds(polls: list[tuple[float, int]], price: float, window: int) -> None:
    profile, now = start_profile(AT, [], window), AT
    for seconds, count in polls:
        now += seconds
        profile = update_profile(profile, now, [now - seconds / 2] * count, window)
    for bounds in (BOUNDS, IntervalBounds(min_seconds=60.0, max_seconds=600.0), IntervalBounds(is_main=False)):
        assert bounds.min_seconds <= compute_wait(profile, now, price, bounds) <= bounds.max_seconds
    assert parse_profile(profile.to_json()) is not None


def test_price_keeps_to_the_budget() -> None:
    profiles = [regular_profile(per_day, entries=50) for per_day in (0.3, 1.0, 3.0, 10.0, 30.0)]
    for budget in (60.0, 120.0, 300.0):
        price = find_price(profiles, AT, budget, BOUNDS)
        spent = 0
        for profile in profiles:
            at = AT
            while at < AT + DAY:
                at += compute_wait(profile, at, price, BOUNDS)
                spent += 1
        assert 0.7 * budget < spent < 1.3 * budget


def test_planner_raises_price_after_overspending_and_lowers_it_again() -> None:
    profiles = [regular_profile(per_day, entries=50) for per_day in (1.0, 3.0, 10.0)]
    planner = BudgetPlanner(24.0)
    planner.reprice(profiles, AT, sources=3, spent=0, days=0.0)
    first = planner.price
    for _ in range(12):
        planner.reprice(profiles, AT, sources=3, spent=150, days=1.0)
    raised = planner.price
    assert raised > first
    for _ in range(40):
        planner.reprice(profiles, AT, sources=3, spent=30, days=1.0)
    assert planner.price < raised


@given(st.lists(st.floats(300.0, 86_400.0), max_size=40), st.floats(50.0, 1000.0))
def test_indexes_of_a_host_share_its_daily_polls(waits: list[float], most: float) -> None:
    """All indexes together use the limit if they would exceed it, and never more."""
    least = min_shared_wait(waits, most)
    spent = sum(DAY / max(seconds, least) for seconds in waits)
    assert spent <= most * 1.0001
    if sum(DAY / seconds for seconds in waits) <= most * 0.9999:
        assert least == 0.0
    elif least:
        assert spent == pytest.approx(most)


def test_first_polls_while_offline_are_no_failures() -> None:
    planner = BudgetPlanner(24.0)
    unreached = make_poll("failed", status=0, reason="host name not found")
    planned = planner(SOURCE, None, unreached, parked_until=None, now=NOW)
    assert (planned.reason, planned.failing_since) == ("no host can be reached", None)
    assert timedelta(minutes=5) <= planned.next_at - NOW <= timedelta(minutes=15)
    again = planner(SOURCE, planned, unreached, parked_until=None, now=planned.next_at)
    assert again.reason == "no host can be reached"
    planner(SOURCE, None, make_poll("ok"), parked_until=None, now=again.next_at)
    for before in (None, again):
        failing = planner(SOURCE, before, unreached, parked_until=None, now=again.next_at + timedelta(minutes=9))
        assert "while it fails" in failing.reason


def test_busy_indexes_of_a_host_are_polled_less_often_with_a_reason() -> None:
    busy = regular_profile(200.0, entries=500)
    planner = BudgetPlanner(1000.0)
    planner.reprice([busy] * 20, AT, sources=20, spent=0, days=0.0)

    before = NextPoll(source="a", url=FEED, next_at=NOW, publishing_profile=busy, set_at=NOW)

    def gap(host: str, source: Source = SOURCE) -> tuple[float, str]:
        next_polls = [replace(before, url=f"https://{host}/{n}") for n in range(19)]
        planner.share_hosts([*next_polls, replace(before, url="https://alone.example/")], AT)
        planned = planner(source, before, make_poll("unmodified"), parked_until=None, now=NOW)
        return (planned.next_at - NOW).total_seconds(), planned.reason

    alone, reason = gap("crowded.example")
    assert (alone < 400, "share" in reason) == (True, False)
    crowded, reason = gap("a.example")
    assert crowded == pytest.approx(19 * DAY / HOST_POLLS_PER_DAY, rel=0.05)
    assert "which share its requests" in reason
    assert gap("a.example", replace(SOURCE, every=60.0))[0] == 60


def test_rarely_polled_indexes_leave_their_share_to_others_of_the_host() -> None:
    """Further sitemaps are polled every few days, however many entries they have."""
    active = regular_profile(20.0, entries=50)
    planner = BudgetPlanner(24.0)
    feed = NextPoll(source="a", url=FEED, next_at=NOW + timedelta(hours=1), publishing_profile=active, set_at=NOW)
    rare = [
        replace(feed, url=f"https://a.example/sitemap-{n}.xml", next_at=NOW + timedelta(days=4)) for n in range(300)
    ]
    planner.reprice([active], AT, sources=1, spent=0, days=0.0)
    planner.share_hosts([feed, *rare], AT)
    planned = planner(SOURCE, feed, make_poll("unmodified"), parked_until=None, now=NOW)
    assert (planned.next_at - NOW) < timedelta(hours=2)
    assert "share" not in planned.reason


def test_profile_is_read_back_and_invalid_json_is_none() -> None:
    profile = update_hourly(regular_profile(3.0, entries=30), 3, (9.5,))
    again = parse_profile(profile.to_json())
    assert again is not None
    assert abs(entries_per_day(again) - entries_per_day(profile)) < 0.001
    for text in ("", "{}", "[]", "null", "7", '{"first_at": 1, "at": 2, "hours": [1]}', '{"at": "x"}'):
        assert parse_profile(text) is None
    assert NOW - timedelta(days=1) < NOW
