"""Where a copy of a text has a place of it in other words; pure.

The copy is laid beside the text run by run: what lies between two runs that follow each other in both,
and is short, is one place worded in two ways. Copies run paragraphs together, leave headings out and
bring lines of their own between paragraphs: that is how they are made, and no other wording.
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
"""Words of a text, and of a copy, that are looked at."""
RUN_LENGTH = 3
"""So many words in a row, at least, are found again."""
_MIN_DISTANT_RUN = 8
"""So many, where they do not follow what was found before."""
_MAX_RUN_POSITIONS = 8
_MIN_CONTEXT_WORDS = 6
"""So many words on both sides of a place, together, are alike."""
_SUFFICIENT_CONTEXT_WORDS = 30
"""Or as many as there are in that place; so many suffice for any."""
_MAX_EDIT_WORDS = 40
_MIN_MATCHED_WORDS = 12
_MAX_EDGE_WORDS = 2
_CODE_CHARACTERS = re.compile(r"[{}=<>\\]")
"""What no wording has; a script's own words may stand between two of its strings."""

_UPPER_CASE = "A-Z\u00c0-\u00d6\u00d8-\u00de\u0391-\u03a9\u0410-\u042f"
_LOWER_CASE = rf"(?:[^\W_{EAST_ASIAN}{_UPPER_CASE}{COMBINING_MARKS}]|[{COMBINING_MARKS}])"
# Also where a small letter meets a capital a word ends: so paragraphs that were run together come apart.
_WORD = re.compile(rf"[{EAST_ASIAN}]|[{_UPPER_CASE}]+(?!{_LOWER_CASE})|[{_UPPER_CASE}]?{_LOWER_CASE}+")
_ASCII_WORD = re.compile(r"[A-Z]+(?![a-z0-9])|[A-Z]?[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Patch:
    """A stretch of one paragraph, and the words that the copy has there."""

    paragraph: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Match:
    """So many words of a copy from `new` on are those of the text from `old` on."""

    copy_start: int
    text_start: int
    length: int


@dataclass(frozen=True, slots=True)
class _Gap:
    """The words of a text from `start` to `end`, in whose place a copy has those of its own from `first` to `last`."""

    text_start: int
    text_end: int
    copy_start: int
    copy_end: int


@dataclass
class TextAligner:
    """A text: its words, the paragraph of each, and where each run of three begins.

    `echoed` are the paragraphs that a copy had, most of their words or a dozen at least.
    """

    paragraphs: Sequence[str]
    words: list[str] = field(default_factory=list)
    paragraph_numbers: list[int] = field(default_factory=list)
    run_positions: dict[tuple[str, ...], list[int]] = field(default_factory=dict)
    matched_paragraphs: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        for number, paragraph in enumerate(self.paragraphs):
            found = split_words(paragraph)[: MAX_WORDS - len(self.words)]
            self.words += found
            self.paragraph_numbers += [number] * len(found)
        for at, run in enumerate(zip(self.words, self.words[1:], self.words[2:], strict=False)):
            known = self.run_positions.setdefault(run, [])
            if len(known) < _MAX_RUN_POSITIONS:
                known.append(at)

    @cached_property
    def paragraph_lengths(self) -> Counter[int]:
        """How many words each paragraph has."""
        return Counter(self.paragraph_numbers)

    @cached_property
    def word_spans(self) -> list[tuple[int, int]]:
        """Where each word begins and ends in its paragraph."""
        return [span for paragraph in self.paragraphs for span in find_word_spans(paragraph)]

    def has_start(self, copy: str) -> bool:
        """Whether the text has one of the first runs of a copy."""
        return self._has_run(split_words(copy[:200]))

    def find_patches(self, copy: str) -> Iterator[Patch]:
        """Every place of the text that a copy has in other words."""
        new = split_words(copy)[:MAX_WORDS]
        matches = list(self._find_matches(new))
        had = Counter(
            place for one in matches for place in self.paragraph_numbers[one.text_start : one.text_start + one.length]
        )
        self.matched_paragraphs.update(
            place
            for place, many in had.items()
            if many >= min(_MIN_MATCHED_WORDS, self.paragraph_lengths[place] // 2 + 1)
        )
        places = list(self._find_gaps(new, matches))
        spans = find_word_spans(copy) if places else []
        for place in places:
            patch = self._make_patch(spans, copy, place)
            if not _CODE_CHARACTERS.search(patch.text):
                yield patch

    def _has_run(self, start: Sequence[str]) -> bool:
        return any(
            tuple(start[at : at + RUN_LENGTH]) in self.run_positions
            for at in range(min(2 * RUN_LENGTH, len(start) - RUN_LENGTH + 1))
        )

    def _find_matches(self, new: Sequence[str]) -> Iterator[_Match]:
        """The runs of a copy that the text has, in the copy's order."""
        at, behind = 0, -1
        while at + RUN_LENGTH <= len(new):
            found = self._find_match(new, at, behind)
            if found is None:
                at += 1
                continue
            yield found
            at, behind = at + found.length, found.text_start + found.length

    def _find_match(self, new: Sequence[str], at: int, behind: int) -> _Match | None:
        """What the text has of a copy from one of its words on; rather where it goes on than elsewhere."""
        places = self.run_positions.get(tuple(new[at : at + RUN_LENGTH]), ())
        near = next((place for place in places if 0 <= place - behind <= _MAX_EDIT_WORDS), None)
        if near is not None and behind >= 0:
            return _Match(at, near, self._measure_match(new, at, near))
        longest = max(
            (_Match(at, place, self._measure_match(new, at, place)) for place in places), key=_get_length, default=None
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
        yield from (place for place in (first, *between, last) if place is not None)

    def _gap_between(self, left: _Match, right: _Match) -> _Gap | None:
        """What lies between two runs that follow each other: in one paragraph of the text, and little beside them."""
        place = _Gap(left.text_start + left.length, right.text_start, left.copy_start + left.length, right.copy_start)
        if not 0 <= place.text_end - place.text_start <= _MAX_EDIT_WORDS or not _is_small(
            place, left.length + right.length
        ):
            return None
        before, after = self.paragraph_numbers[place.text_start - 1], self.paragraph_numbers[place.text_end]
        gone = set(self.paragraph_numbers[place.text_start : place.text_end]) or {before, after}
        is_left_out = gone == {after} != {before} and place.copy_start == place.copy_end  # as headings are
        return place if len(gone) == 1 and gone <= {before, after} and not is_left_out else None

    def _gap_at_start(self, new: Sequence[str], match: _Match) -> _Gap | None:
        """What a copy has behind the first words of a paragraph, and it has otherwise; or its own first few words."""
        many, at = match.copy_start, match.text_start
        first = self.paragraph_numbers.index(self.paragraph_numbers[at])
        same = next((n for n in range(min(many, at - first)) if new[n] != self.words[first + n]), 0)
        place = _Gap(first + same, at, same, many)
        if same and _is_small(place, same + match.length):
            return place
        if 0 < many <= min(_MAX_EDGE_WORDS, at) and self._are_similar(new[:many], at - many):
            return None if self.words[at - many].endswith(new[0]) else _Gap(at - many, at, 0, many)
        return None

    def _gap_at_end(self, new: Sequence[str], match: _Match) -> _Gap | None:
        """What a copy ends with and the text has not, at a paragraph's end; or a few words that it has otherwise."""
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
        """Whether some words may be other spellings of as many of one paragraph of the text."""
        end = at + len(new)
        is_one = end <= len(self.words) and self.paragraph_numbers[at] == self.paragraph_numbers[end - 1]
        return is_one and all(map(_is_similar_word, new, self.words[at:end]))

    def _make_patch(self, new: Sequence[tuple[int, int]], copy: str, position: _Gap) -> Patch:
        """The patch for a place, with what stands between its words and those beside it; `new` are the copy's spans."""
        has_before = position.text_start > 0 and (
            position.text_start == position.text_end
            or self.paragraph_numbers[position.text_start - 1] == self.paragraph_numbers[position.text_start]
        )
        at = position.text_start - 1 if has_before else position.text_start
        start = self.word_spans[at][1] if has_before else self.word_spans[at][0]
        since = new[position.copy_start - 1][1] if has_before and position.copy_start else new[position.copy_start][0]
        has_after = (
            position.text_end < len(self.words)
            and position.copy_end < len(new)
            and self.paragraph_numbers[position.text_end] == self.paragraph_numbers[at]
        )
        if has_after:
            return Patch(
                self.paragraph_numbers[at],
                start,
                self.word_spans[position.text_end][0],
                copy[since : new[position.copy_end][0]],
            )
        end = self.word_spans[position.text_end - 1][1] if position.text_start < position.text_end else start
        return Patch(self.paragraph_numbers[at], start, end, copy[since : new[position.copy_end - 1][1]])


def split_words(text: str) -> list[str]:
    """The words of a text in small letters, in order; a character of an unspaced script is a word."""
    return " ".join(_choose_word_pattern(text).findall(text)).lower().split()


def find_word_spans(text: str) -> list[tuple[int, int]]:
    """Where the words of a text begin and end."""
    return [found.span() for found in _choose_word_pattern(text).finditer(text)]


def apply_patches(paragraph: str, patches: Sequence[Patch]) -> str:
    """A paragraph with its patches, which do not overlap."""
    for patch in sorted(patches, key=lambda one: one.start, reverse=True):
        paragraph = paragraph[: patch.start] + patch.text + paragraph[patch.end :]
    return paragraph


def _choose_word_pattern(text: str) -> re.Pattern[str]:
    return _ASCII_WORD if text.isascii() else _WORD


def _is_small(position: _Gap, context_words: int) -> bool:
    """Whether what differs is little beside so many words around it that are alike."""
    gone, come = position.text_end - position.text_start, position.copy_end - position.copy_start
    return max(gone, come) <= _MAX_EDIT_WORDS and context_words >= max(
        _MIN_CONTEXT_WORDS, min(gone + come, _SUFFICIENT_CONTEXT_WORDS)
    )


def _is_similar_word(word: str, other_word: str) -> bool:
    """Whether two words may be two spellings of one."""
    return Levenshtein.distance(word, other_word, score_cutoff=3) <= min(3, max(len(word), len(other_word)) // 2)


def _get_length(match: _Match) -> int:
    return match.length
