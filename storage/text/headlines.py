"""The headlines that a page declares, and when another of them is an edit; pure.

A page says its headline in several places: its heading, its metas, its data, its tab. A publisher who edits it
does not edit it everywhere at once. So it is an edit where a place says now what no place said before. What
templates do to headlines is none: a place that comes or goes, a name put behind it, a counter before it, its
end cut off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from storage.identity import fold_text

Headlines = tuple[tuple[str, str], ...]
"""(place, words) pairs: first the title, whose place is the empty one, then what each place says."""
HEADING_PLACE = "heading"
MIN_HEADLINE_SIMILARITY = 0.5
"""Two headlines with this share of their characters in common may be wordings of one."""
_ELLIPSES = ("…", "...")
_SEPARATOR = re.compile(r"\s*(?:[|｜·•»«›:/–—]|-\s)")


def find_new_headline(before: Headlines, after: Headlines) -> str:
    """The headline that a page says now and did not say before; empty for none."""
    if before == after:
        return ""
    said = dict(before[1:] if len(before) > 1 and len(after) > 1 else before[:1])
    known = {_fold_headline(words): words for _, words in before if _fold_headline(words)}
    title = _fold_headline(before[0][1]) if before else ""
    for place, words in after if said else ():
        if (
            place in said
            and _fold_headline(words) not in known
            and not (place != HEADING_PLACE and _is_template_variation(words, known))
        ):
            is_title = place == HEADING_PLACE or _fold_headline(said[place]) == title
            if is_title or _is_similar(_fold_headline(words), known):
                return words
    return ""


def choose_headline(current: str, before: Headlines, after: Headlines) -> str:
    """What an article is headed by after a reading: what is new, else `current` while it is said, or the title."""
    if found := find_new_headline(before, after):
        return found
    is_said = any(_fold_headline(words) == _fold_headline(current) for _, words in after)
    return current if is_said or not after else after[0][1]


def _is_template_variation(words: str, known: Mapping[str, str]) -> bool:
    """Whether it is what a template may make of a known one: a name behind it, a counter before it, its end cut off."""
    plain = _fold_headline(words)
    for other, spelled in known.items():
        if other.startswith(plain) or (plain.startswith(other) and spelled.endswith(_ELLIPSES)):
            return True
        if plain.endswith(other) and not any(map(str.isalpha, plain.removesuffix(other))):
            return True
        if words.casefold().startswith(spelled.casefold()) and _SEPARATOR.match(words, len(spelled)):
            return True
    return False


def _is_similar(plain: str, known: Iterable[str]) -> bool:
    from rapidfuzz.distance import Levenshtein

    return any(
        one in plain or Levenshtein.normalized_similarity(one, plain) >= MIN_HEADLINE_SIMILARITY for one in known
    )


@lru_cache(maxsize=1024)
def _fold_headline(headline: str) -> str:
    return fold_text(headline)
