"""Keys of signature bands in the index, and their packed form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from storage.time_buckets import TimeBuckets

BAND_BITS = 38
"""Bits of a band."""
TIME_BUCKETS = TimeBuckets(span=timedelta(days=64), value_bits=BAND_BITS)
_BAND_BYTES = 5
_UNDATED_BUCKET = 1 << 20
UNDATED_KEYS_START = _UNDATED_BUCKET << BAND_BITS
"""Lowest key of articles that are found at any time; greater than the keys of all real time buckets."""

bucket_keys = TIME_BUCKETS.keys


def undated_bucket_keys(bands: Iterable[int]) -> list[int]:
    """Return the keys under which bands are found at any time."""
    return TIME_BUCKETS.keys_between(bands, _UNDATED_BUCKET, _UNDATED_BUCKET)


def pack_bands(bands: Sequence[int]) -> bytes:
    """Pack bands, five bytes each."""
    return b"".join(band.to_bytes(_BAND_BYTES) for band in bands)


def unpack_bands(data: bytes) -> tuple[int, ...]:
    """Unpack bands that `pack_bands` packed."""
    return tuple(int.from_bytes(data[start : start + _BAND_BYTES]) for start in range(0, len(data), _BAND_BYTES))
