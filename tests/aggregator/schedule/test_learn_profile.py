"""What is learned of an index, and what it is worth to ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.schedule.budget import HOST_POLLS_PER_DAY, BudgetPlanner
from aggregator.schedule.interval import IntervalBounds, compute_wait, find_price, min_shared_wait
from aggregator.schedule.learn_profile import (
    DAY,
    HOUR,
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
from tests.aggregator.schedule.simulated_source import FEED, NOW, SOURCE, past, polled

AT = NOW.timestamp()
BOUNDS = IntervalBounds()


def watched(rhythm: PublishingProfile, days: int, each_day: tuple[float, ...]) -> PublishingProfile:
    """After hourly polls of an index that publishes at these hours of each day."""
    for hour in range(1, days * 24 + 1):
        now = AT + hour * HOUR
        at = now % DAY / HOUR
        came = [now - HOUR / 2 for one in each_day if at - 1 <= one < at]
        rhythm = update_profile(rhythm, now, came, 30)
    return rhythm


def test_the_dates_of_a_first_reading_tell_how_often_it_publishes() -> None:
    for often in (0.5, 4.0, 40.0):
        times = [at.timestamp() for at in past(often, days=30)][:100]
        assert 0.7 * often < entries_per_day(start_profile(AT, times, 100)) < 1.4 * often


def test_a_first_reading_without_dates_knows_nothing_and_learns() -> None:
    rhythm = watched(start_profile(AT, [], 30), 20, (9.5, 10.5, 14.5))
    assert 2.4 < entries_per_day(rhythm) < 3.6


def test_hours_are_told_apart() -> None:
    rhythm = watched(start_profile(AT, [], 30), 30, (8.5, 9.5, 9.5, 10.5))
    assert hour_factor(rhythm, 9) > 4
    assert hour_factor(rhythm, 21) < 0.4
    morning = AT - AT % DAY + DAY * 31 + 8.5 * HOUR
    assert compute_wait(rhythm, morning, 0.006, BOUNDS) < compute_wait(rhythm, morning + 12 * HOUR, 0.006, BOUNDS)


def test_what_comes_in_a_burst_raises_what_is_expected_and_passes() -> None:
    rhythm = watched(start_profile(AT, [], 30), 20, (9.5, 15.5))
    calm = recent_boost(rhythm)
    burst = update_profile(rhythm, rhythm.at + HOUR, [rhythm.at + HOUR / 2] * 9, 30)
    assert recent_boost(burst) > 2 * calm
    later = update_profile(burst, burst.at + 3 * DAY, [], 30)
    assert recent_boost(later) < 1.2


def test_a_clock_set_back_teaches_nothing_wrong() -> None:
    rhythm = watched(start_profile(AT, [], 30), 5, (9.5,))
    back = update_profile(rhythm, rhythm.at - 400 * DAY, [rhythm.at - 400 * DAY], 30)
    assert back.at == rhythm.at
    assert abs(entries_per_day(back) - entries_per_day(rhythm)) < 0.5


@given(st.floats(0, 400), st.floats(0, 10))
def test_what_is_expected_adds_up(hours: float, more: float) -> None:
    rhythm = start_profile(AT, [at.timestamp() for at in past(7.0, days=10)], 30)
    whole = expect_entries(rhythm, AT, AT + hours * HOUR)
    assert whole >= 0
    assert expect_entries(rhythm, AT, AT + (hours + more) * HOUR) >= whole * 0.3
    assert entries_per_day_at(rhythm, AT + hours * HOUR) > 0


@given(
    st.lists(st.tuples(st.floats(1, 1e6), st.integers(0, 50)), max_size=30),
    st.floats(1e-9, 1e3),
    st.integers(1, 1000),
)
def test_a_wait_lies_within_its_bounds(polls: list[tuple[float, int]], price: float, window: int) -> None:
    rhythm, now = start_profile(AT, [], window), AT
    for seconds, many in polls:
        now += seconds
        rhythm = update_profile(rhythm, now, [now - seconds / 2] * many, window)
    for bounds in (BOUNDS, IntervalBounds(min_seconds=60.0, max_seconds=600.0), IntervalBounds(is_main=False)):
        assert bounds.min_seconds <= compute_wait(rhythm, now, price, bounds) <= bounds.max_seconds
    assert parse_profile(rhythm.to_json()) is not None


def test_a_price_keeps_to_the_budget() -> None:
    rhythms = [start_profile(AT, [at.timestamp() for at in past(often)], 50) for often in (0.3, 1.0, 3.0, 10.0, 30.0)]
    for budget in (60.0, 120.0, 300.0):
        price = find_price(rhythms, AT, budget, BOUNDS)
        spent = 0
        for rhythm in rhythms:
            at = AT
            while at < AT + DAY:
                at += compute_wait(rhythm, at, price, BOUNDS)
                spent += 1
        assert 0.7 * budget < spent < 1.3 * budget


def test_a_planner_that_overspends_gets_dearer_and_back() -> None:
    rhythms = [start_profile(AT, [at.timestamp() for at in past(often)], 50) for often in (1.0, 3.0, 10.0)]
    planner = BudgetPlanner(24.0)
    planner.reprice(rhythms, AT, sources=3, spent=0, days=0.0)
    first = planner.price
    for _ in range(12):
        planner.reprice(rhythms, AT, sources=3, spent=150, days=1.0)
    dear = planner.price
    assert dear > first
    for _ in range(40):
        planner.reprice(rhythms, AT, sources=3, spent=30, days=1.0)
    assert planner.price < dear


@given(st.lists(st.floats(300.0, 86_400.0), max_size=40), st.floats(50.0, 1000.0))
def test_the_indexes_of_a_host_share_what_it_is_asked(waits: list[float], most: float) -> None:
    """Together no more than that, and no less where they ask for more; who waits longer anyway is left alone."""
    least = min_shared_wait(waits, most)
    spent = sum(DAY / max(seconds, least) for seconds in waits)
    assert spent <= most * 1.0001
    if sum(DAY / seconds for seconds in waits) <= most * 0.9999:
        assert least == 0.0
    elif least:
        assert spent == pytest.approx(most)


def test_on_a_machine_that_is_not_online_the_first_polls_blame_nobody() -> None:
    planner = BudgetPlanner(24.0)
    unreached = polled("failed", status=0, reason="host name not found")
    made = planner(SOURCE, None, unreached, parked_until=None, now=NOW)
    assert (made.reason, made.failing_since) == ("no host can be reached", None)
    assert timedelta(minutes=5) <= made.next_at - NOW <= timedelta(minutes=15)
    again = planner(SOURCE, made, unreached, parked_until=None, now=made.next_at)
    assert again.reason == "no host can be reached"
    planner(SOURCE, None, polled("ok"), parked_until=None, now=again.next_at)
    for before in (None, again):
        blamed = planner(SOURCE, before, unreached, parked_until=None, now=again.next_at + timedelta(minutes=9))
        assert "while it fails" in blamed.reason


def test_many_busy_indexes_of_one_host_are_asked_less_often_and_say_so() -> None:
    busy = start_profile(AT, [at.timestamp() for at in past(200.0)], 500)
    planner = BudgetPlanner(1000.0)
    planner.reprice([busy] * 20, AT, sources=20, spent=0, days=0.0)

    before = NextPoll(source="a", url=FEED, next_at=NOW, publishing_profile=busy, set_at=NOW)

    def gap(host: str, source: Source = SOURCE) -> tuple[float, str]:
        known = [replace(before, url=f"https://{host}/{n}") for n in range(19)]
        planner.share_hosts([*known, replace(before, url="https://alone.example/")], AT)
        made = planner(source, before, polled("unmodified"), parked_until=None, now=NOW)
        return (made.next_at - NOW).total_seconds(), made.reason

    alone, why = gap("crowded.example")
    assert (alone < 400, "share" in why) == (True, False)
    crowded, why = gap("a.example")
    assert crowded == pytest.approx(19 * DAY / HOST_POLLS_PER_DAY, rel=0.05)
    assert "which share its requests" in why
    assert gap("a.example", replace(SOURCE, every=60.0))[0] == 60


def test_what_is_asked_rarely_takes_nothing_from_the_others_of_its_host() -> None:
    """Further sitemaps are asked every few days, however much they once held."""
    lively = start_profile(AT, [at.timestamp() for at in past(20.0)], 50)
    planner = BudgetPlanner(24.0)
    feed = NextPoll(source="a", url=FEED, next_at=NOW + timedelta(hours=1), publishing_profile=lively, set_at=NOW)
    rare = [
        replace(feed, url=f"https://a.example/sitemap-{n}.xml", next_at=NOW + timedelta(days=4)) for n in range(300)
    ]
    planner.reprice([lively], AT, sources=1, spent=0, days=0.0)
    planner.share_hosts([feed, *rare], AT)
    made = planner(SOURCE, feed, polled("unmodified"), parked_until=None, now=NOW)
    assert (made.next_at - NOW) < timedelta(hours=2)
    assert "share" not in made.reason


def test_what_was_learned_is_read_back_and_rubbish_is_nothing() -> None:
    rhythm = watched(start_profile(AT, [at.timestamp() for at in past(3.0)], 30), 3, (9.5,))
    again = parse_profile(rhythm.to_json())
    assert again is not None
    assert abs(entries_per_day(again) - entries_per_day(rhythm)) < 0.001
    for text in ("", "{}", "[]", "null", "7", '{"first_at": 1, "at": 2, "hours": [1]}', '{"at": "x"}'):
        assert parse_profile(text) is None
    assert NOW - timedelta(days=1) < NOW
