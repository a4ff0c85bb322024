"""Identifiers of the Google Reader API: items, streams, states and times."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from aggregator.web.requests import format_position, parse_position
from storage.model.search import MAX_ID
from storage.readers.read_state import EntryState
from storage.readers.streams import StreamPosition
from storage.timestamps import from_microseconds

ITEM_PREFIX = "tag:google.com,2005:reader/item/"
STATE_PREFIX = "user/-/state/com.google/"
LABEL_PREFIX = "user/-/label/"
FEED_PREFIX = "feed/"
READING_LIST = f"{STATE_PREFIX}reading-list"
_ENTRY_STATES = {
    "read": EntryState.READ,
    "kept-unread": EntryState.UNREAD,
    "unread": EntryState.UNREAD,
    "starred": EntryState.STARRED,
}
_USER_PREFIX = re.compile(r"user/[^/]{1,64}/")
_CONTINUATION = re.compile(r"(\d{1,18})\.(\d{1,19})")
_TIME_SCALES = ((10**11, 1), (10**14, 10**3), (10**17, 10**6))
"""(limit, units per second): a number below the limit is in seconds, milliseconds or microseconds, else nanoseconds."""


def format_long_id(article_id: int) -> str:
    """Return the long form of an article's id."""
    return f"{ITEM_PREFIX}{article_id:016x}"


def parse_item_id(text: str) -> int | None:
    """Return the article id from the long form, 16 hexadecimal digits or a decimal; None if it is invalid."""
    short = text.strip().removeprefix(ITEM_PREFIX)
    try:
        number = int(short, 16 if short != text.strip() or len(short) == 16 else 10)
    except ValueError:
        return None
    return number if 0 < number <= MAX_ID else None


def normalize_stream_name(name: str) -> str:
    """Return a stream's name with `-` as its user."""
    return _USER_PREFIX.sub("user/-/", name, count=1)


def parse_entry_state(name: str) -> EntryState | None:
    """Return the entry state with a stream's name, or None."""
    return (
        _ENTRY_STATES.get(normalize_stream_name(name).removeprefix(STATE_PREFIX))
        if normalize_stream_name(name).startswith(STATE_PREFIX)
        else None
    )


def format_entry_states(states: Iterable[EntryState]) -> list[tuple[str, str]]:
    """Return (name, label) of each state; unread is `fresh`."""
    labels = {EntryState.READ: "read", EntryState.UNREAD: "fresh", EntryState.STARRED: "starred"}
    present = set(states)
    return [(f"{STATE_PREFIX}{label}", label) for state, label in labels.items() if state in present]


def parse_timestamp(text: str) -> datetime | None:
    """Parse a Unix time; its size tells whether it is in seconds, milliseconds, microseconds or nanoseconds."""
    if not (text.isascii() and text.isdigit()) or len(text) > 20:
        return None
    number = int(text)
    scale = next((scale for below, scale in _TIME_SCALES if number < below), 10**9)
    return from_microseconds(number * 1_000_000 // scale)


def format_continuation(cursor: StreamPosition) -> str:
    """Return the text that a client sends back to get the next page."""
    return format_position(cursor.arrived_at, cursor.id)


def parse_continuation(text: str) -> StreamPosition | None:
    """Return the end of the previous page, or None if the text is no continuation: some apps send other words."""
    position = parse_position(_CONTINUATION, text)
    if position is None:
        return None
    arrived_at, (article_id,) = position
    return StreamPosition(arrived_at=arrived_at, id=article_id)
