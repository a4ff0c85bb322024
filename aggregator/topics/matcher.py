"""What a text is about: the names of the catalogue's topics found in it, each with how often; pure.

Names are compared as the search index compares words (case, width, diacritics folded), on word
borders; a name in a script without spaces is found anywhere. A hyphen is a space. Of names that
overlap, one inside another is not counted: `SU7 Ultra` is no `SU7`. What is counted for a topic
is counted for what it is part of, too.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from storage.model.article import Topic
from storage.search.analyzer import UNSPACED_CHARACTERS, fold
from storage.text.clean import clean

MATCHER_VERSION = 1
"""Raised whenever the same catalogue would find something else in the same text."""
TOPIC_KINDS = ("maker", "model", "battery", "charging", "technology", "policy", "market")
MAX_TEXT_LENGTH = 200_000
MAX_TITLE_LENGTH = 1_000
"""Characters that are looked at."""
MAX_TOPICS_PER_TEXT = 100
"""Topics of one text that are kept: those named most."""
CONTEXT_DISTANCE = 200
"""Characters on either side of a name within which a word of its context must stand."""
MAX_ENDING = 4
"""Letters that a name ending in `*` may go on for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicEntry:
    """A topic of the catalogue; what its fields mean stands in docs/topics.md (`excluded` is the key `not`)."""

    name: str
    title: str
    kind: str
    aliases: tuple[str, ...]
    unsure: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    case: bool = False
    excluded: tuple[str, ...] = ()
    part_of: str = ""


@dataclass(frozen=True, kw_only=True)
class TopicCatalogue:
    """All topics, the groups of context words as (name, words), and what was wrong with other entries."""

    entries: tuple[TopicEntry, ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    problems: tuple[str, ...] = ()

    @cached_property  # every article that is kept is marked with it
    def digest(self) -> str:
        """Names all that decides what is found, in 16 hex digits."""
        said = json.dumps([MATCHER_VERSION, [asdict(one) for one in self.entries], self.groups], sort_keys=True)
        return sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class _PatternUse(NamedTuple):
    """What a pattern stands for: a topic's name, or (`is_name` off) a word of a context, or what is no name at all.

    `what` numbers topics first, then contexts; -1 is nobody's. `is_sure` is a name that needs no context.
    `spellings` are the capitals that it may have, where they count. `is_open` lets a few letters follow, `has_plural`
    an s alone.
    """

    owner: int
    is_name: bool
    is_sure: bool
    spellings: tuple[str, ...]
    is_open: bool
    has_plural: bool


class _NameSpan(NamedTuple):
    start: int
    end: int
    topic: int
    is_sure: bool


class TopicMatcher:
    """A catalogue made ready: finds its topics in texts, in one pass each."""

    def __init__(self, catalogue: TopicCatalogue) -> None:
        self.digest = catalogue.digest
        self._names = [entry.name for entry in catalogue.entries]
        numbers = {name: number for number, name in enumerate(self._names)}
        self._ancestries = [tuple(_ancestry(entry, catalogue.entries, numbers)) for entry in catalogue.entries]
        self._contexts: list[frozenset[int]] = []
        self._uses: list[list[_PatternUse]] = []
        self._automaton = AhoCorasick(self._collect_patterns(catalogue, numbers))

    def _collect_patterns(self, catalogue: TopicCatalogue, numbers: Mapping[str, int]) -> list[str]:
        """Every pattern once, in the order of `self._uses`."""
        uses: dict[str, list[_PatternUse]] = {}
        first_group = len(self._names)
        groups = {f"@{name}": first_group + at for at, (name, _) in enumerate(catalogue.groups)}
        for name, words in catalogue.groups:
            _add_patterns(uses, words, groups[f"@{name}"])
        for number, entry in enumerate(catalogue.entries):
            own = first_group + len(groups) + number
            _add_patterns(uses, entry.aliases, number, is_name=True, case=entry.case)
            _add_patterns(uses, entry.unsure, number, is_name=True, is_sure=False, case=entry.case)
            _add_patterns(uses, entry.excluded, -1, is_name=True)
            _add_patterns(uses, [word for word in entry.context if word not in groups], own)
            needed = {own, *(groups[word] for word in entry.context if word in groups)}
            if entry.part_of in numbers:
                needed.add(numbers[entry.part_of])
            self._contexts.append(frozenset(needed))
        self._uses = list(uses.values())
        return list(uses)

    def find_topics(self, title: str, text: str) -> tuple[Topic, ...]:
        """The topics that an article names, those of its title first, then by how often; never raises.

        A name that is unsure counts where the topic is named for sure too, or where a word of its
        context, or the name of what it is part of, stands near it once.
        """
        titled, sure = self._find_names(clean(title, MAX_TITLE_LENGTH))
        told, also_sure = self._find_names(clean(text, MAX_TEXT_LENGTH))
        sure |= also_sure
        titles, bodies = self._count_topics(titled, sure), self._count_topics(told, sure)
        found = [
            Topic(name=self._names[topic], body_count=bodies[topic], title_count=titles[topic])
            for topic in {*titles, *bodies}
        ]
        return tuple(sorted(found, key=lambda one: (-one.title_count, -one.body_count, one.name))[:MAX_TOPICS_PER_TEXT])

    def _count_topics(self, spans: Iterable[_NameSpan], sure: set[int]) -> Counter[int]:
        return Counter(topic for span in spans if span.topic in sure for topic in self._ancestries[span.topic])

    def _find_names(self, text: str) -> tuple[list[_NameSpan], set[int]]:
        """The names in a text, the longest where they overlap, and the topics that are not in doubt."""
        spans, near = self._find_spelled(text)
        names = [span for span in _longest_spans(spans) if span.topic >= 0]
        sure: set[int] = set()
        for span in names:
            if span.topic not in sure and self._is_sure(span, near):
                sure.update(self._ancestries[span.topic])
        return names, sure

    def _is_sure(self, span: _NameSpan, near: Mapping[int, list[int]]) -> bool:
        if span.is_sure:
            return True
        return any(_is_near(near[one], span) for one in self._contexts[span.topic] if one in near)

    def _find_spelled(self, text: str) -> tuple[list[_NameSpan], dict[int, list[int]]]:
        """All names as they must be spelled, and where the words of each context begin, in order."""
        plain = _fold(text)
        cased = ""
        spans: list[_NameSpan] = []
        near: dict[int, list[int]] = {}
        for number, start, end in self._automaton.find_matches_as_indexes(plain, overlapping=True):
            if not _begins_word(plain, start):
                continue
            for use in self._uses[number]:
                stop = _end_of_word(plain, end, use)
                if not stop:
                    continue
                if use.spellings:
                    cased = cased or _fold_keeping_case(text)
                    if cased[start:end] not in use.spellings:
                        continue
                near.setdefault(use.owner, []).append(start)
                if use.is_name:
                    spans.append(_NameSpan(start, stop, use.owner, use.is_sure))
        for places in near.values():
            places.sort()
        return spans, near


def fold_name(name: str) -> str:
    """A name as it is compared with others."""
    return " ".join(_fold(name).split())


def _ancestry(entry: TopicEntry, entries: tuple[TopicEntry, ...], numbers: Mapping[str, int]) -> Iterator[int]:
    """A topic and all that it is part of."""
    seen: set[str] = set()
    while entry.name not in seen:
        seen.add(entry.name)
        yield numbers[entry.name]
        if entry.part_of not in numbers:
            return
        entry = entries[numbers[entry.part_of]]


def _add_patterns(
    uses: dict[str, list[_PatternUse]],
    words: Iterable[str],
    what: int,
    *,
    is_name: bool = False,
    is_sure: bool = True,
    case: bool = False,
) -> None:
    for word in words:
        is_open = word.endswith("*")
        spellings = _spellings(word.removesuffix("*")) if case else ()
        pattern = fold_name(word.removesuffix("*"))
        plural = (
            not case and len(pattern) > 2 and pattern[-1].isascii() and pattern[-1].isalpha() and pattern[-1] != "s"
        )
        if pattern:
            use = _PatternUse(what, is_name, is_sure, spellings, is_open, plural)
            if use not in uses.setdefault(pattern, []):
                uses[pattern].append(use)


def _spellings(word: str) -> tuple[str, ...]:
    """As written, in capitals throughout, and as a sentence begins with it."""
    spelled = " ".join(_fold_keeping_case(word).split())
    return spelled, spelled.upper(), spelled[:1].upper() + spelled[1:]


def _longest_spans(spans: list[_NameSpan]) -> Iterator[_NameSpan]:
    """Spans that lie in no longer one."""
    spans.sort(key=lambda span: (span.start, -span.end, span.topic, not span.is_sure))
    start, end, last = -1, -1, None
    for span in spans:
        if span.end > end:
            start, end = span.start, span.end
        elif (span.start, span.end) != (start, end):
            continue
        if last is None or span[:3] != last[:3]:
            yield span
        last = span


def _is_near(places: list[int], span: _NameSpan) -> bool:
    at = bisect_left(places, span.start - CONTEXT_DISTANCE)
    return at < len(places) and places[at] <= span.end + CONTEXT_DISTANCE


def _begins_word(plain: str, start: int) -> bool:
    return start == 0 or not _is_letter(plain[start - 1]) or not _is_letter(plain[start])


def _end_of_word(plain: str, end: int, use: _PatternUse) -> int:
    """Where the word that ends here or a little later ends, or 0 where it goes on."""
    if end == len(plain) or not _is_letter(plain[end]) or not _is_letter(plain[end - 1]):
        return end
    if use.has_plural and plain[end] == "s" and (end + 1 == len(plain) or not _is_letter(plain[end + 1])):
        return end + 1
    if use.is_open:
        for stop in range(end + 1, min(end + MAX_ENDING, len(plain)) + 1):
            if not plain[stop - 1].isalpha():
                return 0
            if stop == len(plain) or not _is_letter(plain[stop]):
                return stop
    return 0


def _is_letter(character: str) -> bool:
    """Whether it is part of a word whose ends are borders: scripts without spaces have none."""
    return character.isalnum() and (character.isascii() or not _UNSPACED.match(character))


def _fold(text: str) -> str:
    return _normalize(text).translate(_FOLDS)


def _fold_keeping_case(text: str) -> str:
    """As `_folded`, character for character, with its capitals."""
    return _normalize(text).translate(_CASES)


def _normalize(text: str) -> str:
    """As NFKC has it: a character may become many, so it is cut again."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)[: 2 * MAX_TEXT_LENGTH]


class _CharacterFolds(dict[int, str]):
    """Characters as they are compared, made when first met."""

    def __missing__(self, code: int) -> str:
        self[code] = made = _fold_character(chr(code))
        return made


class _CharacterCases(dict[int, str]):
    def __missing__(self, code: int) -> str:
        plain = _FOLDS[code]
        shown = plain.upper() if chr(code).isupper() else plain
        self[code] = shown if len(shown) == len(plain) else plain
        return self[code]


def _fold_character(character: str) -> str:
    if character == "\n":
        return character
    if _DASH.match(character):
        return " "
    if _IGNORED.match(character):
        return ""
    if _APOSTROPHE.match(character):
        return "'"
    return fold(character) if character.isalnum() or unicodedata.combining(character) else character


_UNSPACED = re.compile(f"[{UNSPACED_CHARACTERS}]")
_DASH = re.compile(r"[\s_\-\u2010-\u2015\u2212\u00b7\u30fb]")
_IGNORED = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_APOSTROPHE = re.compile("[`\u00b4\u2018\u2019\u02bc]")
_FOLDS = _CharacterFolds()
_CASES = _CharacterCases()
