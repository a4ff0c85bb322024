"""Find the topics of a catalogue in a text and count them.

Names are compared like words in the search index (case, width and diacritics folded) at word boundaries; a name in a
script without spaces is found anywhere. A hyphen counts as a space. A name inside a longer name is not counted:
`SU7 Ultra` is no `SU7`. A mention of a topic also counts for the topic that it is part of.
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
"""Increased whenever the same catalogue may find different topics in the same text."""
TOPIC_KINDS = ("maker", "model", "battery", "charging", "technology", "policy", "market")
MAX_TEXT_LENGTH = 200_000
MAX_TITLE_LENGTH = 1_000
"""Maximum numbers of characters that are searched."""
MAX_TOPICS_PER_TEXT = 100
"""Maximum number of topics of a text, those with the most mentions."""
CONTEXT_DISTANCE = 200
"""Maximum distance in characters between an unsure name and a word of its context."""
MAX_ENDING = 4
"""Maximum number of letters after a name that ends in `*`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicEntry:
    """A topic of the catalogue, with the keys of docs/topics.md (`excluded` is the key `not`)."""

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
    """Topics of a catalogue, the groups of context words as (name, words), and the problems of invalid entries."""

    entries: tuple[TopicEntry, ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    problems: tuple[str, ...] = ()

    @cached_property  # needed for every stored article
    def digest(self) -> str:
        """Digest of everything that decides which topics are found, 16 hex digits."""
        entries = [asdict(entry) for entry in self.entries]
        content = json.dumps([MATCHER_VERSION, entries, self.groups], sort_keys=True)
        return sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class _PatternUse(NamedTuple):
    """Meaning of a pattern: the name of a topic, a word of a context (without `is_name`), or an excluded name.

    `owner` numbers the topics first, then the contexts; -1 marks an excluded name. A name with `is_sure` needs no
    context. `spellings` are the permitted spellings if case matters. `is_open` permits a few letters after the name,
    `has_plural` only an s.
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
    """Finds the topics of a catalogue in texts, in one pass over each text."""

    def __init__(self, catalogue: TopicCatalogue) -> None:
        self.digest = catalogue.digest
        self._names = [entry.name for entry in catalogue.entries]
        numbers = {name: number for number, name in enumerate(self._names)}
        self._ancestries = [tuple(_ancestry(entry, catalogue.entries, numbers)) for entry in catalogue.entries]
        self._contexts: list[frozenset[int]] = []
        self._uses: list[list[_PatternUse]] = []
        self._automaton = AhoCorasick(self._collect_patterns(catalogue, numbers))

    def _collect_patterns(self, catalogue: TopicCatalogue, numbers: Mapping[str, int]) -> list[str]:
        """Return each pattern once, in the order of `self._uses`, which is set."""
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
        """Return the topics of an article by mentions in its title, then in its body. Never raises.

        Unsure names count if the article also has a sure name of the topic, or if at least one of them is near a word
        of its context or a name of the topic that it is part of.
        """
        title_spans, sure = self._find_names(clean(title, MAX_TITLE_LENGTH))
        body_spans, sure_in_body = self._find_names(clean(text, MAX_TEXT_LENGTH))
        sure |= sure_in_body
        title_counts, body_counts = self._count_topics(title_spans, sure), self._count_topics(body_spans, sure)
        topics = [
            Topic(name=self._names[number], body_count=body_counts[number], title_count=title_counts[number])
            for number in {*title_counts, *body_counts}
        ]
        topics.sort(key=lambda topic: (-topic.title_count, -topic.body_count, topic.name))
        return tuple(topics[:MAX_TOPICS_PER_TEXT])

    def _count_topics(self, spans: Iterable[_NameSpan], sure: set[int]) -> Counter[int]:
        return Counter(topic for span in spans if span.topic in sure for topic in self._ancestries[span.topic])

    def _find_names(self, text: str) -> tuple[list[_NameSpan], set[int]]:
        """Return the names in a text, the longest of overlapping ones, and the topics that are certain."""
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
        return any(_is_near(near[context], span) for context in self._contexts[span.topic] if context in near)

    def _find_spelled(self, text: str) -> tuple[list[_NameSpan], dict[int, list[int]]]:
        """Return all correctly spelled names, and the sorted positions of the words of each context."""
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
    """Return a name in the form in which names are compared."""
    return " ".join(_fold(name).split())


def _ancestry(entry: TopicEntry, entries: tuple[TopicEntry, ...], numbers: Mapping[str, int]) -> Iterator[int]:
    """Yield the numbers of a topic and of the topics that it is part of."""
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
    """Return a word as written, in capitals, and with a capital first letter."""
    spelled = " ".join(_fold_keeping_case(word).split())
    return spelled, spelled.upper(), spelled[:1].upper() + spelled[1:]


def _longest_spans(spans: list[_NameSpan]) -> Iterator[_NameSpan]:
    """Yield the spans that are not inside a longer one."""
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
    """Return the end of the word at `end`, with a permitted ending, or 0 if the word continues."""
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
    """Return whether a character is a letter of a script in which spaces separate words."""
    return character.isalnum() and (character.isascii() or not _UNSPACED.match(character))


def _fold(text: str) -> str:
    return _normalize(text).translate(_FOLDS)


def _fold_keeping_case(text: str) -> str:
    """Fold a text like `_fold`, character for character, but keep capitals."""
    return _normalize(text).translate(_CASES)


def _normalize(text: str) -> str:
    """Return a text in NFKC, cut to a limit because a character may become several."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)[: 2 * MAX_TEXT_LENGTH]


class _CharacterFolds(dict[int, str]):
    """Folded characters by code point, computed when first needed."""

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
