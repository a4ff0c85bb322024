"""How readers' apps name things by the Google Reader API: items, streams, marks and times."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from storage.readers.read_state import Mark
from storage.readers.streams import Place
from storage.timestamps import micros, of_micros

ITEM = "tag:google.com,2005:reader/item/"
STATE = "user/-/state/com.google/"
LABEL = "user/-/label/"
FEED = "feed/"
READING_LIST = f"{STATE}reading-list"
_MARKS = {"read": Mark.READ, "kept-unread": Mark.UNREAD, "unread": Mark.UNREAD, "starred": Mark.STARRED}
_USER = re.compile(r"user/[^/]{1,64}/")
_PLACE = re.compile(r"(\d{1,18})\.(\d{1,19})")
_LARGEST = 2**63 - 1
_SCALES = ((10**11, 1), (10**14, 10**3), (10**17, 10**6))
"""A number below is in seconds, milliseconds, microseconds; a larger one in nanoseconds."""


def long_id(article_id: int) -> str:
    """An item's id in full, as feeds have it."""
    return f"{ITEM}{article_id:016x}"


def item_id(text: str) -> int | None:
    """The article that an id names, in full, as 16 hexadecimal digits or as a decimal; None for what is no id."""
    short = text.strip().removeprefix(ITEM)
    try:
        number = int(short, 16 if short != text.strip() or len(short) == 16 else 10)
    except ValueError:
        return None
    return number if 0 < number <= _LARGEST else None


def plain(name: str) -> str:
    """A stream's name with the user in it as `-`, however an app spells who it is."""
    return _USER.sub("user/-/", name, count=1)


def mark_named(name: str) -> Mark | None:
    """The mark that a state means, or None."""
    return _MARKS.get(plain(name).removeprefix(STATE)) if plain(name).startswith(STATE) else None


def states_of(marks: Iterable[Mark]) -> list[tuple[str, str]]:
    """The states that say so, as (name, label): what is unread is `fresh`."""
    labels = {Mark.READ: "read", Mark.UNREAD: "fresh", Mark.STARRED: "starred"}
    said = set(marks)
    return [(f"{STATE}{label}", label) for mark, label in labels.items() if mark in said]


def stamped(text: str) -> datetime | None:
    """The time that a number spells, in seconds, milliseconds, microseconds or nanoseconds by how large it is."""
    if not (text.isascii() and text.isdigit()) or len(text) > 20:
        return None
    number = int(text)
    scale = next((scale for below, scale in _SCALES if number < below), 10**9)
    return of_micros(number * 1_000_000 // scale)


def spell_place(place: Place) -> str:
    """What an app gives back to have the next page."""
    return f"{micros(place.arrived)}.{place.id}"


def read_place(text: str) -> Place | None:
    """Where a page ended; None for what no page gave: apps send words of their own to have the first."""
    found = _PLACE.fullmatch(text)
    arrived = of_micros(int(found[1])) if found else None
    if found is None or arrived is None or int(found[2]) > _LARGEST:
        return None
    return Place(arrived=arrived, id=int(found[2]))
