"""How common words are in the archive: counted over its articles, counted further as it grows.

The counts are one row that is read once and kept in memory until it changes. They are a sample that
lags a little behind, by an eighth of the archive at most: what a word weighs hardly moves by that,
and no article pays for more than its own terms.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, bindparam, delete, insert, select

from storage.db.statements import MARKS, Spelled
from storage.db.tables import tellers, term_counts
from storage.stories.packed_terms import BUCKETS, buckets, unpacked

_SUPPOSED = 500
"""Articles that a new archive is taken to have had, in which no word stood: the first ones are not all rare words."""
_RAREST = 0.002
"""Words that fewer articles than this share use are equally rare."""
_LAG = 8
_LONGEST_LAG = 2_000


@dataclass(frozen=True)
class Frequencies:
    """How many of so many `articles` use a word of each bucket; counted up to the article `last_id`."""

    articles: int
    last_id: int
    counts: NDArray[np.int64]

    @cached_property
    def rarity(self) -> NDArray[np.float32]:
        """What a term of each bucket weighs: the logarithm of how many articles there are for one that uses it."""
        share = self.counts / (self.articles + _SUPPOSED)
        weights: NDArray[np.float32] = np.maximum(0.0, -np.log(share + _RAREST)).astype(np.float32)
        return weights


_held: WeakKeyDictionary[Engine, Frequencies] = WeakKeyDictionary()


def frequencies(tx: Connection) -> Frequencies:
    """The frequencies as they are now."""
    counted = _COUNTED.all(tx)
    if not counted:
        return Frequencies(articles=0, last_id=0, counts=np.zeros(BUCKETS, np.int64))
    articles, last_id = counted[0]
    held = _held.get(tx.engine)
    if held is None or (held.articles, held.last_id) != (articles, last_id):
        held = _read(articles, last_id, tx.execute(_COUNTS).scalar_one())
        _held[tx.engine] = held
    return held


def count_up_to(tx: Connection, last_id: int, known: Frequencies) -> None:
    """Count the terms of the articles up to one, if enough have come since it was last done."""
    if last_id - known.last_id < min(max(1, known.articles // _LAG), _LONGEST_LAG):
        return
    counts, articles = known.counts.copy(), known.articles
    for row in tx.execute(_SINCE, {"after": known.last_id, "last": last_id}):
        counts[buckets(unpacked(row.terms))] += 1
        articles += 1
    tx.execute(delete(term_counts))
    tx.execute(_WRITE, {"id": 1, "articles": articles, "last_id": last_id, "counts": _written(counts)})


def _written(counts: NDArray[np.int64]) -> bytes:
    """The buckets that have counts, then their counts."""
    used = np.flatnonzero(counts)
    return zlib.compress(used.astype("<u4").tobytes() + counts[used].astype("<u4").tobytes(), 1)


def _read(articles: int, last_id: int, data: bytes) -> Frequencies:
    used, found = np.frombuffer(zlib.decompress(data), dtype="<u4").reshape(2, -1)
    counts = np.zeros(BUCKETS, np.int64)
    counts[used] = found
    return Frequencies(articles=articles, last_id=last_id, counts=counts)


_COUNTED = Spelled(dict.fromkeys(MARKS, "SELECT articles, last_id FROM term_counts"))
_COUNTS = select(term_counts.c.counts)
_SINCE = select(tellers.c.terms).where(
    tellers.c.article_id > bindparam("after"), tellers.c.article_id <= bindparam("last")
)
_WRITE = insert(term_counts)
