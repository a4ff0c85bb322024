"""How two texts differ: word by word, and what kind of edit that is; pure.

The word diff is the one of the least edit distance over words (rapidfuzz's bit-parallel
Levenshtein). Its memory is bounded: where two middles are too large to compare, one replaces the
other as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage.text.characters import COMBINING_MARKS, HAN_AND_KANA, HANGUL

_TOKEN = re.compile(
    rf"[{HAN_AND_KANA}{HANGUL}]|\s+|(?:[^\W{HAN_AND_KANA}{HANGUL}{COMBINING_MARKS}]|[{COMBINING_MARKS}])+|[^\w\s{COMBINING_MARKS}]"
)
_WORD = re.compile(rf"[{HAN_AND_KANA}]|[^\s{HAN_AND_KANA}]+")
_NUMBER = re.compile(r"\d+(?:[.,:  ]\d+)*")
_PUNCTUATION = ".,;:!?…()[]{}\"'“”„«»‘’–—-。，、；：！？（）「」"
_MAX_COMPARISONS = 300_000_000
"""Words times words of two middles that are compared: some 80 MB of working memory."""
MAX_TYPO_WORDS, MAX_TYPO_DISTANCE = 2, 2
MIN_COMMON_SHARE = 0.5
"""Below this share of words in common a text is another text."""


class EditKind(StrEnum):
    """What kind of change began a revision; the first that fits."""

    WITHDRAWN = "withdrawn"
    RESTORED = "restored"
    REWRITE = "rewrite"
    HEADLINE = "headline"
    NUMBERS = "numbers"
    TYPO = "typo"
    BODY = "body"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffPart:
    """A run of text: `op` is "=" where both have it, "-" where only the older, "+" where only the newer."""

    op: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDifference:
    """What kind of edit leads from one text to another, and how many characters (white space apart) it has."""

    kind: EditKind
    added: int
    removed: int


def diff_words(before: str, after: str) -> list[DiffPart]:
    """The parts in order: "=" and "-" make `before`, "=" and "+" make `after`; never two of one op in a row."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    parts: list[DiffPart] = []
    for op, left, right in _runs(old, new):
        for sign, text in (("=", "".join(left)),) if op == "=" else (("-", "".join(left)), ("+", "".join(right))):
            if text:
                parts.append(DiffPart(op=sign, text=text))
    return list(_join_changes(parts))


def compare_texts(before: tuple[str, str], after: tuple[str, str]) -> TextDifference:
    """The edit between two (title, wording)s that are not the same."""
    parts = diff_words("\n".join(before), "\n".join(after))
    return TextDifference(
        kind=_edit_kind(before, after), added=_count_characters(parts, "+"), removed=_count_characters(parts, "-")
    )


def _edit_kind(before: tuple[str, str], after: tuple[str, str]) -> EditKind:
    old, new = _words(before[1]), _words(after[1])
    changes = [(left, right) for op, left, right in _runs(old, new) if op != "="]
    lost = sum(max(len(left), len(right)) for left, right in changes)
    if lost > (1 - MIN_COMMON_SHARE) * max(len(old), len(new), 1):
        return EditKind.REWRITE
    titles = [_words(before[0]), _words(after[0])]
    if not changes or (titles[0] != titles[1] and _without_titles(titles, old) == _without_titles(titles, new)):
        return EditKind.HEADLINE
    if _without_numbers(before) == _without_numbers(after):
        return EditKind.NUMBERS
    return EditKind.TYPO if titles[0] == titles[1] and _is_typo(changes) else EditKind.BODY


def _without_titles(titles: Sequence[Sequence[str]], words: Sequence[str]) -> list[str]:
    """A text's words less its titles, wherever they stand in it."""
    kept: list[str] = []
    at = 0
    longest_first = sorted(filter(None, titles), key=len, reverse=True)
    while at < len(words):
        found = next((one for one in longest_first if words[at : at + len(one)] == one), None)
        if found is None:
            kept.append(words[at])
        at += len(found or (None,))
    return kept


def _is_typo(changes: Sequence[tuple[Sequence[str], Sequence[str]]]) -> bool:
    from rapidfuzz.distance import Levenshtein

    pairs: list[tuple[str, str]] = []
    for left, right in changes:
        if len(left) != len(right):
            return False
        pairs += zip(left, right, strict=True)
    return len(pairs) <= MAX_TYPO_WORDS and all(
        Levenshtein.distance(one, other, score_cutoff=MAX_TYPO_DISTANCE) <= MAX_TYPO_DISTANCE for one, other in pairs
    )


def _words(text: str) -> list[str]:
    """Words without the punctuation around them, in one case; a character of an unspaced script is a word."""
    bare = (word.strip(_PUNCTUATION) for word in _WORD.findall(text.casefold()))
    return [word for word in bare if word]


def _without_numbers(text: tuple[str, str]) -> list[list[str]]:
    return [_words(_NUMBER.sub("0", part)) for part in text]


def _count_characters(parts: Sequence[DiffPart], op: str) -> int:
    return sum(len("".join(part.text.split())) for part in parts if part.op == op)


def _runs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """Runs in order: ("=", both's) or ("~", the older's, the newer's)."""
    start, end = _common_ends(old, new)
    if start:
        yield "=", old[:start], new[:start]
    yield from _middle_runs(old[start : len(old) - end], new[start : len(new) - end])
    if end:
        yield "=", old[len(old) - end :], new[len(new) - end :]


def _common_ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many items two sequences share at their start, and at the end of the rest."""
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

    # Of several shortest ways the same one there and back, so that what the one gains the other loses.
    is_forward = tuple(old) <= tuple(new)
    steps = Levenshtein.opcodes(old, new) if is_forward else Levenshtein.opcodes(new, old).inverse()
    for step in steps:
        op = "=" if step.tag == "equal" else "~"
        yield op, old[step.src_start : step.src_end], new[step.dest_start : step.dest_end]


def _join_changes(parts: Sequence[DiffPart]) -> Iterator[DiffPart]:
    """Neighbouring changes as one: what went, then what came."""
    gone, come = "", ""
    for part in (*parts, DiffPart(op="=", text="")):
        if part.op == "-":
            gone += part.text
        elif part.op == "+":
            come += part.text
        else:
            if gone:
                yield DiffPart(op="-", text=gone)
            if come:
                yield DiffPart(op="+", text=come)
            gone = come = ""
            if part.text:
                yield part
