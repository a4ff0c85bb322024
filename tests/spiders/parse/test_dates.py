"""Dates in the formats of indexes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.parse.dates import EARLIEST_DATE, order_newest_first, parse_date

NOW = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("printed", "moment"),
    [
        ("Tue, 03 Jun 2025 14:05:06 +0200", "2025-06-03T12:05:06"),
        ("Tue, 03 Jun 2025 14:05:06 GMT", "2025-06-03T14:05:06"),
        ("Tue, 3 Jun 2025 14:05:06 -0330", "2025-06-03T17:35:06"),
        ("Tue, 03 Jun 25 14:05 EST", "2025-06-03T19:05:00"),
        ("03 Jun 99 14:05 UT", "1999-06-03T14:05:00"),
        ("Tuesday, 03-Jun-25 14:05:06 GMT", "2025-06-03T14:05:06"),
        ("Tue, 03 June 2025 14:05:06 PDT", "2025-06-03T21:05:06"),
        ("Tue, 03 Jun 2025 14:05:06 GMT+02:00", "2025-06-03T12:05:06"),
        ("Di, 03 Jun 2025 10:00:00 MESZ", "2025-06-03T08:00:00"),
        ("Tue Jun  3 14:05:06 CEST 2025", "2025-06-03T12:05:06"),
        ("2025-06-03T14:05:06Z", "2025-06-03T14:05:06"),
        ("2025-06-03t14:05:06z", "2025-06-03T14:05:06"),
        ("2025-06-03T14:05:06.123456789Z", "2025-06-03T14:05:06.123456"),
        ("2025-06-03T14:05:06+02", "2025-06-03T12:05:06"),
        ("2025-06-03T14:05:06 +0200", "2025-06-03T12:05:06"),
        ("2025-06-03T14:05+02:00", "2025-06-03T12:05:00"),
        ("20250603T140506Z", "2025-06-03T14:05:06"),
        ("2025-06-03T24:00:00Z", "2025-06-04T00:00:00"),
        ("2025-06-03T14:05:60Z", "2025-06-03T14:05:59"),
        ("06/03/2025 14:05:06 PST", "2025-06-03T22:05:06"),
    ],
)
def test_date_with_a_zone(printed: str, moment: str):
    assert parse_date(printed, NOW) == (datetime.fromisoformat(moment).replace(tzinfo=UTC), True)


@pytest.mark.parametrize(
    ("printed", "moment"),
    [
        ("2025-06-03", "2025-06-03T00:00"),
        ("2025-06", "2025-06-01T00:00"),
        ("2025-06-03 14:05", "2025-06-03T14:05"),
        ("2025/06/03 14:05:00", "2025-06-03T14:05"),
        ("June 3, 2025 3:04 PM", "2025-06-03T15:04"),
        ("June 3, 2025 12:04 AM", "2025-06-03T00:04"),
        ("03.06.2025", "2025-06-03T00:00"),
        ("3. juni 2025", "2025-06-03T00:00"),
        ("3 juin 2025 10:00", "2025-06-03T10:00"),
        ("3 de junio de 2025", "2025-06-03T00:00"),
        ("ma, 03 kesäkuuta 2025 10:00:00", "2025-06-03T10:00"),
        ("3 июня 2025, 10:00", "2025-06-03T10:00"),
        ("2025年6月3日 10:20", "2025-06-03T10:20"),
        ("2025년 6월 3일", "2025-06-03T00:00"),
        ("Tue Jun  3 14:05:06 2025", "2025-06-03T14:05:06"),
        ("Tue, 03 Jun 2025 14:05:06 XYZ", "2025-06-03T14:05:06"),
    ],
)
def test_date_without_a_zone_is_utc(printed: str, moment: str):
    assert parse_date(printed, NOW) == (datetime.fromisoformat(moment).replace(tzinfo=UTC), False)


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "now",
        "tomorrow",
        "in 3 days",
        "10",
        "1e400",
        "0000-00-00",
        "10000-01-01",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+14:00",
        "1989-12-31T23:59:59Z",
        "2026-09-02T00:00:01Z",
        "2025-13-01",
        "2025-02-30",
        "31 Jun 2025",
        "Mon, 00 Jan 2025 00:00:00 GMT",
        "2025-154",
        "infinity",
        "NaN",
        "3 Foo 2025",
        "99/99/9999",
    ],
)
def test_invalid_dates_are_none(printed: str):
    assert parse_date(printed, NOW) is None


@given(st.text(max_size=200) | st.from_regex(r"\A[0-9A-Za-z:+\-/., TZ]{0,60}\Z"))
def test_any_text_gives_a_date_in_bounds_or_none(printed: str):
    stamp = parse_date(printed, NOW)
    assert stamp is None or EARLIEST_DATE <= stamp.at <= NOW + timedelta(days=1)


@given(st.integers(631_238_400, 1_785_542_400), st.integers(-14 * 60, 14 * 60))
def test_formatted_dates_are_parsed_back(second: int, minutes: int):
    local = datetime.fromtimestamp(second, timezone(timedelta(minutes=minutes)))
    for printed in (format_datetime(local), local.isoformat(), local.isoformat(" "), local.strftime("%Y%m%dT%H%M%S%z")):
        assert parse_date(printed, NOW) == (local, True)


@given(st.lists(st.none() | st.datetimes(timezones=st.just(UTC)), max_size=30))
def test_order_is_a_permutation_with_descending_dates(moments: list[datetime | None]):
    order = order_newest_first(moments)
    assert sorted(order) == list(range(len(moments)))
    dated = [moment for place in order if (moment := moments[place])]
    assert dated == sorted(dated, reverse=True)
