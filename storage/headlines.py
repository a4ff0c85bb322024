"""The headlines that a page declares: in its text, its metas, its data, its tab; pure.

A publisher who edits a headline does not edit it everywhere at once. So it is an edit where a page says a
headline, at any of these places, that it said at none before. What templates do to headlines is none: the
site's name or a section put behind it, a counter before it, its end cut off, another of those known taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from storage.identity import folded

ALIKE = 0.5
"""Two headlines with this share of their characters in common may be wordings of one."""


def new_headline(before: Sequence[str], after: Sequence[str]) -> str:
    """The headline that a page says now and did not say before, empty for none; the first of each is the shown one."""
    known = [_plain(one) for one in before]
    if not after or after[0] in before or _plain(after[0]) in known:
        return next((one for one in after[1:] if _is_another(_plain(one), known)), "")
    return after[0]


def compared(before: Sequence[str], after: Sequence[str]) -> tuple[str, str]:
    """The headlines by which two readings differ: twice the same where they do not."""
    shown = before[0] if before else ""
    return shown, new_headline(before, after) or shown


def _is_another(plain: str, known: Sequence[str]) -> bool:
    """Whether a headline is another wording of one of those known, and none that a template makes of it."""
    if any(plain.startswith(one) or one.startswith(plain) for one in known):
        return False
    if any(plain.endswith(one) and not any(map(str.isalpha, plain.removesuffix(one))) for one in known):
        return False
    return any(one in plain or Levenshtein.normalized_similarity(one, plain) >= ALIKE for one in known if one)


@lru_cache(maxsize=1024)
def _plain(headline: str) -> str:
    return folded(headline)
