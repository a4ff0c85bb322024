"""HTTP dates and the freshness lifetime of a response (RFC 9110, RFC 9111)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from storage.model.page import Page


def parse_http_date(text: str) -> datetime | None:
    """Return the time of a header such as Expires, aware, or None if it is no date."""
    try:
        date = parsedate_to_datetime(text[:100])
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


MAX_FRESHNESS_SECONDS = 3600.0
"""Upper limit, because many publishers set one lifetime of a day for pages and feeds alike."""
_MAX_AGE = re.compile(r"(?:^|[,\s])(?:s-maxage|max-age)\s*=\s*\"?(\d{1,9})", re.IGNORECASE | re.ASCII)
_NO_STORE = re.compile(r"(?:^|[,\s])(?:no-cache|no-store)(?:$|[,\s=])", re.IGNORECASE)


def freshness_seconds(page: Page) -> float:
    """Return the lifetime in seconds by Cache-Control, else by Expires, at most an hour; 0 without either."""
    control = page.header("cache-control")[:1000]
    if _NO_STORE.search(control):
        return 0.0
    ages = [int(seconds) for seconds in _MAX_AGE.findall(control)]
    if ages:
        return min(float(max(ages)), MAX_FRESHNESS_SECONDS)
    expires = parse_http_date(page.header("expires"))
    return min(max((expires - page.fetched_at).total_seconds(), 0.0), MAX_FRESHNESS_SECONDS) if expires else 0.0
