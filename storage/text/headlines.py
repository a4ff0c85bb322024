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

from rapidfuzz.distance import Levenshtein

from storage.identity import folded

Headlines = tuple[tuple[str, str], ...]
"""(place, words) pairs: first the title, whose place is the empty one, then what each place says."""
HEADING = "heading"
ALIKE = 0.5
"""Two headlines with this share of their characters in common may be wordings of one."""
_CUT = ("…", "...")
_APART = re.compile(r"\s*(?:[|｜·•»«›:/–—]|-\s)")


def new_headline(before: Headlines, after: Headlines) -> str:
    """The headline that a page says now and did not say before; empty for none."""
    if before == after:
        return ""
    said = dict(before[1:] if len(before) > 1 and len(after) > 1 else before[:1])
    known = {_plain(words): words for _, words in before if _plain(words)}
    title = _plain(before[0][1]) if before else ""
    for place, words in after if said else ():
        if place in said and _plain(words) not in known and not (place != HEADING and _is_made_of(words, known)):
            is_title = place == HEADING or _plain(said[place]) == title
            if is_title or _is_like(_plain(words), known):
                return words
    return ""


def headline_after(current: str, before: Headlines, after: Headlines) -> str:
    """What an article is headed by after a reading: what is new, else `current` while it is said, or the title."""
    if found := new_headline(before, after):
        return found
    is_said = any(_plain(words) == _plain(current) for _, words in after)
    return current if is_said or not after else after[0][1]


def _is_made_of(words: str, known: Mapping[str, str]) -> bool:
    """Whether it is what a template may make of a known one: a name behind it, a counter before it, its end cut off."""
    plain = _plain(words)
    for other, spelled in known.items():
        if other.startswith(plain) or (plain.startswith(other) and spelled.endswith(_CUT)):
            return True
        if plain.endswith(other) and not any(map(str.isalpha, plain.removesuffix(other))):
            return True
        if words.casefold().startswith(spelled.casefold()) and _APART.match(words, len(spelled)):
            return True
    return False


def _is_like(plain: str, known: Iterable[str]) -> bool:
    return any(one in plain or Levenshtein.normalized_similarity(one, plain) >= ALIKE for one in known)


@lru_cache(maxsize=1024)
def _plain(headline: str) -> str:
    return folded(headline)
