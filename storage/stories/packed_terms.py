"""The terms of an article as they are kept: which words it uses, how much each counts, which stand in its title.

A word is kept as one of 2**20 buckets, in four bytes with its count and a mark for the title, so that an
article takes some hundred bytes and is compared by arithmetic on whole arrays. Two words in one bucket
count as one: with a hundred words of a million an accident that moves a likeness in its third decimal.
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
"""Terms that are kept of one article: those that count most."""
_TITLE_FLAG = 1 << BUCKET_BITS
_COUNT_SHIFT = BUCKET_BITS + 1
_MAX_COUNT = (1 << (32 - _COUNT_SHIFT)) - 1

Terms: TypeAlias = "NDArray[np.uint32]"
"""The terms of one article, or of several one after the other; of one article by ascending bucket."""


def word_bucket(word: str) -> int:
    """The bucket of a word, the same on every machine."""
    return crc32(word.encode("utf-8", "surrogatepass")) & (BUCKETS - 1)


def pack_terms(counts: Mapping[str, int], titled: Collection[str]) -> bytes:
    """The words that count most, those of the title before others."""
    import numpy as np

    ranked = sorted(counts, key=lambda word: (word not in titled, -counts[word], word))[:MAX_TERMS]
    found: dict[int, list[int]] = {}
    for word in ranked:
        known = found.setdefault(word_bucket(word), [0, 0])
        known[0] += counts[word]
        known[1] |= _TITLE_FLAG if word in titled else 0
    values = [place | mark | min(count, _MAX_COUNT) << _COUNT_SHIFT for place, (count, mark) in found.items()]
    return np.array(sorted(values, key=lambda value: value & (BUCKETS - 1)), dtype="<u4").tobytes()


def unpack_terms(data: bytes) -> Terms:
    """What `packed` wrote."""
    import numpy as np

    return np.frombuffer(data, dtype="<u4")


def term_buckets(terms: Terms) -> NDArray[np.int64]:
    """The bucket of each term."""
    return (terms & (BUCKETS - 1)).astype("int64")


def counts_of_terms(terms: Terms) -> NDArray[np.int64]:
    """How much each term counts."""
    return (terms >> _COUNT_SHIFT).astype("int64")


def term_emphasis(terms: Terms) -> NDArray[np.float64]:
    """What using each term so often makes of its weight: one for once, one more for e times as often."""
    found: NDArray[np.float64] = _emphasis_by_count()[terms >> _COUNT_SHIFT]
    return found


@cache
def _emphasis_by_count() -> NDArray[np.float64]:
    import numpy as np

    return np.asarray(1 + np.log(np.maximum(np.arange(_MAX_COUNT + 1), 1)))


def title_flags(terms: Terms) -> NDArray[np.bool_]:
    """Whether each term stands in the title."""
    return (terms & _TITLE_FLAG).astype("bool")
