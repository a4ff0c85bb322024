"""Compare texts by shingles, and compute signatures by which similar texts are found.

Case, width, punctuation and white space make no difference (`storage.identity.fold_text`). A shingle is four words in a
row; in scripts without spaces eight characters (Chinese, Japanese) or sixteen (Thai, Lao, Burmese, Khmer).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from hashlib import blake2b
from itertools import islice

from storage.identity import fold_text
from storage.model.similarity import TextSimilarity

MAX_COMPARED_LENGTH = 200_000
"""Maximum number of characters of a text that are compared."""
SIGNATURE_HASHES = 24
"""Maximum number of hashes in a signature."""
_HASH_BYTES = 5
_SPARE_BITS = 2
MIN_SIMILARITY = 0.6
"""Minimum share of the shorter text's shingles that the other text holds too if one is a copy."""
MIN_SHINGLES = 16
"""Minimum number of shingles for a comparison; shorter texts are copies only if they are equal."""
_MIN_ESTIMATE = 0.2
"""Minimum similarity as estimated from two signatures; below it the texts are not compared."""
_MIN_FIGURES = 10
"""Number of shingles with a number, from which on they are compared apart: uses of one template differ in them."""
_MIN_SHARED_FIGURES = 0.5
"""Minimum similarity of the numbers, as a share of the similarity of all words."""
_MIN_STAMPS = 4
"""Number of lines that begin with a clock time, from which on a text is a live blog or a timetable."""
_MIN_SHARED_STAMPS = 0.8
"""Minimum share of such lines that both texts have."""

_CJK = re.compile("[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_FIGURE = re.compile(r"(?:^| )\d+(?: |$)")
_STAMP = re.compile(r"^[^\w\n]*(\d{1,2}[:.h]\d{2})(?!\d)", re.M)


class ShingledText:
    """A text with its shingles, computed when needed."""

    def __init__(self, text: str) -> None:
        self.text = text[:MAX_COMPARED_LENGTH]

    @cached_property
    def folded_words(self) -> str:
        """The text in the form in which words are compared."""
        return fold_text(self.text)

    @cached_property
    def shingles(self) -> frozenset[str]:
        """Every shingle of the text; the whole text if it is shorter than a shingle."""
        words, run = _shingle_units(self.folded_words)
        if len(words) <= run:
            return frozenset([" ".join(words)] if words else [])
        return frozenset(map(" ".join, zip(*(islice(words, start, None) for start in range(run)), strict=False)))

    @cached_property
    def figures(self) -> frozenset[str]:
        """The shingles that contain a number."""
        return frozenset(filter(_FIGURE.search, self.shingles)) if _FIGURE.search(self.folded_words) else frozenset()

    @cached_property
    def stamps(self) -> frozenset[str]:
        """The starts of the lines that begin with a clock time: the entries of a live blog."""
        return frozenset(self.text[match.start() : match.end() + 40] for match in _STAMP.finditer(self.text))


def _shingle_units(words: str) -> tuple[list[str], int]:
    """Return the units that shingles consist of, and their number per shingle."""
    if words.isascii():
        return words.split(), 4
    for script, run in ((_CJK, 8), (_UNSPACED, 16)):
        if 3 * len(script.findall(words)) > len(words):
            return script.sub(r" \g<0> ", words).split(), run
    return words.split(), 4


def compute_signature(text: str) -> bytes:
    """Return the lowest hashes of a text's shingles, five bytes each, ascending; empty if the text is too short.

    The lowest hashes are the same sample in any two texts (bottom-k sketch: Broder 1997). If a text is cut to 40 %,
    two in five of its hashes are among the lowest of both versions, and one in common finds the other.
    """
    shingles = ShingledText(text).shingles
    if len(shingles) < MIN_SHINGLES:
        return b""
    return b"".join(sorted({_hash_shingle(shingle) for shingle in shingles})[:SIGNATURE_HASHES])


def _hash_shingle(shingle: str) -> bytes:
    return blake2b(shingle.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES).digest()


def signature_bands(signature: bytes) -> tuple[int, ...]:
    """Return a signature's hashes as integers below 2**38, ascending."""
    parts = (signature[at : at + _HASH_BYTES] for at in range(0, len(signature), _HASH_BYTES))
    return tuple(dict.fromkeys(int.from_bytes(part) >> _SPARE_BITS for part in parts))


def is_promising(first_bands: Iterable[int], second_bands: Iterable[int]) -> bool:
    """Return whether two texts may be similar, estimated from the bands that their signatures share."""
    first, second = set(first_bands), set(second_bands)
    reach = min(max(first, default=-1), max(second, default=-1))
    sample = min(sum(band <= reach for band in first), sum(band <= reach for band in second))
    shared = len(first & second)
    return shared > 0 and shared >= _MIN_ESTIMATE * sample


def measure_similarity(first: ShingledText, second: ShingledText) -> TextSimilarity | None:
    """Return the similarity of two texts, or None if neither is a copy of the other. The order does not matter."""
    if not first.folded_words or not second.folded_words:
        return None
    if first.folded_words == second.folded_words:
        return TextSimilarity(similarity=1.0, kind="same")
    shorter, longer = sorted((first, second), key=lambda text: (len(text.shingles), text.folded_words))
    length = len(shorter.shingles)
    if length < MIN_SHINGLES:
        return None
    similarity = len(shorter.shingles & longer.shingles) / length
    if (
        similarity < MIN_SIMILARITY
        or not _has_same_figures(shorter, longer, similarity)
        or not _has_same_entries(first.stamps, second.stamps)
    ):
        return None
    return TextSimilarity(similarity=similarity, kind="near" if length * 1.5 > len(longer.shingles) else "part")


def _has_same_figures(shorter: ShingledText, longer: ShingledText, similarity: float) -> bool:
    """Return whether enough numbers are shared; two uses of one template share its words but not the numbers."""
    figures = shorter.figures
    if len(figures) < _MIN_FIGURES:
        return True
    return len(figures & longer.figures) >= _MIN_SHARED_FIGURES * similarity * len(figures)


def _has_same_entries(first: frozenset[str], second: frozenset[str]) -> bool:
    """Return whether two texts share the entries of a live blog, or are not both live blogs."""
    total = len(first | second)
    return total < _MIN_STAMPS or not first or not second or len(first & second) >= _MIN_SHARED_STAMPS * total
