"""When two articles tell the same text: shingles, a signature to find candidates by, and the decision; pure.

A text's words are compared, not its look: case, width, punctuation and white space make no
difference (`storage.identity.fold_text`). Four words in a row are a shingle; where a script sets no
spaces between words, eight characters are (Chinese, Japanese), or sixteen (Thai and its like).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import islice

from storage.identity import fold_text

MAX_COMPARED_LENGTH = 200_000
"""Characters of a text that are compared; what follows is taken to be like it."""
SIGNATURE_HASHES = 24
"""Hashes in a signature."""
_HASH_BYTES = 5
_SPARE_BITS = 2
MIN_SIMILARITY = 0.6
"""The share of the shorter text's shingles that stand in the other, from which on it is a copy."""
MIN_SHINGLES = 16
"""Shingles from which on two texts can be compared: shorter ones are copies only where they are equal."""
_MIN_ESTIMATE = 0.2
"""Like `ALIKE`, but estimated from two signatures: below it the texts are not looked at."""
_MIN_FIGURES = 10
"""Shingles with a figure, from which on the figures are compared apart: two fillings of a template differ in them."""
_MIN_SHARED_FIGURES = 0.5
"""How well the figures must be shared, as a part of how well all words are."""
_MIN_STAMPS = 4
"""Lines that begin with a clock time, from which on a text is a live blog or a timetable."""
_MIN_SHARED_STAMPS = 0.8
"""The share of such lines that must be the same in both."""

_CJK = re.compile("[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_FIGURE = re.compile(r"(?:^| )\d+(?: |$)")
_STAMP = re.compile(r"^[^\w\n]*(\d{1,2}[:.h]\d{2})(?!\d)", re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSimilarity:
    """How two texts are alike: `similarity` is the share of the shorter one that stands in the other, 0 to 1.

    `kind` says how: `same` words, `near` (about as long as each other), `part` (one is much shorter).
    """

    similarity: float
    kind: str


class ShingledText:
    """A text ready to be compared with others."""

    def __init__(self, text: str) -> None:
        self.text = text[:MAX_COMPARED_LENGTH]

    @cached_property
    def folded_words(self) -> str:
        """The text's words as they are compared."""
        return fold_text(self.text)

    @cached_property
    def shingles(self) -> frozenset[str]:
        """Every run of so many words; the whole text where it has fewer."""
        words, run = _shingle_units(self.folded_words)
        if len(words) <= run:
            return frozenset([" ".join(words)] if words else [])
        return frozenset(map(" ".join, zip(*(islice(words, start, None) for start in range(run)), strict=False)))

    @cached_property
    def figures(self) -> frozenset[str]:
        """The shingles that hold a number."""
        return frozenset(filter(_FIGURE.search, self.shingles)) if _FIGURE.search(self.folded_words) else frozenset()

    @cached_property
    def stamps(self) -> frozenset[str]:
        """The clock times that begin its lines, with the words after them: the entries of a live blog."""
        return frozenset(self.text[found.start() : found.end() + 40] for found in _STAMP.finditer(self.text))


def _shingle_units(words: str) -> tuple[list[str], int]:
    """What shingles are made of, and how many make one."""
    if words.isascii():
        return words.split(), 4
    for script, run in ((_CJK, 8), (_UNSPACED, 16)):
        if 3 * len(script.findall(words)) > len(words):
            return script.sub(r" \g<0> ", words).split(), run
    return words.split(), 4


def compute_signature(text: str) -> bytes:
    """The lowest hashes of a text's shingles, five bytes each, ascending; empty for a text too short to compare.

    The lowest of all are a sample that any two texts draw alike: of a text cut to 40 % two hashes
    in five are among the lowest of both, so that one in common finds it (bottom-k sketch: Broder 1997).
    """
    found = ShingledText(text).shingles
    if len(found) < MIN_SHINGLES:
        return b""
    return b"".join(sorted({_hash_shingle(shingle) for shingle in found})[:SIGNATURE_HASHES])


def _hash_shingle(shingle: str) -> bytes:
    return blake2b(shingle.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES).digest()


def signature_bands(signature: bytes) -> tuple[int, ...]:
    """A signature's hashes as whole numbers below 2**38, ascending."""
    parts = (signature[at : at + _HASH_BYTES] for at in range(0, len(signature), _HASH_BYTES))
    return tuple(dict.fromkeys(int.from_bytes(part) >> _SPARE_BITS for part in parts))


def is_promising(one: Iterable[int], other: Iterable[int]) -> bool:
    """Whether the texts of two signatures may be alike: two shared hashes, or a fair share of the smaller sample."""
    mine, theirs = set(one), set(other)
    reach = min(max(mine, default=-1), max(theirs, default=-1))
    sample = min(sum(value <= reach for value in mine), sum(value <= reach for value in theirs))
    shared = len(mine & theirs)
    return shared > 0 and shared >= _MIN_ESTIMATE * sample


def measure_similarity(one: ShingledText, other: ShingledText) -> TextSimilarity | None:
    """How two texts are alike, or None where neither is a copy of the other; the same both ways."""
    if not one.folded_words or not other.folded_words:
        return None
    if one.folded_words == other.folded_words:
        return TextSimilarity(similarity=1.0, kind="same")
    few, many = sorted((one, other), key=lambda told: (len(told.shingles), told.folded_words))
    length = len(few.shingles)
    if length < MIN_SHINGLES:
        return None
    similarity = len(few.shingles & many.shingles) / length
    if (
        similarity < MIN_SIMILARITY
        or not _has_same_figures(few, many, similarity)
        or not _has_same_entries(one.stamps, other.stamps)
    ):
        return None
    return TextSimilarity(similarity=similarity, kind="near" if length * 1.5 > len(many.shingles) else "part")


def _has_same_figures(few: ShingledText, many: ShingledText, similarity: float) -> bool:
    """Two fillings of one template share its words and not its figures."""
    figures = few.figures
    return len(figures) < _MIN_FIGURES or len(figures & many.figures) >= _MIN_SHARED_FIGURES * similarity * len(figures)


def _has_same_entries(one: frozenset[str], other: frozenset[str]) -> bool:
    """Two states of a live blog share the entries that the older one has; a text without any is no state of one."""
    every = len(one | other)
    return every < _MIN_STAMPS or not one or not other or len(one & other) >= _MIN_SHARED_STAMPS * every
