"""Retry-After in seconds, as a date, as nonsense."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.crawl.middlewares import DEFAULT_PARKING, MAX_PARKING, parse_retry_after

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
        ("-5", DEFAULT_PARKING),
        ("1e99", DEFAULT_PARKING),
        ("", DEFAULT_PARKING),
        ("soon", DEFAULT_PARKING),
        ("\u0663", DEFAULT_PARKING),
    ],
)
def test_what_was_said_is_kept_within_bounds(said: str, wait: timedelta) -> None:
    assert parse_retry_after(said, NOW) == NOW + wait


@given(st.text())
def test_nothing_that_a_server_says_crashes_or_parks_for_ever(said: str) -> None:
    assert NOW <= parse_retry_after(said, NOW) <= NOW + MAX_PARKING
