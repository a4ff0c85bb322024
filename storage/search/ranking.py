"""Rank candidates by relevance and freshness.

The score is BM25-like: frequency and rarity of the words, with bonuses for words in the title, for adjacent words and
for recent articles. The databases do not compute it, since they would have to score every match. A bounded number of
candidates is ranked instead, by their titles and the beginnings of their texts.
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
"""Number of characters at the beginning of a text that count for its rank."""
_SATURATION = 1.2
_LENGTH_SHARE = 0.35
_TYPICAL_WORDS = 400
_TITLE_WEIGHT = 2.2
_ADJACENCY_WEIGHT, _MAX_ADJACENT = 0.6, 12
_FRESHNESS_WEIGHT, _FRESHNESS_HALF_LIFE = 0.15, timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankCandidate:
    """A matching article with the fields that decide its rank."""

    row_id: int
    title: str
    text: str
    words: int
    sort_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RankUnit:
    """A word or phrase of the query, and its weight: the rarer, the higher."""

    match: Match
    rarity: float = 1.0


def compute_rarity(matching: int, total: int) -> float:
    """Return the weight of a unit that `matching` of `total` articles contain (inverse document frequency)."""
    return log(1 + total / (matching + 1))


def rank(candidates: Sequence[RankCandidate], units: Sequence[RankUnit], now: datetime) -> list[int]:
    """Return the row ids of the candidates, the best first."""
    patterns = [(unit.rarity, re.compile(match_pattern(unit.match))) for unit in units]
    adjacent = (
        re.compile(adjacent_pattern([unit.match for unit in units])) if 2 <= len(units) <= _MAX_ADJACENT else None
    )
    scored = [(-_compute_score(candidate, patterns, adjacent, now), -candidate.row_id) for candidate in candidates]
    return [-negated_id for _, negated_id in sorted(scored)]


def _compute_score(
    candidate: RankCandidate,
    patterns: Sequence[tuple[float, re.Pattern[str]]],
    adjacent: re.Pattern[str] | None,
    now: datetime,
) -> float:
    title, text = fold_text(candidate.title), fold_text(candidate.text[:RANKED_CHARACTERS])
    length = 1 - _LENGTH_SHARE + _LENGTH_SHARE * min(candidate.words or 1, 4 * _TYPICAL_WORDS) / _TYPICAL_WORDS
    score = 0.0
    for weight, pattern in patterns:
        frequency = len(pattern.findall(text))
        score += weight * (frequency * (_SATURATION + 1) / (frequency + _SATURATION * length))
        if pattern.search(title):
            score += weight * _TITLE_WEIGHT
    if adjacent is not None and patterns:
        mean = sum(weight for weight, _ in patterns) / len(patterns)
        score += mean * _ADJACENCY_WEIGHT * (2 * bool(adjacent.search(title)) + bool(adjacent.search(text)))
    age = max((now - candidate.sort_time) / _FRESHNESS_HALF_LIFE, 0.0)
    return float(score * (1 + _FRESHNESS_WEIGHT * 0.5 ** min(age, 60.0)))
