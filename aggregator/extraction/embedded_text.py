"""Find paragraphs that a page's embedded data has in other words than the visible text.

Pages contain copies of their text in JSON-LD, in the initial state of their scripts, and in meta elements. If such a
copy differs from the visible text, the publisher has edited one of them and not (or not yet) the other, which is an
edit. Copies are searched within single strings only, so that ids and settings between strings are never text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from itertools import islice

from lxml.html import HtmlElement

from aggregator.extraction.metadata.titles import normalize_words
from aggregator.extraction.text_alignment import Patch, TextAligner, apply_patches

MAX_DATA_CHARACTERS = 4 * 2**20
"""Maximum number of characters of embedded data that are searched."""
MAX_STRINGS = 2_000
MAX_DIFFERING_PARAGRAPHS = 40

# Splits data at unescaped quotes into strings and the pieces between strings, which never begin like text.
_QUOTE = re.compile(r'(?<!\\)"')
_MIN_STRING_LENGTH, _MAX_TITLE_LENGTH = 40, 400
_CONTEXT_CHARACTERS = 20_000
"""Number of characters of a script that are kept around the places with text of the article."""
_HTML_TAGS = re.compile(r"<[^<>]{1,2000}>")


def read_page_data(tree: HtmlElement) -> tuple[str, ...]:
    """Return the contents of scripts, text areas and meta elements; call it before these are removed."""
    contents: list[str] = []
    left = MAX_DATA_CHARACTERS
    for element in tree.iter("script", "meta", "textarea"):
        content = (element.get("content") if element.tag == "meta" else element.text) or ""
        if 40 <= len(content) <= left:
            contents.append(content)
            left -= len(content)
    return tuple(contents)


@dataclass(frozen=True, slots=True)
class PageDataComparison:
    """Places of the paragraphs that the embedded data contains, and (place, paragraph) of those that differ."""

    in_page_data: tuple[int, ...] = ()
    differs_in_page_data: tuple[tuple[int, str], ...] = ()


def compare_with_page_data(text: str, data: Sequence[str], headlines: Collection[str] = ()) -> PageDataComparison:
    """Compare a text with embedded data; strings that equal one of the `headlines` are no copies of the text."""
    paragraphs = text.split("\n\n")
    anchors = _make_anchors(paragraphs)
    candidates = [part for script in data if (part := _cut_script(script, anchors))]
    if not candidates:
        return PageDataComparison()
    aligner = TextAligner(paragraphs)
    titles = set(map(normalize_words, headlines))
    patches: dict[int, list[Patch]] = {}
    for string in _iterate_strings(candidates):
        if len(string) < _MAX_TITLE_LENGTH and normalize_words(string) in titles:
            continue
        if any(anchor in string for anchor in anchors) or aligner.has_start(string):
            for patch in aligner.find_patches(string):
                _add_patch(patches, patch)
        if len(patches) >= MAX_DIFFERING_PARAGRAPHS:
            break
    differing = tuple(
        (place, apply_patches(paragraphs[place], patches[place]))
        for place in sorted(patches)[:MAX_DIFFERING_PARAGRAPHS]
    )
    return PageDataComparison(tuple(sorted(aligner.matched_paragraphs)), differing)


def _add_patch(patches: dict[int, list[Patch]], patch: Patch) -> None:
    """Add a patch unless it touches an earlier one: of two copies that differ in one place, the first wins."""
    known = patches.setdefault(patch.paragraph, [])
    if all(patch.end < earlier.start or earlier.end < patch.start for earlier in known):
        known.append(patch)


def _make_anchors(paragraphs: Sequence[str]) -> list[str]:
    """Return the beginnings of longer paragraphs, verbatim and with the escapes of JSON."""
    anchors: list[str] = []
    for paragraph in islice((paragraph for paragraph in paragraphs if len(paragraph) > 60), 60):
        start = paragraph[:20]
        anchors.append(start)
        if (escaped := json.dumps(start)[1:-1]) != start:
            anchors += [escaped, escaped.replace("\\", "\\\\")]
    return anchors


def _cut_script(script: str, anchors: Sequence[str]) -> str:
    """Return the part of a script around the article's text, from the beginning of a string; empty without text."""
    places = [place for anchor in anchors if (place := script.find(anchor)) >= 0]
    if not places or len(script) <= 4 * _CONTEXT_CHARACTERS:
        return script if places else ""
    last = max(script.rfind(anchor) for anchor in anchors)
    start = script.rfind('"', 0, min(places))  # start at a quote, so that strings and pieces between them do not swap
    return script[max(start, 0) : last + _CONTEXT_CHARACTERS]


def _iterate_strings(data: Sequence[str]) -> Iterator[str]:
    """Yield every longer string in the data as text, without duplicates, in order."""
    seen: set[str] = set()
    waiting = list(reversed(data))
    while waiting and len(seen) < MAX_STRINGS:
        for string in map(_decode_string, filter(_is_long, _QUOTE.split(waiting.pop()))):
            if string in seen:
                continue
            seen.add(string)
            if '":' in string:  # a string with JSON inside
                waiting.append(string)
            else:
                yield string


def _is_long(string: str) -> bool:
    return len(string) >= _MIN_STRING_LENGTH


def _decode_string(string: str) -> str:
    """Return a JSON string as text: escapes resolved, tags replaced by spaces."""
    if "\\" in string:
        try:
            string = json.loads(f'"{string}"', strict=False)
        except ValueError:
            string = string.replace("\\n", "\n").replace('\\"', '"').replace("\\/", "/")
    if "&" in string:
        string = unescape(string)
    return unescape(_HTML_TAGS.sub(" ", string)) if "<" in string else string
