"""Where in the index the prints of a text lie: a place is a stretch of time, then the print; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from storage.db.tables import EPOCH

_TIME_BUCKET = timedelta(days=64)
"""What one stretch spans; with a window of half of it, two places are asked for each print."""
BAND_BITS = 38
"""Bits of a print."""
_BAND_BYTES = 5
_UNDATED_BUCKET = 1 << 20
UNDATED_KEYS_START = _UNDATED_BUCKET << BAND_BITS
"""The first place beyond all real ones: those lie from here on who may be meant whenever they were told."""


def bucket_keys(marks: Iterable[int], first: datetime, last: datetime) -> list[int]:
    """The places of prints in the stretches of time from `first` to `last`."""
    return bucket_keys_between(marks, time_bucket_at(first), time_bucket_at(last))


def undated_bucket_keys(marks: Iterable[int]) -> list[int]:
    """The places of prints that may be meant at any time."""
    return bucket_keys_between(marks, _UNDATED_BUCKET, _UNDATED_BUCKET)


def bucket_keys_between(marks: Iterable[int], first: int, last: int) -> list[int]:
    """The places of prints in stretches by their numbers."""
    kept = tuple(marks)
    return [(stretch << BAND_BITS) + mark for stretch in range(first, last + 1) for mark in kept]


def time_bucket_at(at: datetime) -> int:
    """The number of the stretch that a time falls into."""
    return (at - EPOCH) // _TIME_BUCKET


def time_bucket_of_key(place: int) -> int:
    """The number of the stretch that a place lies in."""
    return place >> BAND_BITS


def band_of_key(place: int) -> int:
    """The print that lies at a place."""
    return place & ((1 << BAND_BITS) - 1)


def pack_bands(marks: Sequence[int]) -> bytes:
    """Prints as bytes; `unpacked` undoes it."""
    return b"".join(mark.to_bytes(_BAND_BYTES) for mark in marks)


def unpack_bands(data: bytes) -> tuple[int, ...]:
    """Prints that were packed."""
    return tuple(int.from_bytes(data[at : at + _BAND_BYTES]) for at in range(0, len(data), _BAND_BYTES))
