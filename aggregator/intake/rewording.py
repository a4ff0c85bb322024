"""Where a copy of a text has a place of it in other words; pure.

The copy is laid beside the text run by run: what lies between two runs that follow each other in both,
and is short, is one place worded in two ways. Copies run paragraphs together, leave headings out and
bring lines of their own between paragraphs: that is how they are made, and no other wording.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

from rapidfuzz.distance import Levenshtein

MAX_WORDS = 50_000
"""Words of a text, and of a copy, that are looked at."""
RUN = 3
"""So many words in a row, at least, are found again."""
_SURE_RUN = 8
"""So many, where they do not follow what was found before."""
_FEWEST_ALIKE = 6
"""So many words on both sides of a place, together, are alike."""
_LONGEST_EDIT = 40
_FEW = 2

_CJK = "\u3040-\u30ff\u3400-\u9fff"
_CAPITAL = "A-Z\u00c0-\u00d6\u00d8-\u00de\u0391-\u03a9\u0410-\u042f"
# Also where a small letter meets a capital a word ends: so paragraphs that were run together come apart.
_WORD = re.compile(rf"[{_CJK}]|[{_CAPITAL}]+(?=[{_CAPITAL}]|[^\w]|$)|[^\W_{_CJK}][^\W_{_CJK}{_CAPITAL}]*")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: in one case, the number of its paragraph, its place there."""

    plain: str
    paragraph: int
    start: int
    end: int


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

    new: int
    old: int
    length: int


@dataclass(slots=True)
class Shown:
    """A text as words, and where each run of three begins."""

    words: list[Word]
    plain: list[str] = field(default_factory=list)
    runs: dict[tuple[str, ...], list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.plain = [word.plain for word in self.words]
        for at in range(len(self.plain) - RUN + 1):
            places = self.runs.setdefault(tuple(self.plain[at : at + RUN]), [])
            if len(places) < 8:
                places.append(at)

    @classmethod
    def of(cls, paragraphs: Sequence[str]) -> Shown:
        """The words of some paragraphs."""
        words = (word for place, one in enumerate(paragraphs) for word in words_of(one, place))
        return cls(list(islice(words, MAX_WORDS)))

    def has_start(self, copy: str) -> bool:
        """Whether the text has one of the first runs of a copy."""
        start = [word.plain for word in islice(words_of(copy[:200]), 3 * RUN)]
        return any(tuple(start[at : at + RUN]) in self.runs for at in range(len(start) - RUN + 1))

    def patches(self, copy: str) -> Iterator[Patch]:
        """Every place of the text that a copy has in other words."""
        new = list(islice(words_of(copy), MAX_WORDS))
        matches = list(self._matches([word.plain for word in new]))
        if not matches:
            return
        yield from self._at_start(new, copy, matches[0])
        for left, right in pairwise(matches):
            if 0 <= right.old - left.old - left.length <= _LONGEST_EDIT:
                yield from self._between(new, copy, left, right)
        yield from self._at_end(new, copy, matches[-1])

    def _matches(self, plain: Sequence[str]) -> Iterator[_Match]:
        """The runs of a copy that the text has, in the copy's order."""
        at, behind = 0, -1
        while at + RUN <= len(plain):
            found = self._match(plain, at, behind)
            if found is None:
                at += 1
                continue
            yield found
            at, behind = at + found.length, found.old + found.length

    def _match(self, plain: Sequence[str], at: int, behind: int) -> _Match | None:
        """What the text has of a copy from one of its words on; rather where it goes on than elsewhere."""
        places = self.runs.get(tuple(plain[at : at + RUN]), ())
        near = next((place for place in places if 0 <= place - behind <= _LONGEST_EDIT), None)
        if near is not None and behind >= 0:
            return _Match(at, near, self._length(plain, at, near))
        longest = max((_Match(at, place, self._length(plain, at, place)) for place in places), key=_length, default=None)
        return longest if longest and (at == 0 or longest.length >= _SURE_RUN) else None

    def _length(self, plain: Sequence[str], at: int, place: int) -> int:
        most = min(len(plain) - at, len(self.plain) - place)
        return next((n for n in range(RUN, most) if plain[at + n] != self.plain[place + n]), most)

    def _between(self, new: Sequence[Word], copy: str, left: _Match, right: _Match) -> Iterator[Patch]:
        start, end = left.old + left.length, right.old
        first, last = left.new + left.length, right.new
        if last - first > _LONGEST_EDIT or left.length + right.length < _FEWEST_ALIKE:
            return
        before, after = self.words[start - 1], self.words[end]
        gone = {word.paragraph for word in self.words[start:end]}
        if gone == {before.paragraph} or (not gone and before.paragraph == after.paragraph):
            yield self._patch(new, copy, (start, end), (first, last))
        elif gone == {after.paragraph} and first < last:
            yield self._patch(new, copy, (start, end), (first, last))

    def _at_start(self, new: Sequence[Word], copy: str, match: _Match) -> Iterator[Patch]:
        """A few words that a copy begins with, and the text has otherwise."""
        many, place = match.new, match.old
        if 0 < many <= min(_FEW, place) and self._are_alike(new[:many], place - many):
            yield self._patch(new, copy, (place - many, place), (0, many))

    def _at_end(self, new: Sequence[Word], copy: str, match: _Match) -> Iterator[Patch]:
        """A few words that a copy ends with, and the text has otherwise; or more, that it has not at a paragraph's end."""
        place, first = match.old + match.length, match.new + match.length
        rest = new[first:]
        if not rest or match.length < _FEWEST_ALIKE or len(rest) > _LONGEST_EDIT:
            return
        is_end = place == len(self.words) or self.words[place].paragraph != self.words[place - 1].paragraph
        if is_end and not self.has_start(copy[rest[0].start :]):
            yield self._patch(new, copy, (place, place), (first, len(new)))
        elif not is_end and len(rest) <= _FEW and self._are_alike(rest, place):
            yield self._patch(new, copy, (place, place + len(rest)), (first, len(new)))

    def _are_alike(self, new: Sequence[Word], place: int) -> bool:
        old = self.words[place : place + len(new)]
        return (
            len(old) == len(new)
            and len({word.paragraph for word in old}) == 1
            and all(is_alike(one.plain, other.plain) for one, other in zip(new, old, strict=True))
        )

    def _patch(self, new: Sequence[Word], copy: str, old: tuple[int, int], come: tuple[int, int]) -> Patch:
        """The patch for the words `old` of the text, in whose place a copy has those of `come`."""
        start, end = old
        if start and (start == end or self.words[start - 1].paragraph == self.words[start].paragraph):
            # From the end of the word before: what stands between the words comes along.
            before = self.words[start - 1]
            text = copy[new[come[0] - 1].end if come[0] else 0 : new[come[1] - 1].end if come[1] else 0]
            return Patch(before.paragraph, before.end, self.words[end - 1].end, text)
        text = copy[new[come[0]].start : new[come[1] - 1].end]
        return Patch(self.words[start].paragraph, self.words[start].start, self.words[end - 1].end, text)


def words_of(text: str, paragraph: int = 0) -> Iterator[Word]:
    """The words of a text in order; a character of an unspaced script is a word."""
    for found in _WORD.finditer(text):
        yield Word(found.group().lower(), paragraph, found.start(), found.end())


def is_alike(one: str, other: str) -> bool:
    """Whether two words may be two spellings of one."""
    return Levenshtein.distance(one, other, score_cutoff=3) <= min(3, max(len(one), len(other)) // 2)


def patched(paragraph: str, patches: Sequence[Patch]) -> str:
    """A paragraph with its patches, which do not overlap."""
    for patch in sorted(patches, key=lambda one: one.start, reverse=True):
        paragraph = paragraph[: patch.start] + patch.text + paragraph[patch.end :]
    return paragraph


def _length(match: _Match) -> int:
    return match.length
