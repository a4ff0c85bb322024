"""How long an answer stays fresh by its own headers: asking sooner may only get the same copy from a cache."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from storage.model.page import Page


def parse_http_date(text: str) -> datetime | None:
    """The moment that a header names, aware; None where it names none."""
    try:
        date = parsedate_to_datetime(text[:100])
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


MAX_FRESHNESS_SECONDS = 3600.0
"""Seconds: publishers set a day for whole sites without thinking of feeds, and a conditional request is cheap."""
_MAX_AGE = re.compile(r"(?:^|[,\s])(?:s-maxage|max-age)\s*=\s*\"?(\d{1,9})", re.IGNORECASE | re.ASCII)
_NO_STORE = re.compile(r"(?:^|[,\s])(?:no-cache|no-store)(?:$|[,\s=])", re.IGNORECASE)


def freshness_seconds(page: Page) -> float:
    """Seconds from Cache-Control, or from Expires where that says nothing; at most an hour, 0 where neither does."""
    control = page.header("cache-control")[:1000]
    if _NO_STORE.search(control):
        return 0.0
    ages = [int(found) for found in _MAX_AGE.findall(control)]
    if ages:
        return min(float(max(ages)), MAX_FRESHNESS_SECONDS)
    expires = parse_http_date(page.header("expires"))
    return min(max((expires - page.fetched_at).total_seconds(), 0.0), MAX_FRESHNESS_SECONDS) if expires else 0.0
