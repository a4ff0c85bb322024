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

from storage.letters import HAN_AND_KANA, MARKS

MAX_WORDS = 50_000
"""Words of a text, and of a copy, that are looked at."""
RUN = 3
"""So many words in a row, at least, are found again."""
_SURE_RUN = 8
"""So many, where they do not follow what was found before."""
_FEWEST_ALIKE = 6
"""So many words on both sides of a place, together, are alike."""
_SURELY_ALIKE = 30
"""Or as many as there are in that place; so many suffice for any."""
_LONGEST_EDIT = 40
_FEW = 2
_CODE = re.compile(r"[{}=<>\\]")
"""What no wording has; a script's own words may stand between two of its strings."""

_CAPITAL = "A-Z\u00c0-\u00d6\u00d8-\u00de\u0391-\u03a9\u0410-\u042f"
# Also where a small letter meets a capital a word ends: so paragraphs that were run together come apart.
_SMALL = rf"(?:[^\W_{HAN_AND_KANA}{_CAPITAL}{MARKS}]|[{MARKS}])"
_WORD = re.compile(rf"[{HAN_AND_KANA}]|[{_CAPITAL}]+(?!{_SMALL})|[{_CAPITAL}]?{_SMALL}+")
_ASCII_WORD = re.compile(r"[A-Z]+(?![a-z0-9])|[A-Z]?[a-z0-9]+")


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


@dataclass(frozen=True, slots=True)
class _Place:
    """The words of a text from `start` to `end`, in whose place a copy has those of its own from `first` to `last`."""

    start: int
    end: int
    first: int
    last: int


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
        for place in self._places(new, matches):
            patch = self._patch(new, copy, place)
            if not _CODE.search(patch.text):
                yield patch

    def _places(self, new: Sequence[Word], matches: Sequence[_Match]) -> Iterator[_Place]:
        if not matches:
            return
        ends = [self._at_start(new, matches[0]), self._at_end(new, matches[-1])]
        between = [self._between(left, right) for left, right in pairwise(matches)]
        yield from (place for place in (ends[0], *between, ends[1]) if place is not None)

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
        longest = max(
            (_Match(at, place, self._length(plain, at, place)) for place in places), key=_length, default=None
        )
        return longest if longest and (at == 0 or longest.length >= _SURE_RUN) else None

    def _length(self, plain: Sequence[str], at: int, place: int) -> int:
        most = min(len(plain) - at, len(self.plain) - place)
        return next((n for n in range(RUN, most) if plain[at + n] != self.plain[place + n]), most)

    def _between(self, left: _Match, right: _Match) -> _Place | None:
        """What lies between two runs that follow each other: in one paragraph of the text, and little beside them."""
        place = _Place(left.old + left.length, right.old, left.new + left.length, right.new)
        if not 0 <= place.end - place.start <= _LONGEST_EDIT or not _is_small(place, left.length + right.length):
            return None
        before, after = self.words[place.start - 1].paragraph, self.words[place.end].paragraph
        gone = {word.paragraph for word in self.words[place.start : place.end]} or {before, after}
        is_whole = gone == {after} and before != after and place.first == place.last  # a heading that a copy leaves out
        return place if len(gone) == 1 and gone <= {before, after} and not is_whole else None

    def _at_start(self, new: Sequence[Word], match: _Match) -> _Place | None:
        """A few words that a copy begins with, and the text has otherwise."""
        many, at = match.new, match.old
        if 0 < many <= min(_FEW, at) and self._are_alike(new[:many], at - many):
            return _Place(at - many, at, 0, many)
        return None

    def _at_end(self, new: Sequence[Word], match: _Match) -> _Place | None:
        """What a copy ends with and the text has not, at a paragraph's end; or a few words that it has otherwise."""
        at, rest = match.old + match.length, new[match.new + match.length :]
        if not rest or not _is_small(_Place(at, at, len(new) - len(rest), len(new)), match.length):
            return None
        if at == len(self.words) or self.words[at].paragraph != self.words[at - 1].paragraph:
            plain = [word.plain for word in rest[: 3 * RUN]]
            is_known = any(tuple(plain[one : one + RUN]) in self.runs for one in range(len(plain) - RUN + 1))
            return None if is_known else _Place(at, at, len(new) - len(rest), len(new))
        if len(rest) <= _FEW and self._are_alike(rest, at):
            return _Place(at, at + len(rest), len(new) - len(rest), len(new))
        return None

    def _are_alike(self, new: Sequence[Word], place: int) -> bool:
        old = self.words[place : place + len(new)]
        return (
            len(old) == len(new)
            and len({word.paragraph for word in old}) == 1
            and all(is_alike(one.plain, other.plain) for one, other in zip(new, old, strict=True))
        )

    def _patch(self, new: Sequence[Word], copy: str, place: _Place) -> Patch:
        """The patch for a place, with what stands between the words before it."""
        first = self.words[place.start] if place.start < place.end else None
        before = self.words[place.start - 1] if place.start else None
        is_whole = first is not None and (before is None or before.paragraph != first.paragraph)
        start = first.start if first and is_whole else before.end if before else 0
        come = new[place.first : place.last]
        since = come[0].start if come and (is_whole or not place.first) else new[place.first - 1].end
        text = copy[since : come[-1].end] if come else ""
        paragraph = first.paragraph if first else before.paragraph if before else 0
        return Patch(paragraph, start, self.words[place.end - 1].end if first else start, text)


def _is_small(place: _Place, alike: int) -> bool:
    """Whether what differs is little beside so many words around it that are alike."""
    gone, come = place.end - place.start, place.last - place.first
    return max(gone, come) <= _LONGEST_EDIT and alike >= max(_FEWEST_ALIKE, min(gone + come, _SURELY_ALIKE))


def words_of(text: str, paragraph: int = 0) -> Iterator[Word]:
    """The words of a text in order; a character of an unspaced script is a word."""
    for found in (_ASCII_WORD if text.isascii() else _WORD).finditer(text):
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
