"""The passage of a text that shows best why it was found, cut from the true text and marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from storage.search.analyzer import fold, pieces
from storage.search.folding import UNLIKE, beginning, folded_in_place, run, set_apart, word
from storage.search.planner import at_digits, without_possessives
from storage.search.query.tree import Words
from storage.search.query.word_forms import forms

START, END = "\ue000", "\ue001"
"""Marks around what was found: characters that no cleaned text means anything by; escape first, then replace them."""
_LONGEST_TEXT = 50_000
_WIDTH = 240
_LEAD = 60
_MOST_FOUND = 400
_SPACES = re.compile(r"\s+")
Place = tuple[int, int, int]
"""Start, end, and which term."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is marked, each with which of the things looked for it is: whole words, beginnings, runs."""

    words: dict[str, int]
    beginnings: list[tuple[str, int]]
    runs: list[tuple[str, int]]


def snippet(text: str, sought: Sequence[Words]) -> str:
    """About 240 characters around the place where the most different words stand; the beginning if none does."""
    text = text[:_LONGEST_TEXT].replace(START, "").replace(END, "")
    found = list(_found(text, _wanted(sought))) if sought else []
    start, end = _window(text, found)
    parts, at = [], start
    for left, right, _ in found:
        if left >= at and right <= end:
            parts += [text[at:left], START, text[left:right], END]
            at = right
    parts.append(text[at:end])
    passage = _SPACES.sub(" ", "".join(parts)).strip()
    return ("… " if start else "") + passage + (" …" if end < len(text) else "")


def _wanted(sought: Sequence[Words]) -> _Wanted:
    wanted, number = _Wanted({}, [], []), 0
    for one in sought:
        for piece, is_run in pieces(one.text if one.phrase else without_possessives(one.text)):
            number += 1
            if is_run:
                wanted.runs.append((piece, number))
            elif one.prefix:
                wanted.beginnings.append((piece, number))
            else:
                for form in (piece,) if one.phrase else (*forms(piece), *at_digits(piece)):
                    wanted.words.setdefault(form, number)
    return wanted


def _found(text: str, wanted: _Wanted) -> Iterator[Place]:
    """Where it stands, in order: words are compared whole, runs of pair scripts anywhere inside a run."""
    looked_for = re.compile("|".join(_expressions(wanted)))
    for found in islice(looked_for.finditer(folded_in_place(text)), _MOST_FOUND):
        number = _number(found[0], wanted)
        if not number and UNLIKE in found[0]:
            number = _number(fold(text[found.start() : found.end()]), wanted)
        if number:
            yield found.start(), found.end(), number


def _expressions(wanted: _Wanted) -> Iterator[str]:
    yield from (beginning(one) for one, _ in wanted.beginnings)
    yield from (word(one) for one in wanted.words)
    yield from (run(one) for one, _ in sorted(wanted.runs, key=lambda one: -len(one[0])))
    if wanted.words or wanted.beginnings:
        yield rf"\w*{UNLIKE}\w*"


def _number(folded: str, wanted: _Wanted) -> int:
    """Which of the things looked for it is; 0 for none."""
    if folded in wanted.words:
        return wanted.words[folded]
    begun = next((number for one, number in wanted.beginnings if folded.startswith(one)), 0)
    return begun or next((number for one, number in wanted.runs if set_apart(one) == folded), 0)


def _window(text: str, found: Sequence[Place]) -> tuple[int, int]:
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
