"""Compare two texts word by word, and classify the edit between them.

The word diff has the least edit distance over words (rapidfuzz's bit-parallel Levenshtein). Its memory
is bounded: if the parts that differ are too long to compare, the new part replaces the old part as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage.text.characters import COMBINING_MARKS, EAST_ASIAN

_TOKEN = re.compile(
    rf"[{EAST_ASIAN}]|\s+|(?:[^\W{EAST_ASIAN}{COMBINING_MARKS}]|[{COMBINING_MARKS}])+|[^\w\s{COMBINING_MARKS}]"
)
_WORD = re.compile(rf"[{EAST_ASIAN}]|[^\s{EAST_ASIAN}]+")
_NUMBER = re.compile(r"\d+(?:[.,:  ]\d+)*")
_PUNCTUATION = ".,;:!?…()[]{}\"'“”„«»‘’–—-。，、；：！？（）「」"
_MAX_COMPARISONS = 300_000_000
"""Maximum product of the word counts of two compared parts; it takes about 80 MB of memory."""
MAX_TYPO_WORDS, MAX_TYPO_DISTANCE = 2, 2
MIN_COMMON_SHARE = 0.5
"""If two texts share a smaller part of their words, the edit is a rewrite."""


class EditKind(StrEnum):
    """Kind of the edit that began a revision: the first of these that applies."""

    WITHDRAWN = "withdrawn"
    RESTORED = "restored"
    REWRITE = "rewrite"
    HEADLINE = "headline"
    NUMBERS = "numbers"
    TYPO = "typo"
    BODY = "body"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffPart:
    """A run of text; `op` is "=" if both texts have it, "-" for the older text only, "+" for the newer only."""

    op: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDifference:
    """Kind of the edit between two texts, and the numbers of characters added and removed, without white space."""

    kind: EditKind
    added: int
    removed: int


def diff_words(before: str, after: str) -> list[DiffPart]:
    """Return the parts in order; two neighbours never have the same `op`.

    The parts with "=" and "-" make `before`, those with "=" and "+" make `after`.
    """
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    parts: list[DiffPart] = []
    for op, left, right in _runs(old, new):
        for sign, text in (("=", "".join(left)),) if op == "=" else (("-", "".join(left)), ("+", "".join(right))):
            if text:
                parts.append(DiffPart(op=sign, text=text))
    return list(_join_changes(parts))


def compare_texts(before: tuple[str, str], after: tuple[str, str]) -> TextDifference:
    """Classify and measure the edit between two different (title, comparable text) pairs."""
    parts = diff_words("\n".join(before), "\n".join(after))
    return TextDifference(
        kind=_edit_kind(before, after), added=_count_characters(parts, "+"), removed=_count_characters(parts, "-")
    )


def _edit_kind(before: tuple[str, str], after: tuple[str, str]) -> EditKind:
    old, new = _words(before[1]), _words(after[1])
    changes = [(left, right) for op, left, right in _runs(old, new) if op != "="]
    changed = sum(max(len(left), len(right)) for left, right in changes)
    if changed > (1 - MIN_COMMON_SHARE) * max(len(old), len(new), 1):
        return EditKind.REWRITE
    titles = [_words(before[0]), _words(after[0])]
    if not changes or (titles[0] != titles[1] and _without_titles(titles, old) == _without_titles(titles, new)):
        return EditKind.HEADLINE
    if _without_numbers(before) == _without_numbers(after):
        return EditKind.NUMBERS
    return EditKind.TYPO if titles[0] == titles[1] and _is_typo(changes) else EditKind.BODY


def _without_titles(titles: Sequence[Sequence[str]], words: Sequence[str]) -> list[str]:
    """Return the words of a text without every occurrence of the titles."""
    kept: list[str] = []
    at = 0
    longest_first = sorted(filter(None, titles), key=len, reverse=True)
    while at < len(words):
        title = next((title for title in longest_first if words[at : at + len(title)] == title), None)
        if title is None:
            kept.append(words[at])
        at += len(title or (None,))
    return kept


def _is_typo(changes: Sequence[tuple[Sequence[str], Sequence[str]]]) -> bool:
    from rapidfuzz.distance import Levenshtein

    pairs: list[tuple[str, str]] = []
    for left, right in changes:
        if len(left) != len(right):
            return False
        pairs += zip(left, right, strict=True)
    return len(pairs) <= MAX_TYPO_WORDS and all(
        Levenshtein.distance(left, right, score_cutoff=MAX_TYPO_DISTANCE) <= MAX_TYPO_DISTANCE for left, right in pairs
    )


def _words(text: str) -> list[str]:
    """Return the words in lower case, without the punctuation around them; an East Asian character is a word."""
    bare = (word.strip(_PUNCTUATION) for word in _WORD.findall(text.casefold()))
    return [word for word in bare if word]


def _without_numbers(text: tuple[str, str]) -> list[list[str]]:
    return [_words(_NUMBER.sub("0", part)) for part in text]


def _count_characters(parts: Sequence[DiffPart], op: str) -> int:
    return sum(len("".join(part.text.split())) for part in parts if part.op == op)


def _runs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """Yield runs in order as (op, old words, new words); `op` is "=" for equal runs and "~" for changed ones."""
    start, end = _common_ends(old, new)
    if start:
        yield "=", old[:start], new[:start]
    yield from _middle_runs(old[start : len(old) - end], new[start : len(new) - end])
    if end:
        yield "=", old[len(old) - end :], new[len(new) - end :]


def _common_ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """Return how many items two sequences share at their start, and at the end of the rest."""
    most = min(len(old), len(new))
    start = next((i for i in range(most) if old[i] != new[i]), most)
    most -= start
    end = next((i for i in range(most) if old[-1 - i] != new[-1 - i]), most)
    return start, end


def _middle_runs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    if not old or not new or len(old) * len(new) > _MAX_COMPARISONS:
        if old or new:
            yield "~", old, new
        return
    from rapidfuzz.distance import Levenshtein

    # Choose the same one of several shortest edits in both directions, so that added and removed swap places.
    is_forward = tuple(old) <= tuple(new)
    steps = Levenshtein.opcodes(old, new) if is_forward else Levenshtein.opcodes(new, old).inverse()
    for step in steps:
        op = "=" if step.tag == "equal" else "~"
        yield op, old[step.src_start : step.src_end], new[step.dest_start : step.dest_end]


def _join_changes(parts: Sequence[DiffPart]) -> Iterator[DiffPart]:
    """Merge neighbouring changes: one removed part, then one added part."""
    removed, added = "", ""
    for part in (*parts, DiffPart(op="=", text="")):
        if part.op == "-":
            removed += part.text
        elif part.op == "+":
            added += part.text
        else:
            if removed:
                yield DiffPart(op="-", text=removed)
            if added:
                yield DiffPart(op="+", text=added)
            removed = added = ""
            if part.text:
                yield part
