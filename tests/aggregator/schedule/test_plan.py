"""The next poll: its time and its reason."""

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.schedule.plan import MAX_BACK_OFF, next_poll, words
from spiders.source import Source
from storage.state import Poll

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = Source(name="a", title="A", home="https://a.example/", every=1800)


def poll(outcome: str, reason: str = "") -> Poll:
    return Poll(
        source="a", endpoint="https://a.example/f", started_at=NOW, ended_at=NOW, outcome=outcome, reason=reason
    )


def test_a_good_poll_comes_again_after_the_sources_interval() -> None:
    when, why = next_poll(SOURCE, (poll("ok"),), failures=0, parked_until=None, now=NOW)
    assert (when, why) == (NOW + timedelta(minutes=30), "every 30 min")


@pytest.mark.parametrize(
    ("failures", "wait"), [(1, timedelta(hours=1)), (3, timedelta(hours=4)), (9, MAX_BACK_OFF), (500, MAX_BACK_OFF)]
)
def test_failures_in_a_row_double_the_wait_up_to_a_day(failures: int, wait: timedelta) -> None:
    when, why = next_poll(SOURCE, (poll("failed", "HTTP 503"),), failures=failures, parked_until=None, now=NOW)
    assert when == NOW + wait
    assert "HTTP 503" in why


def test_retry_after_wins_over_the_interval_but_never_shortens_it() -> None:
    late = NOW + timedelta(hours=5)
    assert next_poll(SOURCE, (poll("parked"),), failures=1, parked_until=late, now=NOW)[0] == late
    soon = NOW + timedelta(seconds=20)
    assert next_poll(SOURCE, (poll("ok"),), failures=0, parked_until=soon, now=NOW)[0] == NOW + timedelta(minutes=30)


def test_an_interval_longer_than_the_back_off_is_kept() -> None:
    weekly = Source(name="a", title="A", home="https://a.example/", every=7 * 86400)
    when, _ = next_poll(weekly, (poll("failed"),), failures=4, parked_until=None, now=NOW)
    assert when == NOW + timedelta(days=7)


@pytest.mark.parametrize(
    ("seconds", "said"), [(5, "5 s"), (90, "90 s"), (1800, "30 min"), (7200, "2 h"), (86400, "1 d")]
)
def test_spans_are_said_as_people_say_them(seconds: int, said: str) -> None:
    assert words(timedelta(seconds=seconds)) == said
