"""Parse RSS 0.9x to 2.0, RDF, Atom 0.3 and 1.0 and JSON Feed to leads; pure, in linear time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from lxml import etree

from spiders.parse.charset import decode
from spiders.parse.dates import order_newest_first
from spiders.parse.feed_entry import find_entry_time, read_entry, read_feed_metadata
from spiders.parse.jsonfeed import read_json
from spiders.parse.xml_names import element_key
from spiders.parse.xml_repair import MarkupError, XmlDocument, gunzip, is_html, parse_xml
from storage.model.page import ContentError, ParsedIndex

_FEED_ELEMENTS = frozenset(("rss", "rdf", "channel", "feed", "atom:feed", "entry", "atom:entry", "item"))
_ENTRY_ELEMENTS = frozenset(("item", "entry", "atom:entry", "atom:item"))
_ENTRY_TAGS = ("{*}item", "{*}entry", "{*}Item", "atom:entry")
MAX_CONSIDERED = 100_000
"""Number of entries among which the newest are selected; further ones are only counted."""


def read_feed(
    body: bytes, url: str, *, charset: str = "", media_type: str = "", limit: int = 1000, now: datetime
) -> ParsedIndex:
    """Return the newest `limit` entries of a feed; never raises.

    `url` is the final URL, `charset` and `media_type` come from HTTP. Entries without a valid URL make no leads: a note
    counts them, `total` does not.
    """
    try:
        text = decode(gunzip(body), charset).lstrip("\ufeff\0 \t\r\n")
    except ContentError as error:
        return ParsedIndex(kind="feed", problem=str(error))
    if not text:
        return ParsedIndex(kind="feed", problem="empty")
    if text[0] in "{[":
        return read_json(text, url, limit=limit, now=now)
    if is_html(text):
        return ParsedIndex(kind="feed", problem="an HTML page, not a feed")
    try:
        return _read_xml(parse_xml(text, url), url, limit, now)
    except MarkupError as error:
        return ParsedIndex(kind="feed", problem=f"not a feed ({media_type or 'no media type'}): {error}")


def _read_xml(document: XmlDocument, url: str, limit: int, now: datetime) -> ParsedIndex:
    feed = next(
        (element for element in document.root.iter(etree.Element) if element_key(str(element.tag)) in _FEED_ELEMENTS),
        None,
    )
    if feed is None:
        name = element_key(str(document.root.tag)).lstrip("?:")[:40]
        problem = document.problem or f"XML, but not a feed: its root is <{name}>"
        return ParsedIndex(kind="feed", problem=problem, notes=document.notes)
    entries = list(islice(_iter_entries(feed), MAX_CONSIDERED))
    total = len(entries) if len(entries) < MAX_CONSIDERED else sum(1 for _ in feed.iter(*_ENTRY_TAGS))
    chosen = order_newest_first([find_entry_time(entry, now) for entry in entries])[:limit]
    parsed = [read_entry(entries[position], url, now) for position in chosen]
    leads = tuple(lead for lead in parsed if lead is not None)
    notes = (f"entries without an address: {len(parsed) - len(leads)}",) if len(leads) < len(parsed) else ()
    title, home, language = read_feed_metadata(feed, url)
    return ParsedIndex(
        kind="feed", title=title, home=home, language=language, leads=leads, total=total - len(parsed) + len(leads),
        problem=document.problem, notes=document.notes + notes, poll_interval=read_update_interval(feed),
    )  # fmt: skip


def _iter_entries(feed: etree._Element) -> Iterator[etree._Element]:
    """Iterate over the entries in order, including nested ones, whose predecessor was only not closed."""
    return (element for element in feed.iter(*_ENTRY_TAGS) if element_key(str(element.tag)) in _ENTRY_ELEMENTS)


_PERIODS = {"hourly": 3600.0, "daily": 86_400.0, "weekly": 604_800.0, "monthly": 2_592_000.0, "yearly": 31_536_000.0}
_WORDPRESS_DEFAULT = ("hourly", 1.0)
"""Values that WordPress writes into every feed, whatever the publisher wants."""
MAX_INTERVAL_SECONDS = 604_800.0
_MAX_DIGITS = 9


def read_update_interval(feed: etree._Element) -> float:
    """Return the update interval that a feed declares in seconds, at most a week; 0 if there is none."""
    intervals = [ttl * 60 for ttl in (_channel_number(feed, "ttl"),) if ttl]
    period, frequency = _channel_text(feed, "updatePeriod").lower(), _channel_number(feed, "updateFrequency") or 1.0
    if period in _PERIODS and (period, frequency) != _WORDPRESS_DEFAULT:
        intervals.append(_PERIODS[period] / frequency)
    return min(max(intervals, default=0.0), MAX_INTERVAL_SECONDS)


def _channel_text(feed: etree._Element, name: str) -> str:
    """Return the text of a child of the feed or its channel, in any namespace."""
    for parent in (feed, *feed.iterchildren("{*}channel", "channel")):
        for child in parent.iterchildren(f"{{*}}{name}"):
            return (child.text or "").strip()[:40]
    return ""


def _channel_number(feed: etree._Element, name: str) -> float:
    text = _channel_text(feed, name)
    return float(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else 0.0
