"""The passage of a text that shows best why it was found, cut from the true text and marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from storage.search.analyzer import fold, split_words
from storage.search.folding import (
    UNFOLDABLE,
    fold_in_place,
    prefix_pattern,
    shift_unspaced,
    unspaced_pattern,
    word_pattern,
)
from storage.search.planner import remove_possessives, split_at_digits
from storage.search.query.tree import Terms
from storage.search.query.word_forms import word_forms

MARK_START, MARK_END = "\ue000", "\ue001"
"""Marks around what was found: characters that no cleaned text means anything by; escape first, then replace them."""
_MAX_TEXT_LENGTH = 50_000
_SNIPPET_WIDTH = 240
_LEAD_WIDTH = 60
_MAX_SPANS = 400
_SPACES = re.compile(r"\s+")
MarkedSpan = tuple[int, int, int]
"""Start, end, and which term."""


@dataclass(frozen=True, slots=True)
class _SnippetTerms:
    """What is marked, each with which of the things looked for it is: whole words, beginnings, runs."""

    words: dict[str, int]
    prefixes: list[tuple[str, int]]
    unspaced: list[tuple[str, int]]


def make_snippet(text: str, sought: Sequence[Terms]) -> str:
    """About 240 characters around the place where the most different words stand; the beginning if none does."""
    text = text[:_MAX_TEXT_LENGTH].replace(MARK_START, "").replace(MARK_END, "")
    found = list(_find_spans(text, _collect_terms(sought))) if sought else []
    start, end = _choose_window(text, found)
    parts, at = [], start
    for left, right, _ in found:
        if left >= at and right <= end:
            parts += [text[at:left], MARK_START, text[left:right], MARK_END]
            at = right
    parts.append(text[at:end])
    passage = _SPACES.sub(" ", "".join(parts)).strip()
    return ("… " if start else "") + passage + (" …" if end < len(text) else "")


def _collect_terms(sought: Sequence[Terms]) -> _SnippetTerms:
    wanted, number = _SnippetTerms({}, [], []), 0
    for one in sought:
        for piece, is_run in split_words(one.text if one.is_phrase else remove_possessives(one.text)):
            number += 1
            if is_run:
                wanted.unspaced.append((piece, number))
            elif one.is_prefix:
                wanted.prefixes.append((piece, number))
            else:
                for form in (piece,) if one.is_phrase else (*word_forms(piece), *split_at_digits(piece)):
                    wanted.words.setdefault(form, number)
    return wanted


def _find_spans(text: str, wanted: _SnippetTerms) -> Iterator[MarkedSpan]:
    """Where it stands, in order: words are compared whole, runs of pair scripts anywhere inside a run."""
    looked_for = re.compile("|".join(_term_patterns(wanted)))
    for found in islice(looked_for.finditer(fold_in_place(text)), _MAX_SPANS):
        number = _term_number(found[0], wanted)
        if not number and UNFOLDABLE in found[0]:
            number = _term_number(fold(text[found.start() : found.end()]), wanted)
        if number:
            yield found.start(), found.end(), number


def _term_patterns(wanted: _SnippetTerms) -> Iterator[str]:
    yield from (prefix_pattern(one) for one, _ in wanted.prefixes)
    yield from (word_pattern(one) for one in wanted.words)
    yield from (unspaced_pattern(one) for one, _ in sorted(wanted.unspaced, key=lambda one: -len(one[0])))
    if wanted.words or wanted.prefixes:
        yield rf"\w*{UNFOLDABLE}\w*"


def _term_number(folded: str, wanted: _SnippetTerms) -> int:
    """Which of the things looked for it is; 0 for none."""
    if folded in wanted.words:
        return wanted.words[folded]
    begun = next((number for one, number in wanted.prefixes if folded.startswith(one)), 0)
    return begun or next((number for one, number in wanted.unspaced if shift_unspaced(one) == folded), 0)


def _choose_window(text: str, found: Sequence[MarkedSpan]) -> tuple[int, int]:
    """Start and end of the passage, moved to the spaces nearest to them."""
    best, most = 0, 0
    for i, (left, _, _) in enumerate(found):
        different = len({n for at, right, n in found[i : i + 40] if right <= left + _SNIPPET_WIDTH - _LEAD_WIDTH})
        if different > most:
            best, most = left, different
    start = max(0, best - _LEAD_WIDTH) if most else 0
    if start:
        space = text.find(" ", start, best)
        start = space + 1 if space >= 0 else start
    end = min(len(text), start + _SNIPPET_WIDTH)
    if end < len(text):
        space = text.rfind(" ", max(start + _SNIPPET_WIDTH - 40, start), end)
        end = space if space >= 0 else end
    return start, end
