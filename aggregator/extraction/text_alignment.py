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

from storage.text.characters import HAN_AND_KANA, MARKS

MAX_WORDS = 50_000
"""Words of a text, and of a copy, that are looked at."""
RUN = 3
"""So many words in a row, at least, are found again."""
_SURE_RUN = 8
"""So many, where they do not follow what was found before."""
_MOST_PLACES = 8
_FEWEST_ALIKE = 6
"""So many words on both sides of a place, together, are alike."""
_SURELY_ALIKE = 30
"""Or as many as there are in that place; so many suffice for any."""
_LONGEST_EDIT = 40
_ENOUGH = 12
_FEW = 2
_CODE = re.compile(r"[{}=<>\\]")
"""What no wording has; a script's own words may stand between two of its strings."""

_CAPITAL = "A-Z\u00c0-\u00d6\u00d8-\u00de\u0391-\u03a9\u0410-\u042f"
_SMALL = rf"(?:[^\W_{HAN_AND_KANA}{_CAPITAL}{MARKS}]|[{MARKS}])"
# Also where a small letter meets a capital a word ends: so paragraphs that were run together come apart.
_WORD = re.compile(rf"[{HAN_AND_KANA}]|[{_CAPITAL}]+(?!{_SMALL})|[{_CAPITAL}]?{_SMALL}+")
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


@dataclass
class Shown:
    """A text: its words, the paragraph of each, and where each run of three begins.

    `echoed` are the paragraphs that a copy had, most of their words or a dozen at least.
    """

    paragraphs: Sequence[str]
    words: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    runs: dict[tuple[str, ...], list[int]] = field(default_factory=dict)
    echoed: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        for number, paragraph in enumerate(self.paragraphs):
            found = words_of(paragraph)[: MAX_WORDS - len(self.words)]
            self.words += found
            self.places += [number] * len(found)
        for at, run in enumerate(zip(self.words, self.words[1:], self.words[2:], strict=False)):
            known = self.runs.setdefault(run, [])
            if len(known) < _MOST_PLACES:
                known.append(at)

    @cached_property
    def sizes(self) -> Counter[int]:
        """How many words each paragraph has."""
        return Counter(self.places)

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Where each word begins and ends in its paragraph."""
        return [span for paragraph in self.paragraphs for span in spans_of(paragraph)]

    def has_start(self, copy: str) -> bool:
        """Whether the text has one of the first runs of a copy."""
        return self._has_run(words_of(copy[:200]))

    def patches(self, copy: str) -> Iterator[Patch]:
        """Every place of the text that a copy has in other words."""
        new = words_of(copy)[:MAX_WORDS]
        matches = list(self._matches(new))
        had = Counter(place for one in matches for place in self.places[one.old : one.old + one.length])
        self.echoed.update(place for place, many in had.items() if many >= min(_ENOUGH, self.sizes[place] // 2 + 1))
        places = list(self._worded_otherwise(new, matches))
        spans = spans_of(copy) if places else []
        for place in places:
            patch = self._patch(spans, copy, place)
            if not _CODE.search(patch.text):
                yield patch

    def _has_run(self, start: Sequence[str]) -> bool:
        return any(tuple(start[at : at + RUN]) in self.runs for at in range(min(2 * RUN, len(start) - RUN + 1)))

    def _matches(self, new: Sequence[str]) -> Iterator[_Match]:
        """The runs of a copy that the text has, in the copy's order."""
        at, behind = 0, -1
        while at + RUN <= len(new):
            found = self._match(new, at, behind)
            if found is None:
                at += 1
                continue
            yield found
            at, behind = at + found.length, found.old + found.length

    def _match(self, new: Sequence[str], at: int, behind: int) -> _Match | None:
        """What the text has of a copy from one of its words on; rather where it goes on than elsewhere."""
        places = self.runs.get(tuple(new[at : at + RUN]), ())
        near = next((place for place in places if 0 <= place - behind <= _LONGEST_EDIT), None)
        if near is not None and behind >= 0:
            return _Match(at, near, self._length(new, at, near))
        longest = max((_Match(at, place, self._length(new, at, place)) for place in places), key=_length, default=None)
        return longest if longest and (at == 0 or longest.length >= _SURE_RUN) else None

    def _length(self, new: Sequence[str], at: int, place: int) -> int:
        most = min(len(new) - at, len(self.words) - place)
        return next((n for n in range(RUN, most) if new[at + n] != self.words[place + n]), most)

    def _worded_otherwise(self, new: Sequence[str], matches: Sequence[_Match]) -> Iterator[_Place]:
        if not matches:
            return
        first, last = self._at_start(new, matches[0]), self._at_end(new, matches[-1])
        between = [self._between(left, right) for left, right in pairwise(matches)]
        yield from (place for place in (first, *between, last) if place is not None)

    def _between(self, left: _Match, right: _Match) -> _Place | None:
        """What lies between two runs that follow each other: in one paragraph of the text, and little beside them."""
        place = _Place(left.old + left.length, right.old, left.new + left.length, right.new)
        if not 0 <= place.end - place.start <= _LONGEST_EDIT or not _is_small(place, left.length + right.length):
            return None
        before, after = self.places[place.start - 1], self.places[place.end]
        gone = set(self.places[place.start : place.end]) or {before, after}
        is_left_out = gone == {after} != {before} and place.first == place.last  # as headings are
        return place if len(gone) == 1 and gone <= {before, after} and not is_left_out else None

    def _at_start(self, new: Sequence[str], match: _Match) -> _Place | None:
        """What a copy has behind the first words of a paragraph, and it has otherwise; or its own first few words."""
        many, at = match.new, match.old
        first = self.places.index(self.places[at])
        same = next((n for n in range(min(many, at - first)) if new[n] != self.words[first + n]), 0)
        place = _Place(first + same, at, same, many)
        if same and _is_small(place, same + match.length):
            return place
        if 0 < many <= min(_FEW, at) and self._are_alike(new[:many], at - many):
            return None if self.words[at - many].endswith(new[0]) else _Place(at - many, at, 0, many)
        return None

    def _at_end(self, new: Sequence[str], match: _Match) -> _Place | None:
        """What a copy ends with and the text has not, at a paragraph's end; or a few words that it has otherwise."""
        at, first = match.old + match.length, match.new + match.length
        rest = new[first:]
        if not rest or not _is_small(_Place(at, at, first, len(new)), match.length):
            return None
        if at == len(self.words) or self.places[at] != self.places[at - 1]:
            return None if self._has_run(rest) else _Place(at, at, first, len(new))
        if len(rest) <= _FEW and self._are_alike(rest, at):
            is_cut_off = self.words[at + len(rest) - 1].startswith(rest[-1])
            return None if is_cut_off else _Place(at, at + len(rest), first, len(new))
        return None

    def _are_alike(self, new: Sequence[str], at: int) -> bool:
        """Whether some words may be other spellings of as many of one paragraph of the text."""
        end = at + len(new)
        is_one = end <= len(self.words) and self.places[at] == self.places[end - 1]
        return is_one and all(map(_is_alike, new, self.words[at:end]))

    def _patch(self, new: Sequence[tuple[int, int]], copy: str, place: _Place) -> Patch:
        """The patch for a place, with what stands between its words and those beside it; `new` are the copy's spans."""
        has_before = place.start > 0 and (
            place.start == place.end or self.places[place.start - 1] == self.places[place.start]
        )
        at = place.start - 1 if has_before else place.start
        start = self.spans[at][1] if has_before else self.spans[at][0]
        since = new[place.first - 1][1] if has_before and place.first else new[place.first][0]
        has_after = place.end < len(self.words) and place.last < len(new) and self.places[place.end] == self.places[at]
        if has_after:
            return Patch(self.places[at], start, self.spans[place.end][0], copy[since : new[place.last][0]])
        end = self.spans[place.end - 1][1] if place.start < place.end else start
        return Patch(self.places[at], start, end, copy[since : new[place.last - 1][1]])


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, in order; a character of an unspaced script is a word."""
    return " ".join(_expression(text).findall(text)).lower().split()


def spans_of(text: str) -> list[tuple[int, int]]:
    """Where the words of a text begin and end."""
    return [found.span() for found in _expression(text).finditer(text)]


def patched(paragraph: str, patches: Sequence[Patch]) -> str:
    """A paragraph with its patches, which do not overlap."""
    for patch in sorted(patches, key=lambda one: one.start, reverse=True):
        paragraph = paragraph[: patch.start] + patch.text + paragraph[patch.end :]
    return paragraph


def _expression(text: str) -> re.Pattern[str]:
    return _ASCII_WORD if text.isascii() else _WORD


def _is_small(place: _Place, alike: int) -> bool:
    """Whether what differs is little beside so many words around it that are alike."""
    gone, come = place.end - place.start, place.last - place.first
    return max(gone, come) <= _LONGEST_EDIT and alike >= max(_FEWEST_ALIKE, min(gone + come, _SURELY_ALIKE))


def _is_alike(one: str, other: str) -> bool:
    """Whether two words may be two spellings of one."""
    return Levenshtein.distance(one, other, score_cutoff=3) <= min(3, max(len(one), len(other)) // 2)


def _length(match: _Match) -> int:
    return match.length
