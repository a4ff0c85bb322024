"""Detect extractions that became shorter or lost fields; pure.

Each article is compared with earlier ones of its source, and the log-likelihood ratios are summed (CUSUM: Page 1954).
Three articles without text in a row weigh as much as eight short ones among twelve.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from storage.crawl.health import ExtractedArticle

MIN_ARTICLES = 30
"""Minimum number of earlier articles of a source."""
MAX_RECENT = 60
"""Maximum number of latest articles that are examined."""
MAX_COMPARED = 500
"""Maximum number of earlier articles that the latest ones are compared with."""
_TEXT_THRESHOLD, _FIELD_THRESHOLD, _END_THRESHOLD = 8.0, 10.0, 3.0
"""Sums of log-likelihood ratios at which a change is found, and below which it is over."""
_MAX_SUM = 16.0
_BETA_SHAPE = 0.3
"""Ranks of shortened texts among the usual lengths are distributed as Beta(_BETA_SHAPE, 1)."""
_BROKEN_MISS_RATE, _MAX_USUAL_MISS_RATE = 0.9, 0.4
"""Share of broken extractions without a field, and the maximum usual share at which its loss can be detected."""
_MIN_USUAL_MISS_RATE = 0.01


@dataclass(frozen=True, slots=True)
class ThinExtraction:
    """A field that extractions lost, from the article `since_article_id` on, first seen at `since`.

    `usual` and `current` are median numbers of words if `field` is "text", else shares of articles without the field.
    """

    field: str
    since: float
    since_article_id: int
    usual: float
    current: float


def find_thin_extraction(extractions: Sequence[ExtractedArticle]) -> list[ThinExtraction]:
    """Return what became shorter or is missing in the latest of a source's articles, given in order of extraction."""
    recent = min(MAX_RECENT, len(extractions) - MIN_ARTICLES)
    if recent <= 0:
        return []
    earlier, latest = extractions[-recent - MAX_COMPARED : -recent], extractions[-recent:]
    changes = [_find_shorter_text(earlier, latest)]
    changes += [_find_missing_field(earlier, latest, field) for field in ("title", "date", "author")]
    return [change for change in changes if change is not None]


def _find_shorter_text(
    earlier: Sequence[ExtractedArticle], latest: Sequence[ExtractedArticle]
) -> ThinExtraction | None:
    lengths = sorted(article.words for article in earlier)
    weights = []
    for article in latest:
        words = article.words
        rank = (bisect_right(lengths, words) + bisect_left(lengths, words) + 1) / (2 * len(lengths) + 2)
        weights.append(math.log(_BETA_SHAPE) + (_BETA_SHAPE - 1) * math.log(rank))
    begin = _find_change(weights, _TEXT_THRESHOLD)
    if begin is None:
        return None
    current = statistics.median(article.words for article in latest[begin:])
    return ThinExtraction("text", latest[begin].first_seen_at, latest[begin].id, statistics.median(lengths), current)


def _find_missing_field(
    earlier: Sequence[ExtractedArticle], latest: Sequence[ExtractedArticle], field: str
) -> ThinExtraction | None:
    misses = sum(not getattr(article, f"has_{field}") for article in earlier)
    usual = max((misses + 0.5) / (len(earlier) + 1), _MIN_USUAL_MISS_RATE)
    if usual > _MAX_USUAL_MISS_RATE:
        return None
    missing, present = math.log(_BROKEN_MISS_RATE / usual), math.log((1 - _BROKEN_MISS_RATE) / (1 - usual))
    weights = [present if getattr(article, f"has_{field}") else missing for article in latest]
    begin = _find_change(weights, _FIELD_THRESHOLD)
    if begin is None:
        return None
    current = sum(not getattr(article, f"has_{field}") for article in latest[begin:]) / len(latest[begin:])
    return ThinExtraction(field, latest[begin].first_seen_at, latest[begin].id, misses / len(earlier), current)


def _find_change(weights: Sequence[float], threshold: float) -> int | None:
    """Return the position at which a change began that still lasts, or None."""
    total, begin, change = 0.0, 0, None
    for position, weight in enumerate(weights):
        if total <= 0:
            total, begin = 0.0, position
        total = min(total + weight, _MAX_SUM)
        if total > threshold and change is None:
            change = begin
        elif total < _END_THRESHOLD:
            change = None
    return change
