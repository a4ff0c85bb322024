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

from storage.search.labels import indexed
from storage.search.matching import But, Match, Tokens

_CHARACTERS = 4_000
"""Of a text that are looked at: what it is about has been said by then."""
_SATURATION = 1.2
_LENGTH_SHARE = 0.35
_USUAL_WORDS = 400
_IN_TITLE = 2.2
_TOGETHER = 0.6
_FRESH, _FRESH_FOR = 0.15, timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An article that was found, with what it is ranked by."""

    row: int
    title: str
    text: str
    words: int
    dated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One thing that was asked for, and how rare it is (`rarity`)."""

    match: Match
    rarity: float = 1.0


def rarity(found: int, articles: int) -> float:
    """What a unit weighs that so many of so many articles hold."""
    return log(1 + articles / (found + 1))


def ranked(candidates: Sequence[Candidate], sought: Sequence[Unit], now: datetime) -> list[int]:
    """Their places, the best first."""
    patterns = [(unit.rarity, _pattern(unit.match)) for unit in sought]
    together = _in_a_row([unit.match for unit in sought])
    scored = [(-_score(one, patterns, together, now), -one.row) for one in candidates]
    return [-row for _, row in sorted(scored)]


def _score(
    one: Candidate, patterns: Sequence[tuple[float, re.Pattern[str]]], together: re.Pattern[str] | None, now: datetime
) -> float:
    title, text = f" {indexed(one.title)} ", f" {indexed(one.text[:_CHARACTERS])} "
    length = 1 - _LENGTH_SHARE + _LENGTH_SHARE * min(one.words or 1, 4 * _USUAL_WORDS) / _USUAL_WORDS
    score = 0.0
    for weight, pattern in patterns:
        many = len(pattern.findall(text))
        score += weight * (many * (_SATURATION + 1) / (many + _SATURATION * length))
        if pattern.search(title):
            score += weight * _IN_TITLE
    if together is not None and patterns:
        mean = sum(weight for weight, _ in patterns) / len(patterns)
        score += mean * _TOGETHER * (2 * bool(together.search(title)) + bool(together.search(text)))
    age = max((now - one.dated) / _FRESH_FOR, 0.0)
    return float(score * (1 + _FRESH * 0.5 ** min(age, 60.0)))


def _pattern(match: Match) -> re.Pattern[str]:
    return re.compile(f" (?:{_spelled(match)})(?= )")


def _in_a_row(matches: Sequence[Match]) -> re.Pattern[str] | None:
    """All that was asked for, side by side and in order; None for a single thing."""
    if not 2 <= len(matches) <= 12:
        return None
    return re.compile("".join(f" (?:{_spelled(match)})" for match in matches) + "(?= )")


def _spelled(match: Match) -> str:
    if isinstance(match, Tokens):
        return " ".join(re.escape(token) for token in match.tokens) + (r"[^ ]*" if match.prefix else "")
    if isinstance(match, But):
        return _spelled(match.found)
    return "|".join(_spelled(part) for part in match.parts)
