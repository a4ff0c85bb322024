"""How readers' apps name things by the Google Reader API: items, streams, marks and times."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from storage.readers.read_state import EntryState
from storage.readers.streams import StreamPosition
from storage.timestamps import from_microseconds, to_microseconds

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
_MAX_ID = 2**63 - 1
_TIME_SCALES = ((10**11, 1), (10**14, 10**3), (10**17, 10**6))
"""A number below is in seconds, milliseconds, microseconds; a larger one in nanoseconds."""


def format_long_id(article_id: int) -> str:
    """An item's id in full, as feeds have it."""
    return f"{ITEM_PREFIX}{article_id:016x}"


def parse_item_id(text: str) -> int | None:
    """The article that an id names, in full, as 16 hexadecimal digits or as a decimal; None for what is no id."""
    short = text.strip().removeprefix(ITEM_PREFIX)
    try:
        number = int(short, 16 if short != text.strip() or len(short) == 16 else 10)
    except ValueError:
        return None
    return number if 0 < number <= _MAX_ID else None


def normalize_stream_name(name: str) -> str:
    """A stream's name with the user in it as `-`, however an app spells who it is."""
    return _USER_PREFIX.sub("user/-/", name, count=1)


def parse_entry_state(name: str) -> EntryState | None:
    """The mark that a state means, or None."""
    return (
        _ENTRY_STATES.get(normalize_stream_name(name).removeprefix(STATE_PREFIX))
        if normalize_stream_name(name).startswith(STATE_PREFIX)
        else None
    )


def format_entry_states(states: Iterable[EntryState]) -> list[tuple[str, str]]:
    """The states that say so, as (name, label): what is unread is `fresh`."""
    labels = {EntryState.READ: "read", EntryState.UNREAD: "fresh", EntryState.STARRED: "starred"}
    said = set(states)
    return [(f"{STATE_PREFIX}{label}", label) for mark, label in labels.items() if mark in said]


def parse_timestamp(text: str) -> datetime | None:
    """The time that a number spells, in seconds, milliseconds, microseconds or nanoseconds by how large it is."""
    if not (text.isascii() and text.isdigit()) or len(text) > 20:
        return None
    number = int(text)
    scale = next((scale for below, scale in _TIME_SCALES if number < below), 10**9)
    return from_microseconds(number * 1_000_000 // scale)


def format_continuation(cursor: StreamPosition) -> str:
    """What an app gives back to have the next page."""
    return f"{to_microseconds(cursor.arrived_at)}.{cursor.id}"


def parse_continuation(text: str) -> StreamPosition | None:
    """Where a page ended; None for what no page gave: apps send words of their own to have the first."""
    found = _CONTINUATION.fullmatch(text)
    arrived = from_microseconds(int(found[1])) if found else None
    if found is None or arrived is None or int(found[2]) > _MAX_ID:
        return None
    return StreamPosition(arrived_at=arrived, id=int(found[2]))
