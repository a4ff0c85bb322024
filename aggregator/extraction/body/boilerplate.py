"""Taking a source's learned boilerplate out of a body, and remembering where it stood."""

from __future__ import annotations

from collections.abc import Sequence, Set

from lxml.etree import _Element

from aggregator.extraction.body.render import render_text
from storage.text.characters import count_words
from storage.text.wording import MAX_PARAGRAPHS, block_digest

MIN_REMAINING_WORDS = 25
"""Where fewer words would be left, nothing is taken out: what recurs may be all there is."""


def remove_boilerplate(body: _Element, text: str, learned: Set[int]) -> tuple[tuple[int, str], ...]:
    """Take learned paragraphs out of a body that has this text, in place; returns each with its place in it."""
    if not learned:
        return ()
    whole = text.split("\n\n")
    kept = [one for one in whole if block_digest(one) not in learned]
    if len(kept) == len(whole) or len(whole) > MAX_PARAGRAPHS or count_words(" ".join(kept)) < MIN_REMAINING_WORDS:
        return ()
    _remove_paragraphs(body, learned)
    return _list_removed(whole, render_text(body).split("\n\n"))


def _remove_paragraphs(element: _Element, learned: Set[int]) -> None:
    for child in list(element):
        found = [block_digest(one) in learned for one in render_text(child).split("\n\n")]
        if found and all(found):
            if child.tail and child.tail.strip():
                child.addnext(_wrap_tail(child))
            element.remove(child)
        elif any(found):
            _remove_paragraphs(child, learned)


def _wrap_tail(child: _Element) -> _Element:
    """The loose text behind an element, as a paragraph of its own."""
    paragraph = child.makeelement("p")
    paragraph.text, child.tail = child.tail, None
    return paragraph


def _list_removed(whole: Sequence[str], kept: Sequence[str]) -> tuple[tuple[int, str], ...]:
    """What `whole` has beyond `kept`, which is a part of it in the same order, each with its place."""
    found, at = [], 0
    for place, paragraph in enumerate(whole):
        if at < len(kept) and paragraph == kept[at]:
            at += 1
        else:
            found.append((place, paragraph))
    return tuple(found)
