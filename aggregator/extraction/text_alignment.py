"""Align a copy of a text with the text, and find the places that the copy has in other words.

The copy is aligned by runs of equal words. A short gap between two runs that follow each other in both is one place in
two wordings. Copies join paragraphs, leave headings out and insert lines between paragraphs; these are no differences
of wording.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from rapidfuzz.distance import Levenshtein

from storage.text.characters import COMBINING_MARKS, EAST_ASIAN

MAX_WORDS = 50_000
"""Maximum number of words of a text, and of a copy, that are compared."""
RUN_LENGTH = 3
"""Minimum number of equal words in a row."""
_MIN_DISTANT_RUN = 8
"""Minimum length of a run that does not continue the previous one."""
_MAX_RUN_POSITIONS = 8
_MIN_CONTEXT_WORDS = 6
"""Minimum number of equal words on both sides of a gap, together."""
_SUFFICIENT_CONTEXT_WORDS = 30
"""A longer gap needs as many equal words as it has itself, but never more than this."""
_MAX_EDIT_WORDS = 40
_MIN_MATCHED_WORDS = 12
_MAX_EDGE_WORDS = 2
_CODE_CHARACTERS = re.compile(r"[{}=<>\\]")
"""Characters of code, which may stand between two strings of a script."""

_UPPER_CASE = "A-Z\u00c0-\u00d6\u00d8-\u00de\u0391-\u03a9\u0410-\u042f"
_LOWER_CASE = rf"(?:[^\W_{EAST_ASIAN}{_UPPER_CASE}{COMBINING_MARKS}]|[{COMBINING_MARKS}])"
# A word also ends between a small letter and a capital, which separates joined paragraphs.
_WORD = re.compile(rf"[{EAST_ASIAN}]|[{_UPPER_CASE}]+(?!{_LOWER_CASE})|[{_UPPER_CASE}]?{_LOWER_CASE}+")
_ASCII_WORD = re.compile(r"[A-Z]+(?![a-z0-9])|[A-Z]?[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Patch:
    """A range of characters of one paragraph, and the text that the copy has there."""

    paragraph: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Match:
    """A run of equal words: `length` words from `copy_start` in the copy and from `text_start` in the text."""

    copy_start: int
    text_start: int
    length: int


@dataclass(frozen=True, slots=True)
class _Gap:
    """A range of words of the text, and the range of words that the copy has in its place."""

    text_start: int
    text_end: int
    copy_start: int
    copy_end: int


@dataclass
class TextAligner:
    """A text with its words, the paragraph of each word, and the positions of each run of three words.

    `matched_paragraphs` are those of which a copy had most words, or at least a dozen.
    """

    paragraphs: Sequence[str]
    words: list[str] = field(default_factory=list)
    paragraph_numbers: list[int] = field(default_factory=list)
    run_positions: dict[tuple[str, ...], list[int]] = field(default_factory=dict)
    matched_paragraphs: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        for number, paragraph in enumerate(self.paragraphs):
            words = split_words(paragraph)[: MAX_WORDS - len(self.words)]
            self.words += words
            self.paragraph_numbers += [number] * len(words)
        for at, run in enumerate(zip(self.words, self.words[1:], self.words[2:], strict=False)):
            known = self.run_positions.setdefault(run, [])
            if len(known) < _MAX_RUN_POSITIONS:
                known.append(at)

    @cached_property
    def paragraph_lengths(self) -> Counter[int]:
        """The number of words of each paragraph."""
        return Counter(self.paragraph_numbers)

    @cached_property
    def word_spans(self) -> list[tuple[int, int]]:
        """Start and end of each word in its paragraph."""
        return [span for paragraph in self.paragraphs for span in find_word_spans(paragraph)]

    def has_start(self, copy: str) -> bool:
        """Return True if the text contains one of the first runs of a copy."""
        return self._has_run(split_words(copy[:200]))

    def find_patches(self, copy: str) -> Iterator[Patch]:
        """Yield a patch for every place that a copy has in other words, and record the paragraphs that it contains."""
        new = split_words(copy)[:MAX_WORDS]
        matches = list(self._find_matches(new))
        matched_words = Counter(
            number
            for match in matches
            for number in self.paragraph_numbers[match.text_start : match.text_start + match.length]
        )
        self.matched_paragraphs.update(
            number
            for number, count in matched_words.items()
            if count >= min(_MIN_MATCHED_WORDS, self.paragraph_lengths[number] // 2 + 1)
        )
        gaps = list(self._find_gaps(new, matches))
        spans = find_word_spans(copy) if gaps else []
        for gap in gaps:
            patch = self._make_patch(spans, copy, gap)
            if not _CODE_CHARACTERS.search(patch.text):
                yield patch

    def _has_run(self, start: Sequence[str]) -> bool:
        return any(
            tuple(start[at : at + RUN_LENGTH]) in self.run_positions
            for at in range(min(2 * RUN_LENGTH, len(start) - RUN_LENGTH + 1))
        )

    def _find_matches(self, new: Sequence[str]) -> Iterator[_Match]:
        """Yield the runs of a copy that the text contains, in the order of the copy."""
        at, behind = 0, -1
        while at + RUN_LENGTH <= len(new):
            match = self._find_match(new, at, behind)
            if match is None:
                at += 1
                continue
            yield match
            at, behind = at + match.length, match.text_start + match.length

    def _find_match(self, new: Sequence[str], at: int, behind: int) -> _Match | None:
        """Return the run that begins at a word of the copy; one near the previous run wins over longer ones."""
        positions = self.run_positions.get(tuple(new[at : at + RUN_LENGTH]), ())
        near = next((position for position in positions if 0 <= position - behind <= _MAX_EDIT_WORDS), None)
        if near is not None and behind >= 0:
            return _Match(at, near, self._measure_match(new, at, near))
        longest = max(
            (_Match(at, position, self._measure_match(new, at, position)) for position in positions),
            key=_get_length,
            default=None,
        )
        return longest if longest and (at == 0 or longest.length >= _MIN_DISTANT_RUN) else None

    def _measure_match(self, new: Sequence[str], at: int, position: int) -> int:
        most = min(len(new) - at, len(self.words) - position)
        return next((n for n in range(RUN_LENGTH, most) if new[at + n] != self.words[position + n]), most)

    def _find_gaps(self, new: Sequence[str], matches: Sequence[_Match]) -> Iterator[_Gap]:
        if not matches:
            return
        first, last = self._gap_at_start(new, matches[0]), self._gap_at_end(new, matches[-1])
        between = [self._gap_between(left, right) for left, right in pairwise(matches)]
        yield from (gap for gap in (first, *between, last) if gap is not None)

    def _gap_between(self, left: _Match, right: _Match) -> _Gap | None:
        """Return the gap between two neighbouring runs if it is small and in one paragraph of the text; else None."""
        gap = _Gap(left.text_start + left.length, right.text_start, left.copy_start + left.length, right.copy_start)
        if not 0 <= gap.text_end - gap.text_start <= _MAX_EDIT_WORDS or not _is_small(gap, left.length + right.length):
            return None
        before, after = self.paragraph_numbers[gap.text_start - 1], self.paragraph_numbers[gap.text_end]
        removed = set(self.paragraph_numbers[gap.text_start : gap.text_end]) or {before, after}
        is_left_out = removed == {after} != {before} and gap.copy_start == gap.copy_end  # as headings are
        return gap if len(removed) == 1 and removed <= {before, after} and not is_left_out else None

    def _gap_at_start(self, new: Sequence[str], match: _Match) -> _Gap | None:
        """Return the gap before the first run: behind equal first words of its paragraph, or a few similar words."""
        word_count, at = match.copy_start, match.text_start
        first = self.paragraph_numbers.index(self.paragraph_numbers[at])
        same = next((n for n in range(min(word_count, at - first)) if new[n] != self.words[first + n]), 0)
        gap = _Gap(first + same, at, same, word_count)
        if same and _is_small(gap, same + match.length):
            return gap
        start = at - word_count
        if 0 < word_count <= min(_MAX_EDGE_WORDS, at) and self._are_similar(new[:word_count], start):
            return None if self.words[start].endswith(new[0]) else _Gap(start, at, 0, word_count)
        return None

    def _gap_at_end(self, new: Sequence[str], match: _Match) -> _Gap | None:
        """Return the gap behind the last run: words added at the end of a paragraph, or a few similar words."""
        at, first = match.text_start + match.length, match.copy_start + match.length
        rest = new[first:]
        if not rest or not _is_small(_Gap(at, at, first, len(new)), match.length):
            return None
        if at == len(self.words) or self.paragraph_numbers[at] != self.paragraph_numbers[at - 1]:
            return None if self._has_run(rest) else _Gap(at, at, first, len(new))
        if len(rest) <= _MAX_EDGE_WORDS and self._are_similar(rest, at):
            is_cut_off = self.words[at + len(rest) - 1].startswith(rest[-1])
            return None if is_cut_off else _Gap(at, at + len(rest), first, len(new))
        return None

    def _are_similar(self, new: Sequence[str], at: int) -> bool:
        """Return True if words of a copy are similar to as many words of one paragraph of the text."""
        end = at + len(new)
        is_in_paragraph = end <= len(self.words) and self.paragraph_numbers[at] == self.paragraph_numbers[end - 1]
        return is_in_paragraph and all(map(_is_similar_word, new, self.words[at:end]))

    def _make_patch(self, new: Sequence[tuple[int, int]], copy: str, gap: _Gap) -> Patch:
        """Return the patch for a gap, with the characters between the gap and the words next to it.

        `new` are the word spans of the copy.
        """
        has_before = gap.text_start > 0 and (
            gap.text_start == gap.text_end
            or self.paragraph_numbers[gap.text_start - 1] == self.paragraph_numbers[gap.text_start]
        )
        at = gap.text_start - 1 if has_before else gap.text_start
        start = self.word_spans[at][1] if has_before else self.word_spans[at][0]
        since = new[gap.copy_start - 1][1] if has_before and gap.copy_start else new[gap.copy_start][0]
        has_after = (
            gap.text_end < len(self.words)
            and gap.copy_end < len(new)
            and self.paragraph_numbers[gap.text_end] == self.paragraph_numbers[at]
        )
        if has_after:
            return Patch(
                self.paragraph_numbers[at],
                start,
                self.word_spans[gap.text_end][0],
                copy[since : new[gap.copy_end][0]],
            )
        end = self.word_spans[gap.text_end - 1][1] if gap.text_start < gap.text_end else start
        return Patch(self.paragraph_numbers[at], start, end, copy[since : new[gap.copy_end - 1][1]])


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case, in order; an East Asian character is a word."""
    return " ".join(_choose_word_pattern(text).findall(text)).lower().split()


def find_word_spans(text: str) -> list[tuple[int, int]]:
    """Return the start and end of each word of a text."""
    return [match.span() for match in _choose_word_pattern(text).finditer(text)]


def apply_patches(paragraph: str, patches: Sequence[Patch]) -> str:
    """Return a paragraph with its patches applied; they must not overlap."""
    for patch in sorted(patches, key=lambda patch: patch.start, reverse=True):
        paragraph = paragraph[: patch.start] + patch.text + paragraph[patch.end :]
    return paragraph


def _choose_word_pattern(text: str) -> re.Pattern[str]:
    return _ASCII_WORD if text.isascii() else _WORD


def _is_small(gap: _Gap, context_words: int) -> bool:
    """Return True if a gap is small compared with the number of equal words around it."""
    removed, added = gap.text_end - gap.text_start, gap.copy_end - gap.copy_start
    return max(removed, added) <= _MAX_EDIT_WORDS and context_words >= max(
        _MIN_CONTEXT_WORDS, min(removed + added, _SUFFICIENT_CONTEXT_WORDS)
    )


def _is_similar_word(word: str, other_word: str) -> bool:
    """Return True if two words may be spellings of the same word."""
    return Levenshtein.distance(word, other_word, score_cutoff=3) <= min(3, max(len(word), len(other_word)) // 2)


def _get_length(match: _Match) -> int:
    return match.length
