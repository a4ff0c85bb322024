"""Remove a source's learned boilerplate from a body, and record each removed paragraph with its place."""

from __future__ import annotations

from collections.abc import Sequence, Set

from lxml.etree import _Element

from aggregator.extraction.body.render import render_text
from storage.text.characters import count_words
from storage.text.wording import MAX_PARAGRAPHS, block_digest

MIN_REMAINING_WORDS = 25
"""Remove nothing if fewer words would remain: the recurring paragraphs may be the whole article."""


def remove_boilerplate(body: _Element, text: str, learned: Set[int]) -> tuple[tuple[int, str], ...]:
    """Remove learned paragraphs (digests) from a body in place; `text` is the body's text.

    Return the removed paragraphs as (place in the text, paragraph).
    """
    if not learned:
        return ()
    whole = text.split("\n\n")
    kept = [paragraph for paragraph in whole if block_digest(paragraph) not in learned]
    if len(kept) == len(whole) or len(whole) > MAX_PARAGRAPHS or count_words(" ".join(kept)) < MIN_REMAINING_WORDS:
        return ()
    _remove_paragraphs(body, learned)
    return _list_removed(whole, render_text(body).split("\n\n"))


def _remove_paragraphs(element: _Element, learned: Set[int]) -> None:
    for child in list(element):
        is_learned = [block_digest(paragraph) in learned for paragraph in render_text(child).split("\n\n")]
        if is_learned and all(is_learned):
            if child.tail and child.tail.strip():
                child.addnext(_wrap_tail(child))
            element.remove(child)
        elif any(is_learned):
            _remove_paragraphs(child, learned)


def _wrap_tail(child: _Element) -> _Element:
    """Move the loose text behind an element into a new paragraph element, and return it."""
    paragraph = child.makeelement("p")
    paragraph.text, child.tail = child.tail, None
    return paragraph


def _list_removed(whole: Sequence[str], kept: Sequence[str]) -> tuple[tuple[int, str], ...]:
    """Return the (place, paragraph) pairs of `whole` that `kept`, a subsequence of it, lacks."""
    removed, at = [], 0
    for place, paragraph in enumerate(whole):
        if at < len(kept) and paragraph == kept[at]:
            at += 1
        else:
            removed.append((place, paragraph))
    return tuple(removed)
