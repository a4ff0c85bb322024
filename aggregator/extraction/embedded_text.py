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

from aggregator.extraction.metadata.titles import key
from aggregator.extraction.text_alignment import Patch, Shown, patched

MAX_DATA = 4 * 2**20
"""Characters of a page's data that are looked at."""
MAX_STRINGS = 2_000
MAX_VARIANTS = 40

# What stands between two quotes that are not escaped: a string, or what is between strings, which begins like no text.
_QUOTE = re.compile(r'(?<!\\)"')
_SHORTEST, _LONGEST_TITLE = 40, 400
_AROUND = 20_000
"""Characters before the first and behind the last place where some of the article was found in a script."""
_TAGS = re.compile(r"<[^<>]{1,2000}>")


def data_of(tree: HtmlElement) -> tuple[str, ...]:
    """What a page carries beside its text, before it is cleaned: contents of scripts, text areas, meta elements."""
    found: list[str] = []
    left = MAX_DATA
    for element in tree.iter("script", "meta", "textarea"):
        content = (element.get("content") if element.tag == "meta" else element.text) or ""
        if 40 <= len(content) <= left:
            found.append(content)
            left -= len(content)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Echoes:
    """The places of the paragraphs that a page's data has, and those that it has in other words: (place, words)."""

    echoed: tuple[int, ...] = ()
    variants: tuple[tuple[int, str], ...] = ()


def echoes(text: str, data: Sequence[str], headlines: Collection[str] = ()) -> Echoes:
    """What a page's data says of a text; the page's `headlines` may be like a sentence of it, and are none."""
    paragraphs = text.split("\n\n")
    anchors = _anchors(paragraphs)
    candidates = [part for one in data if (part := _around(one, anchors))]
    if not candidates:
        return Echoes()
    shown = Shown(paragraphs)
    titles = set(map(key, headlines))
    found: dict[int, list[Patch]] = {}
    for string in _strings(candidates):
        if len(string) < _LONGEST_TITLE and key(string) in titles:
            continue
        if any(anchor in string for anchor in anchors) or shown.has_start(string):
            for patch in shown.patches(string):
                _add(found, patch)
        if len(found) >= MAX_VARIANTS:
            break
    worded = tuple((place, patched(paragraphs[place], found[place])) for place in sorted(found)[:MAX_VARIANTS])
    return Echoes(tuple(sorted(shown.echoed)), worded)


def _add(found: dict[int, list[Patch]], patch: Patch) -> None:
    """Of two copies that have one place in other words, the first is believed."""
    known = found.setdefault(patch.paragraph, [])
    if all(patch.end < one.start or one.end < patch.start for one in known):
        known.append(patch)


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


def _strings(data: Sequence[str]) -> Iterator[str]:
    """Every string in the data as text, each once, in order."""
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
                yield string


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
