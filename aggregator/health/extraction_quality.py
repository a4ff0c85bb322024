"""Whether what is read from a source's pages grew thin: shorter, or without titles, dates or authors; pure.

Each article is weighed against the source's own past. The weights are summed while they speak for a change (a CUSUM),
so that three bare articles in a row tell as much as eight poor ones among twelve.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from storage.crawl.health import ExtractedArticle

MIN_ARTICLES = 30
"""So many articles of a source have to be known before any is called thin."""
MAX_RECENT = 60
"""The latest articles, which are weighed against those before them."""
MAX_COMPARED = 500
_TEXT_THRESHOLD, _FIELD_THRESHOLD, _END_THRESHOLD = 8.0, 10.0, 3.0
"""What speaks for a change is told above these, and over below the last: natural logarithms of odds."""
_MAX_SUM = 16.0
_BETA_SHAPE = 0.3
"""Once a source grew thin, the ranks of its texts among the usual ones are distributed as Beta(this, 1)."""
_BROKEN_MISS_RATE, _MAX_USUAL_MISS_RATE = 0.9, 0.4
"""How often a broken page misses a fact, and how often the fact may be missing before its loss can be told."""
_MIN_USUAL_MISS_RATE = 0.01


@dataclass(frozen=True, slots=True)
class ThinExtraction:
    """`what` grew thin from the article `since_id` on (read at `since`): from `usual` to `now`.

    Of words these are medians, of `title`, `date` and `author` the shares of articles that have none.
    """

    field: str
    since: float
    since_article_id: int
    usual: float
    current: float


def find_thin_extraction(extractions: Sequence[ExtractedArticle]) -> list[ThinExtraction]:
    """What grew thin among the latest of a source's articles, which come in the order in which they were read."""
    recent = min(MAX_RECENT, len(extractions) - MIN_ARTICLES)
    if recent <= 0:
        return []
    past, latest = extractions[-recent - MAX_COMPARED : -recent], extractions[-recent:]
    found = [_find_shorter_text(past, latest)]
    found += [_find_missing_field(past, latest, what) for what in ("title", "date", "author")]
    return [one for one in found if one is not None]


def _find_shorter_text(
    earlier: Sequence[ExtractedArticle], latest: Sequence[ExtractedArticle]
) -> ThinExtraction | None:
    lengths = sorted(one.words for one in earlier)
    weights = []
    for one in latest:
        rank = (bisect_right(lengths, one.words) + bisect_left(lengths, one.words) + 1) / (2 * len(lengths) + 2)
        weights.append(math.log(_BETA_SHAPE) + (_BETA_SHAPE - 1) * math.log(rank))
    begun = _find_change(weights, _TEXT_THRESHOLD)
    if begun is None:
        return None
    now = statistics.median(one.words for one in latest[begun:])
    return ThinExtraction(
        "text", latest[begun].first_seen_at, latest[begun].id, statistics.median(one.words for one in earlier), now
    )


def _find_missing_field(
    earlier: Sequence[ExtractedArticle], latest: Sequence[ExtractedArticle], field: str
) -> ThinExtraction | None:
    misses = sum(not getattr(one, f"has_{field}") for one in earlier)
    usual = max((misses + 0.5) / (len(earlier) + 1), _MIN_USUAL_MISS_RATE)
    if usual > _MAX_USUAL_MISS_RATE:
        return None
    missed, had = math.log(_BROKEN_MISS_RATE / usual), math.log((1 - _BROKEN_MISS_RATE) / (1 - usual))
    begun = _find_change([had if getattr(one, f"has_{field}") else missed for one in latest], _FIELD_THRESHOLD)
    if begun is None:
        return None
    now = sum(not getattr(one, f"has_{field}") for one in latest[begun:]) / len(latest[begun:])
    return ThinExtraction(field, latest[begun].first_seen_at, latest[begun].id, misses / len(earlier), now)


def _find_change(weights: Sequence[float], threshold: float) -> int | None:
    """Where the change began that is not over yet, or None where none is told."""
    total, begun, told = 0.0, 0, None
    for place, weight in enumerate(weights):
        if total <= 0:
            total, begun = 0.0, place
        total = min(total + weight, _MAX_SUM)
        if total > threshold and told is None:
            told = begun
        elif total < _END_THRESHOLD:
            told = None
    return told
