"""Count in how many articles of the archive each term occurs.

The counts are one row, which is cached in memory until it changes. They lag behind by at most an eighth of the archive,
which hardly changes a term's weight and keeps the cost per article low.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select

from storage.db.statements import PLACEHOLDERS, RawStatement
from storage.db.tables import story_members, term_counts
from storage.stories.packed_terms import BUCKETS, term_buckets, unpack_terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ASSUMED_ARTICLES = 500
"""Number of assumed articles without words, so that the words of a new archive are not all taken for rare."""
_MIN_SHARE = 0.002
"""Share of articles below which all words are equally rare."""
_LAG_DIVISOR = 8
_MAX_LAG = 2_000


@dataclass(frozen=True)
class TermFrequencies:
    """Number of articles with a word of each bucket, among `articles` in total, counted up to the id `last_id`."""

    articles: int
    last_id: int
    counts: NDArray[np.int64]

    @cached_property
    def rarity(self) -> NDArray[np.float32]:
        """Weight of a term of each bucket: the negative logarithm of the share of articles that use it (IDF)."""
        import numpy as np

        share = self.counts / (self.articles + _ASSUMED_ARTICLES)
        weights: NDArray[np.float32] = np.maximum(0.0, -np.log(share + _MIN_SHARE)).astype(np.float32)
        return weights


_cache: WeakKeyDictionary[Engine, TermFrequencies] = WeakKeyDictionary()


def load_frequencies(tx: Connection) -> TermFrequencies:
    import numpy as np

    counted = _SELECT_COUNTED.all(tx)
    if not counted:
        return TermFrequencies(articles=0, last_id=0, counts=np.zeros(BUCKETS, np.int64))
    articles, last_id = counted[0]
    cached = _cache.get(tx.engine)
    if cached is None or (cached.articles, cached.last_id) != (articles, last_id):
        cached = _decode_frequencies(articles, last_id, tx.execute(_SELECT_COUNTS).scalar_one())
        _cache[tx.engine] = cached
    return cached


def update_frequencies(tx: Connection, last_id: int, known: TermFrequencies) -> None:
    """Count the terms of articles up to `last_id` if enough were stored since the last count."""
    if last_id - known.last_id < min(max(1, known.articles // _LAG_DIVISOR), _MAX_LAG):
        return
    counts, articles = known.counts.copy(), known.articles
    for row in tx.execute(_SELECT_TERMS_SINCE, {"after": known.last_id, "last": last_id}):
        counts[term_buckets(unpack_terms(row.terms))] += 1
        articles += 1
    tx.execute(delete(term_counts))
    tx.execute(_INSERT_COUNTS, {"id": 1, "articles": articles, "last_id": last_id, "counts": _encode_counts(counts)})


def _encode_counts(counts: NDArray[np.int64]) -> bytes:
    """Encode the used buckets followed by their counts, compressed."""
    import numpy as np

    used = np.flatnonzero(counts)
    return zlib.compress(used.astype("<u4").tobytes() + counts[used].astype("<u4").tobytes(), 1)


def _decode_frequencies(articles: int, last_id: int, data: bytes) -> TermFrequencies:
    import numpy as np

    used, used_counts = np.frombuffer(zlib.decompress(data), dtype="<u4").reshape(2, -1)
    counts = np.zeros(BUCKETS, np.int64)
    counts[used] = used_counts
    return TermFrequencies(articles=articles, last_id=last_id, counts=counts)


_SELECT_COUNTED = RawStatement(dict.fromkeys(PLACEHOLDERS, "SELECT articles, last_id FROM term_counts"))
_SELECT_COUNTS = select(term_counts.c.counts)
_SELECT_TERMS_SINCE = select(story_members.c.terms).where(
    story_members.c.article_id > bindparam("after"), story_members.c.article_id <= bindparam("last")
)
_INSERT_COUNTS = insert(term_counts)
