"""The terms of an article as they are kept: which words it uses, how much each counts, which stand in its title.

A word is kept as one of 2**20 buckets, four bytes with its count, so that an article takes some
hundred bytes and two articles are compared by arithmetic. Two words in one bucket count as one:
with a hundred words of a million an accident that moves a likeness in its third decimal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BUCKET_BITS = 20
BUCKETS = 1 << BUCKET_BITS
MOST = 160
"""Terms that are kept of one article: those that count most."""
_TITLED = 1 << BUCKET_BITS
_COUNT_SHIFT = BUCKET_BITS + 1
_COUNT_MOST = (1 << (32 - _COUNT_SHIFT)) - 1


@dataclass(frozen=True)
class Terms:
    """Terms that were read back: `buckets`, `counts` and `titled` are arrays of one length, by ascending bucket."""

    buckets: NDArray[np.int64]
    counts: NDArray[np.int64]
    titled: NDArray[np.bool_]


def bucket(word: str) -> int:
    """The bucket of a word, the same on every machine."""
    return crc32(word.encode("utf-8", "surrogatepass")) & (BUCKETS - 1)


def packed(counts: Mapping[str, int], titled: Collection[str]) -> bytes:
    """The words that count most, those of the title before others, as four bytes each."""
    ranked = sorted(counts, key=lambda word: (word not in titled, -counts[word], word))[:MOST]
    found: dict[int, list[int]] = {}
    for word in ranked:
        known = found.setdefault(bucket(word), [0, 0])
        known[0] += counts[word]
        known[1] |= _TITLED if word in titled else 0
    values = [place | mark | min(count, _COUNT_MOST) << _COUNT_SHIFT for place, (count, mark) in sorted(found.items())]
    return np.array(values, dtype="<u4").tobytes()


def unpacked(data: bytes) -> Terms:
    """What `packed` wrote."""
    values = np.frombuffer(data, dtype="<u4").astype(np.int64)
    return Terms(
        buckets=values & (BUCKETS - 1), counts=values >> _COUNT_SHIFT, titled=(values & _TITLED).astype(np.bool_)
    )
