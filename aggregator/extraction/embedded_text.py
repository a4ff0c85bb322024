"""What a page's own data says of its article in other words than the page shows.

Pages carry copies of their text beside it: in JSON-LD, in the state that their scripts are started
with, in meta elements. Where such a copy has a place of the article worded otherwise, the publisher has
edited the one and not (or not yet) the other: an edit all the same. A copy is only looked for within one
string, so that ids and settings between strings are never taken for text.
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
"""Characters of a page's data that are looked at."""
MAX_STRINGS = 2_000
MAX_DIFFERING_PARAGRAPHS = 40

# What stands between two quotes that are not escaped: a string, or what is between strings, which begins like no text.
_QUOTE = re.compile(r'(?<!\\)"')
_MIN_STRING_LENGTH, _MAX_TITLE_LENGTH = 40, 400
_CONTEXT_CHARACTERS = 20_000
"""Characters before the first and behind the last place where some of the article was found in a script."""
_HTML_TAGS = re.compile(r"<[^<>]{1,2000}>")


def read_page_data(tree: HtmlElement) -> tuple[str, ...]:
    """What a page carries beside its text, before it is cleaned: contents of scripts, text areas, meta elements."""
    found: list[str] = []
    left = MAX_DATA_CHARACTERS
    for element in tree.iter("script", "meta", "textarea"):
        content = (element.get("content") if element.tag == "meta" else element.text) or ""
        if 40 <= len(content) <= left:
            found.append(content)
            left -= len(content)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class PageDataComparison:
    """The places of the paragraphs that a page's data has, and those that it has in other words: (place, words)."""

    in_page_data: tuple[int, ...] = ()
    differs_in_page_data: tuple[tuple[int, str], ...] = ()


def compare_with_page_data(text: str, data: Sequence[str], headlines: Collection[str] = ()) -> PageDataComparison:
    """What a page's data says of a text; the page's `headlines` may be like a sentence of it, and are none."""
    paragraphs = text.split("\n\n")
    anchors = _make_anchors(paragraphs)
    candidates = [part for one in data if (part := _cut_script(one, anchors))]
    if not candidates:
        return PageDataComparison()
    shown = TextAligner(paragraphs)
    titles = set(map(normalize_words, headlines))
    found: dict[int, list[Patch]] = {}
    for string in _iterate_strings(candidates):
        if len(string) < _MAX_TITLE_LENGTH and normalize_words(string) in titles:
            continue
        if any(anchor in string for anchor in anchors) or shown.has_start(string):
            for patch in shown.find_patches(string):
                _add_patch(found, patch)
        if len(found) >= MAX_DIFFERING_PARAGRAPHS:
            break
    worded = tuple(
        (place, apply_patches(paragraphs[place], found[place])) for place in sorted(found)[:MAX_DIFFERING_PARAGRAPHS]
    )
    return PageDataComparison(tuple(sorted(shown.matched_paragraphs)), worded)


def _add_patch(patches: dict[int, list[Patch]], patch: Patch) -> None:
    """Of two copies that have one place in other words, the first is believed."""
    known = patches.setdefault(patch.paragraph, [])
    if all(patch.end < one.start or one.end < patch.start for one in known):
        known.append(patch)


def _make_anchors(paragraphs: Sequence[str]) -> list[str]:
    """How some longer paragraphs begin, as they stand and as JSON may spell them."""
    found: list[str] = []
    for one in islice((one for one in paragraphs if len(one) > 60), 60):
        start = one[:20]
        found.append(start)
        if (spelled := json.dumps(start)[1:-1]) != start:
            found += [spelled, spelled.replace("\\", "\\\\")]
    return found


def _cut_script(script: str, anchors: Sequence[str]) -> str:
    """The part of a script that holds some of the article, from the string on that it begins in; empty if none does."""
    places = [place for anchor in anchors if (place := script.find(anchor)) >= 0]
    if not places or len(script) <= 4 * _CONTEXT_CHARACTERS:
        return script if places else ""
    last = max(script.rfind(anchor) for anchor in anchors)
    start = script.rfind('"', 0, min(places))  # so that no string is taken for what stands between two
    return script[max(start, 0) : last + _CONTEXT_CHARACTERS]


def _iterate_strings(data: Sequence[str]) -> Iterator[str]:
    """Every string in the data as text, each once, in order."""
    seen: set[str] = set()
    waiting = list(reversed(data))
    while waiting and len(seen) < MAX_STRINGS:
        for string in map(_decode_string, filter(_is_long, _QUOTE.split(waiting.pop()))):
            if string in seen:
                continue
            seen.add(string)
            if '":' in string:  # a string that holds data itself
                waiting.append(string)
            else:
                yield string


def _is_long(string: str) -> bool:
    return len(string) >= _MIN_STRING_LENGTH


def _decode_string(string: str) -> str:
    """A string of JSON as text: escapes undone, markup a break."""
    if "\\" in string:
        try:
            string = json.loads(f'"{string}"', strict=False)
        except ValueError:
            string = string.replace("\\n", "\n").replace('\\"', '"').replace("\\/", "/")
    if "&" in string:
        string = unescape(string)
    return unescape(_HTML_TAGS.sub(" ", string)) if "<" in string else string
