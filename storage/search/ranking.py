"""Which of the found articles answer best: by how they use the words, where, how rare those are, and how fresh it is.

The database is not asked for it: it would count every place of every word before it could say which article is best.
What is ranked is a bounded number of articles, by their true titles and the beginnings of their true texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log

from storage.search.folding import adjacent_pattern, fold_text, match_pattern
from storage.search.index.match import Match

RANKED_CHARACTERS = 4_000
"""Of a text that are looked at: what it is about has been said by then."""
_SATURATION = 1.2
_LENGTH_SHARE = 0.35
_TYPICAL_WORDS = 400
_TITLE_WEIGHT = 2.2
_ADJACENCY_WEIGHT, _MAX_ADJACENT = 0.6, 12
_FRESHNESS_WEIGHT, _FRESHNESS_HALF_LIFE = 0.15, timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankCandidate:
    """An article that was found, with what it is ranked by."""

    row_id: int
    title: str
    text: str
    words: int
    sort_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RankUnit:
    """One thing that was asked for, and how rare it is (`rarity`)."""

    match: Match
    rarity: float = 1.0


def compute_rarity(found: int, articles: int) -> float:
    """What a unit weighs that so many of so many articles hold."""
    return log(1 + articles / (found + 1))


def rank(candidates: Sequence[RankCandidate], sought: Sequence[RankUnit], now: datetime) -> list[int]:
    """Their places, the best first."""
    patterns = [(unit.rarity, re.compile(match_pattern(unit.match))) for unit in sought]
    together = (
        re.compile(adjacent_pattern([unit.match for unit in sought])) if 2 <= len(sought) <= _MAX_ADJACENT else None
    )
    scored = [(-_compute_score(one, patterns, together, now), -one.row_id) for one in candidates]
    return [-row for _, row in sorted(scored)]


def _compute_score(
    one: RankCandidate,
    patterns: Sequence[tuple[float, re.Pattern[str]]],
    together: re.Pattern[str] | None,
    now: datetime,
) -> float:
    title, text = fold_text(one.title), fold_text(one.text[:RANKED_CHARACTERS])
    length = 1 - _LENGTH_SHARE + _LENGTH_SHARE * min(one.words or 1, 4 * _TYPICAL_WORDS) / _TYPICAL_WORDS
    score = 0.0
    for weight, wanted in patterns:
        many = len(wanted.findall(text))
        score += weight * (many * (_SATURATION + 1) / (many + _SATURATION * length))
        if wanted.search(title):
            score += weight * _TITLE_WEIGHT
    if together is not None and patterns:
        mean = sum(weight for weight, _ in patterns) / len(patterns)
        score += mean * _ADJACENCY_WEIGHT * (2 * bool(together.search(title)) + bool(together.search(text)))
    age = max((now - one.sort_time) / _FRESHNESS_HALF_LIFE, 0.0)
    return float(score * (1 + _FRESHNESS_WEIGHT * 0.5 ** min(age, 60.0)))
