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

from storage.crawl.health import Reading

FEWEST = 30
"""So many articles of a source have to be known before any is called thin."""
RECENT = 60
"""The latest articles, which are weighed against those before them."""
MOST_COMPARED = 500
_TEXT_TELLS, _FACTS_TELL, _CALMS = 8.0, 10.0, 3.0
"""What speaks for a change is told above these, and over below the last: natural logarithms of odds."""
_MOST = 16.0
_LOW = 0.3
"""Once a source grew thin, the ranks of its texts among the usual ones are distributed as Beta(this, 1)."""
_MISSES, _COMMON = 0.9, 0.4
"""How often a broken page misses a fact, and how often the fact may be missing before its loss can be told."""
_RARE, _FURTHEST = 0.01, 3.0


@dataclass(frozen=True, slots=True)
class Thin:
    """`what` grew thin from the article `since_id` on (read at `since`): from `usual` to `now`.

    Of words these are medians, of `title`, `date` and `author` the shares of articles that have none.
    """

    what: str
    since: float
    since_id: int
    usual: float
    now: float


def thinness(readings: Sequence[Reading]) -> list[Thin]:
    """What grew thin among the latest of a source's articles, which come in the order in which they were read."""
    recent = min(RECENT, len(readings) - FEWEST)
    if recent <= 0:
        return []
    past, latest = readings[-recent - MOST_COMPARED : -recent], readings[-recent:]
    found = [_shorter(past, latest)]
    found += [_missing(past, latest, what) for what in ("title", "date", "author")]
    return [one for one in found if one is not None]


def _shorter(past: Sequence[Reading], latest: Sequence[Reading]) -> Thin | None:
    lengths = sorted(one.words for one in past)
    weights = []
    for one in latest:
        rank = (bisect_right(lengths, one.words) + bisect_left(lengths, one.words) + 1) / (2 * len(lengths) + 2)
        weights.append(math.log(_LOW) + (_LOW - 1) * math.log(rank))
    begun = _change(weights, _TEXT_TELLS)
    if begun is None:
        return None
    now = statistics.median(one.words for one in latest[begun:])
    return Thin("text", latest[begun].at, latest[begun].id, statistics.median(one.words for one in past), now)


def _missing(past: Sequence[Reading], latest: Sequence[Reading], what: str) -> Thin | None:
    misses = sum(not getattr(one, what) for one in past)
    usual = max((misses + 0.5) / (len(past) + 1), _RARE)
    if usual > _COMMON:
        return None
    missed, had = math.log(_MISSES / usual), math.log((1 - _MISSES) / (1 - usual))
    begun = _change([had if getattr(one, what) else missed for one in latest], _FACTS_TELL)
    if begun is None:
        return None
    now = sum(not getattr(one, what) for one in latest[begun:]) / len(latest[begun:])
    return Thin(what, latest[begun].at, latest[begun].id, misses / len(past), now)


def _change(weights: Sequence[float], tells: float) -> int | None:
    """Where the change began that is not over yet, or None where none is told."""
    total, begun, told = 0.0, 0, None
    for place, weight in enumerate(weights):
        if total <= 0:
            total, begun = 0.0, place
        total = min(total + weight, _MOST)
        if total > tells and told is None:
            told = begun
        elif total < _CALMS:
            told = None
    return told
