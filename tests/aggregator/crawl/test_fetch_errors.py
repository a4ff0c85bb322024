"""Retry-After in seconds, as a date, as nonsense."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.crawl.middlewares import MAX_PARKING, UNSAID_PARKING, parked_until

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("20", timedelta(seconds=20)),
        (" 0 ", timedelta(0)),
        ("99999999999999999999", MAX_PARKING),
        ("Thu, 01 Jan 2026 12:05:00 GMT", timedelta(minutes=5)),
        ("Thu, 01 Jan 2026 11:00:00 GMT", timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_PARKING),
        ("-5", UNSAID_PARKING),
        ("1e99", UNSAID_PARKING),
        ("", UNSAID_PARKING),
        ("soon", UNSAID_PARKING),
        ("\u0663", UNSAID_PARKING),
    ],
)
def test_what_was_said_is_kept_within_bounds(said: str, wait: timedelta) -> None:
    assert parked_until(said, NOW) == NOW + wait


@given(st.text())
def test_nothing_that_a_server_says_crashes_or_parks_for_ever(said: str) -> None:
    assert NOW <= parked_until(said, NOW) <= NOW + MAX_PARKING
