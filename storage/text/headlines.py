"""Recognise edits of a headline among the headlines that a page declares.

A page declares its headline in several places: heading, meta elements, JSON-LD, title element. Publishers do not edit
all of them at once. An edit is a headline in one place that no place had before. Template variations are no edits:
a place that appears or disappears, a site name behind the headline, a counter before it, a cut-off end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from storage.identity import fold_text

Headlines = tuple[tuple[str, str], ...]
"""(place, headline) pairs: first the title, with an empty place, then the headline of each place."""
HEADING_PLACE = "heading"
MIN_HEADLINE_SIMILARITY = 0.5
"""Minimum similarity of two versions of one headline (normalised Levenshtein)."""
_ELLIPSES = ("…", "...")
_SEPARATOR = re.compile(r"\s*(?:[|｜·•»«›:/–—]|-\s)")


def find_new_headline(before: Headlines, after: Headlines) -> str:
    """Return the headline that the page declares now and did not declare before, or an empty string."""
    if before == after:
        return ""
    previous = dict(before[1:] if len(before) > 1 and len(after) > 1 else before[:1])
    known = {_fold_headline(words): words for _, words in before if _fold_headline(words)}
    title = _fold_headline(before[0][1]) if before else ""
    for place, words in after if previous else ():
        if (
            place in previous
            and _fold_headline(words) not in known
            and not (place != HEADING_PLACE and _is_template_variation(words, known))
        ):
            is_title = place == HEADING_PLACE or _fold_headline(previous[place]) == title
            if is_title or _is_similar(_fold_headline(words), known):
                return words
    return ""


def choose_headline(current: str, before: Headlines, after: Headlines) -> str:
    """Return the article's headline after a fetch.

    A new headline wins; `current` stays while any place declares it; otherwise the title is returned.
    """
    if new_headline := find_new_headline(before, after):
        return new_headline
    is_declared = any(_fold_headline(words) == _fold_headline(current) for _, words in after)
    return current if is_declared or not after else after[0][1]


def _is_template_variation(words: str, known: Mapping[str, str]) -> bool:
    """Return True for a known headline with a name behind it, a counter before it, or its end cut off."""
    plain = _fold_headline(words)
    for folded, headline in known.items():
        if folded.startswith(plain) or (plain.startswith(folded) and headline.endswith(_ELLIPSES)):
            return True
        if plain.endswith(folded) and not any(map(str.isalpha, plain.removesuffix(folded))):
            return True
        if words.casefold().startswith(headline.casefold()) and _SEPARATOR.match(words, len(headline)):
            return True
    return False


def _is_similar(plain: str, known: Iterable[str]) -> bool:
    from rapidfuzz.distance import Levenshtein

    return any(
        headline in plain or Levenshtein.normalized_similarity(headline, plain) >= MIN_HEADLINE_SIMILARITY
        for headline in known
    )


@lru_cache(maxsize=1024)
def _fold_headline(headline: str) -> str:
    return fold_text(headline)
