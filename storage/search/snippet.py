"""The passage of a text that shows best why it was found, cut from the true text and marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from storage.search.prepare import RUN, WORD, fold
from storage.search.query import Term

START, END = "\ue000", "\ue001"
"""Marks around what was found: characters that no cleaned text means anything by; escape first, then replace them."""
_LONGEST_TEXT = 100_000
_WIDTH = 240
_LEAD = 60
_MOST_FOUND = 400
_PIECES = re.compile(rf"[{RUN}]+|{WORD}")
_RUN = re.compile(rf"[{RUN}]")
_SPACES = re.compile(r"\s+")


def snippet(text: str, terms: Sequence[Term]) -> str:
    """About 240 characters around the first place where the most different terms stand; the beginning if none does."""
    text = text[:_LONGEST_TEXT].replace(START, "").replace(END, "")
    found = list(_found(text, terms)) if terms else []
    start, end = _window(text, found)
    parts, at = [], start
    for left, right, _ in found:
        if left >= at and right <= end:
            parts += [text[at:left], START, text[left:right], END]
            at = right
    parts.append(text[at:end])
    passage = _SPACES.sub(" ", "".join(parts)).strip()
    return ("… " if start else "") + passage + (" …" if end < len(text) else "")


def _found(text: str, terms: Sequence[Term]) -> Iterator[tuple[int, int, int]]:
    """(start, end, which term) in order; words are compared whole, runs of pair scripts anywhere inside a run."""
    words = {term.shown: n for n, term in enumerate(terms) if not _RUN.match(term.shown)}
    runs = [(term.shown, n) for n, term in enumerate(terms) if _RUN.match(term.shown)]
    count = 0
    for piece in _PIECES.finditer(text):
        folded = fold(piece.group())
        for left, right, which in _in_piece(folded, len(piece.group()), words, runs):
            yield piece.start() + left, piece.start() + right, which
            count += 1
        if count >= _MOST_FOUND:
            return


def _in_piece(
    folded: str, length: int, words: dict[str, int], runs: Sequence[tuple[str, int]]
) -> Iterator[tuple[int, int, int]]:
    if folded in words:
        yield 0, length, words[folded]
        return
    places = sorted(
        (at.start(), at.end(), n)
        for shown, n in runs
        if shown in folded
        for at in re.finditer(re.escape(shown), folded)
    )
    if places and len(folded) != length:
        yield 0, length, places[0][2]
        return
    end = 0
    for left, right, n in places:
        if left >= end:
            yield left, right, n
            end = right


def _window(text: str, found: Sequence[tuple[int, int, int]]) -> tuple[int, int]:
    """Start and end of the passage, moved to the spaces nearest to them."""
    best, most = 0, 0
    for i, (left, _, _) in enumerate(found):
        different = len({n for at, right, n in found[i : i + 40] if right <= left + _WIDTH - _LEAD})
        if different > most:
            best, most = left, different
    start = max(0, best - _LEAD) if most else 0
    if start:
        space = text.find(" ", start, best)
        start = space + 1 if space >= 0 else start
    end = min(len(text), start + _WIDTH)
    if end < len(text):
        space = text.rfind(" ", max(start + _WIDTH - 40, start), end)
        end = space if space >= 0 else end
    return start, end
