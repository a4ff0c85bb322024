"""What a page's own data says of its article in other words than the page shows.

Pages carry copies of their text beside it: in JSON-LD, in the state that their scripts are started
with, in meta elements. Where such a copy has a sentence of the article with one place in it worded
otherwise, the publisher has edited the one and not (or not yet) the other: an edit all the same. A copy
is only looked for within one string, so that ids and settings between strings are never taken for text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape
from itertools import islice

from lxml.html import HtmlElement
from rapidfuzz.distance import Levenshtein

MAX_DATA = 4 * 2**20
"""Characters of a page's data that are looked at."""
MAX_STRINGS = 2_000
MAX_SENTENCE = 400
"""Words of a sentence; a longer one is none."""
MAX_VARIANTS = 40
MAX_WORDS = 50_000
_RUN = 3
_FEWEST_ALIKE = 6
_LONGEST_EDIT = 40

# What stands between two quotes that are not escaped: a string, or what is between strings, which begins like no text.
_QUOTE = re.compile(r'(?<!\\)"')
_SHORTEST = 40
_AROUND = 20_000
"""Characters before the first and behind the last place where some of the article was found in a script."""
_TAGS = re.compile(r"<[^<>]{1,2000}>")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+|\n+|(?<=[。！？])")
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_CJK}]|[^\s{_CJK}]+")
_EDGES = ".,;:!?…()[]{}\"'“”„«»‘’`–—-。，、；：！？（）「」"


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of the text: in one case and without the punctuation around it, its paragraph and place there."""

    plain: str
    paragraph: int
    start: int
    end: int


@dataclass(slots=True)
class _Shown:
    """The text as words, and where each run of three begins."""

    words: list[_Word]
    runs: dict[tuple[str, ...], list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plain = [word.plain for word in self.words]
        for at in range(len(plain) - _RUN + 1):
            places = self.runs.setdefault(tuple(plain[at : at + _RUN]), [])
            if len(places) < 8:
                places.append(at)


@dataclass(frozen=True, slots=True)
class _Patch:
    """A stretch of one paragraph, and the words that the data has there."""

    paragraph: int
    start: int
    end: int
    text: str


def data_of(tree: HtmlElement) -> tuple[str, ...]:
    """What a page carries beside its text, before scripts are taken out of it: scripts' and meta elements' contents."""
    found: list[str] = []
    left = MAX_DATA
    for element in tree.iter("script", "meta"):
        content = (element.text if element.tag == "script" else element.get("content")) or ""
        if 40 <= len(content) <= left:
            found.append(content)
            left -= len(content)
    return tuple(found)


def variants(text: str, data: Sequence[str]) -> tuple[tuple[int, str], ...]:
    """The paragraphs of a text that its page's data has in other words: (place, as the data has it), in order."""
    paragraphs = text.split("\n\n")
    anchors = _anchors(paragraphs)
    candidates = [part for one in data if (part := _around(one, anchors))]
    if not candidates or len(text) > 10 * MAX_WORDS:
        return ()
    shown = _Shown([word for place, one in enumerate(paragraphs) for word in _words(one, place)][:MAX_WORDS])
    found: dict[int, _Patch] = {}
    for sentence in _sentences(candidates):
        patch = _patch(shown, sentence) if _begins_in(shown, sentence) and sentence not in text else None
        if patch is not None:
            found.setdefault(patch.paragraph, patch)
        if len(found) >= MAX_VARIANTS:
            break
    return tuple((place, _patched(paragraphs[place], patch)) for place, patch in sorted(found.items()))


def _anchors(paragraphs: Sequence[str]) -> list[str]:
    """How some longer paragraphs begin, as they stand and as JSON may spell them."""
    found: list[str] = []
    for one in islice((one for one in paragraphs if len(one) > 60), 60):
        start = one[:20]
        found.append(start)
        if (spelled := json.dumps(start)[1:-1]) != start:
            found += [spelled, spelled.replace("\\", "\\\\")]
    return found


def _around(script: str, anchors: Sequence[str]) -> str:
    """The part of a script that holds some of the article, from the string on that it begins in; empty if none does."""
    places = [place for anchor in anchors if (place := script.find(anchor)) >= 0]
    if not places or len(script) <= 4 * _AROUND:
        return script if places else ""
    last = max(script.rfind(anchor) for anchor in anchors)
    start = script.rfind('"', 0, min(places))  # so that no string is taken for what stands between two
    return script[max(start, 0) : last + _AROUND]


def _sentences(data: Sequence[str]) -> Iterator[str]:
    """The sentences of every string in the data, each string once, in order."""
    seen: set[str] = set()
    waiting = list(reversed(data))
    while waiting and len(seen) < MAX_STRINGS:
        for string in map(_plain, filter(_is_long, _QUOTE.split(waiting.pop()))):
            if string in seen:
                continue
            seen.add(string)
            if '":' in string:  # a string that holds data itself
                waiting.append(string)
            else:
                yield from _SENTENCE.split(string)


def _is_long(string: str) -> bool:
    return len(string) >= _SHORTEST


def _plain(string: str) -> str:
    """A string of JSON as text: escapes undone, markup a break."""
    if "\\" in string:
        try:
            string = json.loads(f'"{string}"', strict=False)
        except ValueError:
            string = string.replace("\\n", "\n").replace('\\"', '"').replace("\\/", "/")
    if "&" in string:
        string = unescape(string)
    return unescape(_TAGS.sub(" ", string)) if "<" in string else string


def _begins_in(shown: _Shown, sentence: str) -> bool:
    """Whether the text has the first words of a sentence side by side; asked first, since few sentences do."""
    if len(sentence) < 20:
        return False
    start = sentence[:120]
    return tuple(word.plain for word in islice(_words(start), _RUN)) in shown.runs


def _words(text: str, paragraph: int = 0) -> Iterator[_Word]:
    for found in _WORD.finditer(text):
        if plain := found.group().lower().strip(_EDGES):
            yield _Word(plain, paragraph, found.start(), found.end())


def _patch(shown: _Shown, sentence: str) -> _Patch | None:
    """Where the text has a sentence but for one place in it, behind its third word.

    None where it has the sentence as it is, or does not have it.
    """
    if len(sentence) > 20 * MAX_SENTENCE:
        return None
    new = list(_words(sentence))
    if not _FEWEST_ALIKE <= len(new) <= MAX_SENTENCE:
        return None
    plain = [word.plain for word in new]
    best: _Patch | None = None
    for at in shown.runs.get(tuple(plain[:_RUN]), ()):
        same = _same_start(shown.words, at, plain)
        if same == len(plain):
            return None
        best = best or _one_edit(shown, at, new, sentence)
    return best


def _same_start(words: Sequence[_Word], at: int, plain: Sequence[str]) -> int:
    most = min(len(plain), len(words) - at)
    same = 0
    while same < most and words[at + same].plain == plain[same] and words[at + same].paragraph == words[at].paragraph:
        same += 1
    return same


def _one_edit(shown: _Shown, at: int, new: Sequence[_Word], sentence: str) -> _Patch | None:
    """The patch that makes the sentence of the text from `at`, which begins with the same words.

    What the text has elsewhere is no edit here: copies run headings and paragraphs together.
    """
    words, paragraph = shown.words, shown.words[at].paragraph
    same = _same_start(words, at, [word.plain for word in new])
    rest = [word.plain for word in new[same:]]
    after = [
        word.plain for word in words[at + same : at + same + _LONGEST_EDIT + len(rest)] if word.paragraph == paragraph
    ]
    tail, gone = _same_end(rest, after)
    if same + tail < _FEWEST_ALIKE or len(rest) - tail > _LONGEST_EDIT or gone > _LONGEST_EDIT:
        return None
    if not after and any(tuple(rest[at : at + _RUN]) in shown.runs for at in (0, 1, 2)):
        return None
    start = words[at + same - 1].end
    end = words[at + same + gone - 1].end if gone else start
    text = sentence[new[same - 1].end : new[len(new) - tail - 1].end]
    return _Patch(paragraph, start, end, text)


def _same_end(rest: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """How many words at the end of `rest` stand in `after`, and how many of `after` stand before them.

    Where none does, the first of `after` goes if it is like the only one of `rest`.
    """
    for tail in range(len(rest), 0, -1):
        wanted = list(rest[len(rest) - tail :])
        for gone in range(min(_LONGEST_EDIT, len(after) - tail) + 1):
            if after[gone] == wanted[0] and list(after[gone : gone + tail]) == wanted and (tail > 1 or gone <= 2):
                return tail, gone
    return 0, int(len(rest) == 1 and bool(after) and _is_alike(rest[0], after[0]))


def _is_alike(one: str, other: str) -> bool:
    return Levenshtein.distance(one, other, score_cutoff=3) <= min(3, max(len(one), len(other)) // 2)


def _patched(paragraph: str, patch: _Patch) -> str:
    return paragraph[: patch.start] + patch.text + paragraph[patch.end :]
