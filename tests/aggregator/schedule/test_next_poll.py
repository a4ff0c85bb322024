"""The next reading of an index: its time, its reason, and the life of an index that fails."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.formatting import format_duration
from aggregator.schedule.next_poll import RETIRED_AFTER, PlanningTerms, plan_next_poll
from spiders.source import Source
from storage.model.crawl import IndexState, NextPoll
from tests.aggregator.schedule.simulated_source import FEED, NOW, SOURCE, past, polled

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def read(
    outcome: str = "ok",
    *,
    source: Source = SOURCE,
    before: NextPoll | None = None,
    now: datetime = NOW,
    parked_until: datetime | None = None,
    terms: PlanningTerms | None = None,
    **more: object,
) -> NextPoll:
    poll = polled(outcome, now, **more)  # type: ignore[arg-type]
    return plan_next_poll(source, before, poll, parked_until=parked_until, now=now, terms=terms or PlanningTerms())


def source(**more: object) -> Source:
    return Source(name="a", title="A", home="https://a.example/", feeds=(FEED,), **more)  # type: ignore[arg-type]


def lived(a_day: float, **more: object) -> NextPoll:
    """A feed's appointment after its first reading, with so many entries a day behind it."""
    return read(all_published=past(a_day), **more)


def test_a_busy_index_is_read_sooner_than_a_quiet_one_and_says_why() -> None:
    busy, quiet = lived(50.0), lived(0.5)
    assert busy.next_at - NOW < 20 * MINUTE < HOUR < quiet.next_at - NOW
    assert quiet.next_at - NOW <= DAY
    assert "new a day" in busy.reason
    assert busy.reason.startswith(f"every {format_duration((busy.next_at - NOW).total_seconds())}: ")


def test_a_dearer_request_is_made_later() -> None:
    cheap, dear = (lived(10.0, terms=PlanningTerms(price=price)) for price in (0.0001, 0.1))
    assert cheap.next_at < dear.next_at


def test_the_bounds_of_the_catalogue_hold() -> None:
    assert lived(500.0, source=source()).next_at - NOW >= 5 * MINUTE
    assert lived(500.0, source=source(min=1200.0)).next_at - NOW >= 20 * MINUTE
    assert lived(0.2, source=source(max=1800.0)).next_at - NOW <= 30 * MINUTE


def test_what_the_host_asks_for_is_kept_to_and_said() -> None:
    asked = lived(500.0, requested_delay=3000.0)
    assert asked.next_at - NOW >= 50 * MINUTE
    assert "host asks for at least 50 min" in asked.reason


@pytest.mark.parametrize("outcome", ["ok", "unmodified"])
def test_the_operators_interval_wins_over_what_was_learned(outcome: str) -> None:
    kept = read(outcome, source=source(every=7.0), before=lived(0.2), requested_delay=3000.0)
    assert kept.next_at == NOW + timedelta(seconds=7)
    assert "as configured" in kept.reason


def test_nothing_wins_over_retry_after() -> None:
    until = NOW + 5 * HOUR
    kept = read("parked", source=source(every=7.0), parked_until=until, reason="HTTP 429")
    assert kept.next_at == until
    assert "left alone until" in kept.reason
    assert kept.failure_weight == 0
    assert read(source=source(every=7.0), parked_until=NOW + timedelta(seconds=3)).next_at == NOW + timedelta(seconds=7)


def test_cron_names_the_moment_in_the_sources_own_zone() -> None:
    kept = read(source=source(cron="30 6 * * *", timezone="Asia/Tokyo"))
    assert kept.next_at == datetime(2026, 3, 4, 21, 30, tzinfo=NOW.tzinfo)
    assert "30 6 * * *" in kept.reason


def test_a_poll_that_ends_just_before_a_named_minute_does_not_skip_it() -> None:
    daily = source(cron="30 12 * * *")
    slot = NOW.replace(minute=30)
    assert read(source=daily, now=slot - timedelta(seconds=1)).next_at == slot
    assert read(source=daily, now=slot).next_at == slot + DAY
    assert read(source=daily, now=slot + timedelta(seconds=59)).next_at == slot + DAY


def test_cron_fires_once_where_the_clock_is_set_back() -> None:
    before = datetime(2026, 10, 25, 0, 0, tzinfo=NOW.tzinfo)  # 02:00 in Berlin, an hour before it is 02:00 again
    nightly = source(cron="30 2 * * *", timezone="Europe/Berlin")
    first = read(source=nightly, now=before)
    second = read(source=nightly, before=first, now=first.next_at)
    assert second.next_at - first.next_at > 20 * HOUR


def test_failures_come_back_within_the_hour_and_an_answer_forgets_them() -> None:
    kept, now = lived(5.0), NOW
    waits = []
    for _ in range(6):
        now = kept.next_at
        kept = read("failed", before=kept, now=now, reason="HTTP 500")
        waits.append(kept.next_at - now)
    assert max(waits) <= HOUR
    assert kept.failure_weight == 6
    assert "HTTP 500" in kept.reason
    assert read(before=kept, now=now).failure_weight == 0
    assert read(before=kept, now=now).failing_since is None


def test_a_full_window_is_looked_into_at_once() -> None:
    before = lived(1.0)
    now = before.next_at
    kept = read(before=before, now=now, came=(now - MINUTE,) * 15, window=20)
    assert kept.next_at - now == 5 * MINUTE


def test_a_window_stays_as_wide_while_nothing_changes() -> None:
    kept = first = lived(5.0, window=40)
    for _ in range(50):
        kept = read("unmodified", before=kept, now=kept.next_at, window=0)
    assert first.publishing_profile is not None
    assert kept.publishing_profile is not None
    assert (first.publishing_profile.window, kept.publishing_profile.window) == (40, 40)
    assert round(kept.publishing_profile.named) == 40


def test_while_nothing_can_be_reached_no_index_is_to_blame() -> None:
    kept = lived(5.0)
    for _ in range(2000):
        kept = read("failed", before=kept, now=kept.next_at, status=0, terms=PlanningTerms(is_offline=True))
    assert (kept.failure_weight, kept.failing_since, kept.state) == (0, None, IndexState.ASKED)
    assert kept.next_at - kept.set_at <= DAY


def test_a_dead_index_is_parked_tried_after_days_and_retired_in_the_end() -> None:
    kept, states, asked = lived(5.0), [], 0
    while kept.state != IndexState.RETIRED:
        kept = read("failed", before=kept, now=kept.next_at, status=404, reason="HTTP 404")
        states.append(kept.state)
        asked += 1
        assert asked < 500
    assert states == sorted(states)  # asked, parked, retired
    assert kept.set_at - NOW >= RETIRED_AFTER
    assert "since 2026-03-04" in kept.reason
    assert not kept.is_due(kept.next_at + 100 * DAY)
    assert read(before=kept, now=kept.set_at + DAY).state == IndexState.ASKED


def test_gone_is_the_end_at_once() -> None:
    assert read("gone", before=lived(5.0), reason="HTTP 410").state == IndexState.RETIRED


OUTCOMES = st.sampled_from(["ok", "unmodified", "failed", "refused", "parked"])
STEPS = st.tuples(OUTCOMES, st.sampled_from([0, 404, 429, 500, 503]), st.integers(0, 40), st.floats(0, 40))


@given(
    st.lists(STEPS, max_size=40),
    st.sampled_from([source(), source(every=5.0), source(min=60.0, max=7200.0), source(cron="*/7 * * * *")]),
)
def test_whatever_happens_the_next_time_lies_ahead_and_has_a_reason(
    steps: list[tuple[str, int, int, float]], of: Source
) -> None:
    kept: NextPoll | None = None
    now = NOW
    for outcome, status, came, late in steps:
        parked = now + 2 * HOUR if outcome == "parked" else None
        more = {"status": status, "reason": "it failed"} if outcome not in ("ok", "unmodified") else {}
        news = (now - MINUTE,) * came if outcome == "ok" else ()
        kept = read(outcome, source=of, before=kept, now=now, parked_until=parked, came=news, **more)
        assert now < kept.next_at <= now + 366 * DAY
        assert kept.reason
        assert kept.set_at == now
        if outcome in ("ok", "unmodified"):
            assert (kept.failure_weight, kept.state) == (0, IndexState.ASKED)
            assert kept.next_at <= now + timedelta(seconds=max(of.max, of.every))
        now = max(kept.next_at, now + timedelta(hours=late))


@given(st.integers(-400, 400), st.integers(1, 86_400))
def test_a_clock_that_jumps_skips_nothing_for_long(days: int, wait: int) -> None:
    """An appointment is due when its time has come, and where it was made in what is the future now."""
    kept = NextPoll(source="a", url=FEED, next_at=NOW + timedelta(seconds=wait), set_at=NOW)
    now = NOW + timedelta(days=days)
    if days:
        assert kept.is_due(now)
    else:
        assert not kept.is_due(now)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(5, "5 s"), (89, "89 s"), (95, "1.6 min"), (1800, "30 min"), (7200, "2 h"), (9000, "2.5 h"), (86400 * 3, "3 d")],
)
def test_spans_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert format_duration(seconds) == said
