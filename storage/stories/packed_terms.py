"""Pack the terms of an article: its words, their counts, and which of them are in the title.

A word is stored as one of 2**20 buckets, in four bytes with its count and a title flag, so an article takes some
hundred bytes and is compared by array arithmetic. Two words in one bucket count as one, which is rare: with a hundred
words per article it changes a similarity in the third decimal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import TYPE_CHECKING, TypeAlias
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BUCKET_BITS = 20
BUCKETS = 1 << BUCKET_BITS
MAX_TERMS = 160
"""Maximum number of terms stored per article, those with the highest counts."""
_TITLE_FLAG = 1 << BUCKET_BITS
_COUNT_SHIFT = BUCKET_BITS + 1
_MAX_COUNT = (1 << (32 - _COUNT_SHIFT)) - 1

Terms: TypeAlias = "NDArray[np.uint32]"
"""Terms of one article in ascending order of bucket, or of several articles in sequence."""


def word_bucket(word: str) -> int:
    """Return the bucket of a word, which is the same on every machine."""
    return crc32(word.encode("utf-8", "surrogatepass")) & (BUCKETS - 1)


def pack_terms(counts: Mapping[str, int], titled: Collection[str]) -> bytes:
    """Pack the words with the highest counts, those in the title first."""
    import numpy as np

    ranked = sorted(counts, key=lambda word: (word not in titled, -counts[word], word))[:MAX_TERMS]
    packed: dict[int, list[int]] = {}
    for word in ranked:
        count_and_flag = packed.setdefault(word_bucket(word), [0, 0])
        count_and_flag[0] += counts[word]
        count_and_flag[1] |= _TITLE_FLAG if word in titled else 0
    values = [bucket | flag | min(count, _MAX_COUNT) << _COUNT_SHIFT for bucket, (count, flag) in packed.items()]
    return np.array(sorted(values, key=lambda value: value & (BUCKETS - 1)), dtype="<u4").tobytes()


def unpack_terms(data: bytes) -> Terms:
    """Unpack terms that `pack_terms` packed."""
    import numpy as np

    return np.frombuffer(data, dtype="<u4")


def term_buckets(terms: Terms) -> NDArray[np.int64]:
    return (terms & (BUCKETS - 1)).astype("int64")


def counts_of_terms(terms: Terms) -> NDArray[np.int64]:
    return (terms >> _COUNT_SHIFT).astype("int64")


def term_emphasis(terms: Terms) -> NDArray[np.float64]:
    """Return the factor of each term's weight for its count: 1 + ln(count)."""
    emphasis: NDArray[np.float64] = _emphasis_by_count()[terms >> _COUNT_SHIFT]
    return emphasis


@cache
def _emphasis_by_count() -> NDArray[np.float64]:
    import numpy as np

    return np.asarray(1 + np.log(np.maximum(np.arange(_MAX_COUNT + 1), 1)))


def title_flags(terms: Terms) -> NDArray[np.bool_]:
    """Return for each term whether it is in the title."""
    return (terms & _TITLE_FLAG).astype("bool")
