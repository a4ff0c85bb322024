"""How far apart a feed asks to be read: RSS `ttl`; `updatePeriod` and `updateFrequency` of the syndication module."""

from __future__ import annotations

from lxml import etree

_PERIODS = {"hourly": 3600.0, "daily": 86_400.0, "weekly": 604_800.0, "monthly": 2_592_000.0, "yearly": 31_536_000.0}
_DEFAULT = ("hourly", 1.0)
"""What WordPress writes into every feed: it is no wish of the publisher's."""
LONGEST = 604_800.0
_DIGITS = 9


def asked_interval(feed: etree._Element) -> float:
    """Seconds, at most a week; 0 where nothing usable is said."""
    said = [ttl * 60 for ttl in (_number(feed, "ttl"),) if ttl]
    period, frequency = _text(feed, "updatePeriod").lower(), _number(feed, "updateFrequency") or 1.0
    if period in _PERIODS and (period, frequency) != _DEFAULT:
        said.append(_PERIODS[period] / frequency)
    return min(max(said, default=0.0), LONGEST)


def _text(feed: etree._Element, name: str) -> str:
    """Of the feed itself or of its channel, in whatever namespace."""
    for parent in (feed, *feed.iterchildren("{*}channel", "channel")):
        for child in parent.iterchildren(f"{{*}}{name}"):
            return (child.text or "").strip()[:40]
    return ""


def _number(feed: etree._Element, name: str) -> float:
    text = _text(feed, name)
    return float(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0.0
