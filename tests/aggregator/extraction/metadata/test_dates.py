"""Printed dates in many spellings and zones are parsed; invalid dates are None."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.extraction.metadata.dates import parse_date

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "at", "day", "zone_known"),
    [
        ("2025-03-04T09:30:00+01:00", "2025-03-04T08:30", "2025-03-04", True),
        ("2025-03-04T23:30:00-05:00", "2025-03-05T04:30", "2025-03-04", True),
        ("2025-03-04T09:30:00.123456789Z", "2025-03-04T09:30", "2025-03-04", True),
        ("2025-03-04 09:30:00", "2025-03-04T09:30", "2025-03-04", False),
        ("2025-03-04T09:30-0500", "2025-03-04T14:30", "2025-03-04", True),
        ("20250304T093000Z", "2025-03-04T09:30", "2025-03-04", None),
        ("2025-03-04", "2025-03-04T00:00", "2025-03-04", False),
        ("Tue, 04 Mar 2025 09:30:00 GMT", "2025-03-04T09:30", "2025-03-04", True),
        ("Tue, 04 Mar 2025 09:30:00 +0530", "2025-03-04T04:00", "2025-03-04", True),
        ("March 4, 2025 9:30 PM EST", "2025-03-05T02:30", "2025-03-04", True),
        ("Veröffentlicht am 4. März 2025, 9:30 Uhr", "2025-03-04T09:30", "2025-03-04", False),
        ("Publié le 1er août 2025 à 7h05", "2025-08-01T07:05", "2025-08-01", False),
        ("4 de marzo de 2025", "2025-03-04T00:00", "2025-03-04", False),
        ("4 марта 2025, 18:05", "2025-03-04T18:05", "2025-03-04", False),
        ("2025年3月4日 18:05", "2025-03-04T18:05", "2025-03-04", False),
        ("04.03.2025 18:05", "2025-03-04T18:05", "2025-03-04", False),
        ("1741080600", "2025-03-04T09:30", "2025-03-04", True),
        ("1741080600000", "2025-03-04T09:30", "2025-03-04", True),
    ],
)
def test_date_is_parsed_with_its_printed_day(raw: str, at: str, day: str, zone_known: bool | None) -> None:
    date = parse_date(raw, latest=NOW)
    assert date is not None
    assert date.at == datetime.fromisoformat(at).replace(tzinfo=UTC, second=date.at.second, microsecond=0)
    assert date.day == day
    assert zone_known is None or date.has_zone is zone_known


def test_date_without_zone_is_in_the_zone_of_the_source() -> None:
    date = parse_date("2025-07-04 00:30", zone="Europe/Oslo", latest=NOW)
    assert date is not None
    assert (date.at, date.day, date.has_zone) == (datetime(2025, 7, 3, 22, 30, tzinfo=UTC), "2025-07-04", False)


def test_day_first_decides_the_order_of_day_and_month() -> None:
    assert parse_date("03/04/2025", day_first=True).day == "2025-04-03"  # type: ignore[union-attr]
    assert parse_date("03/04/2025", day_first=False).day == "2025-03-04"  # type: ignore[union-attr]
    assert parse_date("25/12/2024", day_first=False).day == "2024-12-25"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "raw",
    [
        "9999-12-31T23:59:59-12:00",
        "0000-01-01",
        "10000-01-01",
        "1e400",
        "tomorrow",
        "2038-01-19",
        "1989-12-31",
        "2025-02-30",
        "",
        "2025",
        "-5",
    ],
)
def test_impossible_date_is_none(raw: str) -> None:
    assert parse_date(raw, latest=NOW) is None


@given(st.text(max_size=80))
def test_any_text_is_parsed_without_error(raw: str) -> None:
    date = parse_date(raw, latest=NOW)
    assert date is None or date.at.tzinfo is not None


@given(st.integers(631_238_400, 1_780_000_000))
def test_iso_date_is_parsed_exactly(seconds: int) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    date = parse_date(at.isoformat(), latest=NOW)
    assert date is not None
    assert date.at == at
