"""Where in the index the prints of a text lie: a place is a stretch of time, then the print; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from storage.db.tables import EPOCH

_LENGTH = timedelta(days=64)
"""What one stretch spans; with a window of half of it, two places are asked for each print."""
BITS = 38
"""Bits of a print."""
_BYTES = 5
_LATEST = 1 << 20
ANYTIME = _LATEST << BITS
"""The first place beyond all real ones: those lie from here on who may be meant whenever they were told."""


def places(marks: Iterable[int], first: datetime, last: datetime) -> list[int]:
    """The places of prints in the stretches of time from `first` to `last`."""
    return in_stretches(marks, stretch_of(first), stretch_of(last))


def anytime(marks: Iterable[int]) -> list[int]:
    """The places of prints that may be meant at any time."""
    return in_stretches(marks, _LATEST, _LATEST)


def in_stretches(marks: Iterable[int], first: int, last: int) -> list[int]:
    """The places of prints in stretches by their numbers."""
    kept = tuple(marks)
    return [(stretch << BITS) + mark for stretch in range(first, last + 1) for mark in kept]


def stretch_of(at: datetime) -> int:
    """The number of the stretch that a time falls into."""
    return (at - EPOCH) // _LENGTH


def stretch_at(place: int) -> int:
    """The number of the stretch that a place lies in."""
    return place >> BITS


def mark_at(place: int) -> int:
    """The print that lies at a place."""
    return place & ((1 << BITS) - 1)


def packed(marks: Sequence[int]) -> bytes:
    """Prints as bytes; `unpacked` undoes it."""
    return b"".join(mark.to_bytes(_BYTES) for mark in marks)


def unpacked(data: bytes) -> tuple[int, ...]:
    """Prints that were packed."""
    return tuple(int.from_bytes(data[at : at + _BYTES]) for at in range(0, len(data), _BYTES))
