"""Cut and highlight the best passage of a text."""

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
"""Marks around matches: private-use characters. Escape a snippet first, then replace them."""
_MAX_TEXT_LENGTH = 50_000
_SNIPPET_WIDTH = 240
_LEAD_WIDTH = 60
_MAX_SPANS = 400
_SPACES = re.compile(r"\s+")
MarkedSpan = tuple[int, int, int]
"""Start, end, and the number of the term."""


@dataclass(frozen=True, slots=True)
class _SnippetTerms:
    """Words, prefixes and unspaced runs to highlight, each with the number of its term."""

    words: dict[str, int]
    prefixes: list[tuple[str, int]]
    unspaced: list[tuple[str, int]]


def make_snippet(text: str, terms: Sequence[Terms]) -> str:
    """Return about 240 characters around the passage with the most distinct terms, or the beginning of the text."""
    text = text[:_MAX_TEXT_LENGTH].replace(MARK_START, "").replace(MARK_END, "")
    spans = list(_find_spans(text, _collect_terms(terms))) if terms else []
    start, end = _choose_window(text, spans)
    parts, at = [], start
    for left, right, _ in spans:
        if left >= at and right <= end:
            parts += [text[at:left], MARK_START, text[left:right], MARK_END]
            at = right
    parts.append(text[at:end])
    passage = _SPACES.sub(" ", "".join(parts)).strip()
    return ("… " if start else "") + passage + (" …" if end < len(text) else "")


def _collect_terms(nodes: Sequence[Terms]) -> _SnippetTerms:
    terms, number = _SnippetTerms({}, [], []), 0
    for node in nodes:
        for piece, is_run in split_words(node.text if node.is_phrase else remove_possessives(node.text)):
            number += 1
            if is_run:
                terms.unspaced.append((piece, number))
            elif node.is_prefix:
                terms.prefixes.append((piece, number))
            else:
                for form in (piece,) if node.is_phrase else (*word_forms(piece), *split_at_digits(piece)):
                    terms.words.setdefault(form, number)
    return terms


def _find_spans(text: str, terms: _SnippetTerms) -> Iterator[MarkedSpan]:
    """Yield the spans of the terms in order. Words match as a whole, unspaced runs match anywhere."""
    pattern = re.compile("|".join(_term_patterns(terms)))
    for match in islice(pattern.finditer(fold_in_place(text)), _MAX_SPANS):
        number = _term_number(match[0], terms)
        if not number and UNFOLDABLE in match[0]:
            number = _term_number(fold(text[match.start() : match.end()]), terms)
        if number:
            yield match.start(), match.end(), number


def _term_patterns(terms: _SnippetTerms) -> Iterator[str]:
    yield from (prefix_pattern(prefix) for prefix, _ in terms.prefixes)
    yield from (word_pattern(word) for word in terms.words)
    yield from (unspaced_pattern(run) for run, _ in sorted(terms.unspaced, key=lambda item: -len(item[0])))
    if terms.words or terms.prefixes:
        yield rf"\w*{UNFOLDABLE}\w*"


def _term_number(folded: str, terms: _SnippetTerms) -> int:
    """Return the number of the term that matches folded text, or 0."""
    if folded in terms.words:
        return terms.words[folded]
    by_prefix = next((number for prefix, number in terms.prefixes if folded.startswith(prefix)), 0)
    return by_prefix or next((number for run, number in terms.unspaced if shift_unspaced(run) == folded), 0)


def _choose_window(text: str, spans: Sequence[MarkedSpan]) -> tuple[int, int]:
    """Return the start and end of the passage with the most distinct terms, aligned with spaces."""
    best, most = 0, 0
    for i, (left, _, _) in enumerate(spans):
        distinct = len({n for at, right, n in spans[i : i + 40] if right <= left + _SNIPPET_WIDTH - _LEAD_WIDTH})
        if distinct > most:
            best, most = left, distinct
    start = max(0, best - _LEAD_WIDTH) if most else 0
    if start:
        space = text.find(" ", start, best)
        start = space + 1 if space >= 0 else start
    end = min(len(text), start + _SNIPPET_WIDTH)
    if end < len(text):
        space = text.rfind(" ", max(start + _SNIPPET_WIDTH - 40, start), end)
        end = space if space >= 0 else end
    return start, end
