"""Where words stand in the true text, without preparing all of it.

A text is folded character by character, as fast as the interpreter translates a string, and what was asked is looked
for with one regular expression. The index has the last word on what is found; this says where and how often.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from storage.search.analyzer import UNSPACED_PATTERN, WORD_PATTERN, spell_out_signs, split_words
from storage.search.index.field_terms import LABEL_SIGN, is_unspaced
from storage.search.index.match import Match, MatchExcept, TokenSequence

UNFOLDABLE = "\ua66e"
"""Stands in a text folded in place for a character that is searched as several or as none: a letter of no use."""
_UNSPACED_FIRST, _UNSPACED_LAST = "\U000f0000", "\U0010ffff"
_SEPARATOR_PATTERN = rf"[^\w{_UNSPACED_FIRST}-{_UNSPACED_LAST}]"


def fold_text(text: str) -> str:
    """A text as its words are searched, all else left as it is.

    Characters of the scripts without spaces are moved to where no regular expression takes them for letters: what
    stands beside them is a word of its own.
    """
    text = spell_out_signs(text)
    return text.lower().replace("_", " ") if text.isascii() else text.translate(_FOLD_TABLE)


def fold_in_place(text: str) -> str:
    """The same with each character in its place, and `UNLIKE` for those that are not searched as one."""
    return text.lower().replace("_", " ") if text.isascii() else text.translate(_IN_PLACE_TABLE)


class _FoldTable(dict[int, str]):
    """What each character is searched as, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        found = character if character < _UNSPACED_FIRST else " "
        if character == "_":
            found = " "
        elif WORD_PATTERN.match(character):
            found = self.fold_letter("".join(piece for piece, _ in split_words(character)))
        self[code] = found
        return found

    def fold_letter(self, found: str) -> str:
        """What a letter, digit or mark becomes."""
        return shift_unspaced(found)


class _InPlaceFoldTable(_FoldTable):
    def fold_letter(self, found: str) -> str:
        return shift_unspaced(found) if len(found) == 1 else UNFOLDABLE


def shift_unspaced(characters: str) -> str:
    """Characters of scripts without spaces where `folded` moves them; any others stay."""
    return UNSPACED_PATTERN.sub(lambda found: chr(ord(_UNSPACED_FIRST) + ord(found[0]) % 0x10000), characters)


_FOLD_TABLE, _IN_PLACE_TABLE = _FoldTable(), _InPlaceFoldTable()


def match_pattern(match: Match) -> str:
    """A regular expression of what answers to a question in a folded text, what must be missing left out."""
    if isinstance(match, TokenSequence):
        return _sequence_pattern(match.tokens, is_prefix=match.is_prefix)
    if isinstance(match, MatchExcept):
        return match_pattern(match.required)
    return "|".join(f"(?:{match_pattern(part)})" for part in match.parts) or "(?!)"


def adjacent_pattern(matches: Sequence[Match]) -> str:
    """A regular expression of all of some, in order and with nothing between them."""
    return f"{_SEPARATOR_PATTERN}*".join(f"(?:{match_pattern(match)})" for match in matches)


def word_pattern(token: str) -> str:
    """A regular expression of a whole word. What it begins with is what it is looked for by: that is what is fast."""
    shown = re.escape(token)
    return rf"{shown}(?<!\w{shown})(?!\w)"


def prefix_pattern(token: str) -> str:
    """A regular expression of a word that begins so."""
    shown = re.escape(token)
    return rf"{shown}(?<!\w{shown})\w*"


def unspaced_pattern(characters: str) -> str:
    """A regular expression of characters side by side of a script without spaces."""
    return re.escape(shift_unspaced(characters))


def _sequence_pattern(tokens: Sequence[str], *, is_prefix: bool) -> str:
    found: list[str] = []
    for place, token in enumerate(tokens):
        following = tokens[place + 1] if place + 1 < len(tokens) else ""
        if token[0] == LABEL_SIGN:
            found.append(_label_pattern(token))
        elif not is_unspaced(token):
            found.append(prefix_pattern(token) if is_prefix and not following else word_pattern(token))
        elif len(token) == 2 and following[:1] == token[1]:  # the next pair begins with its second character
            found.append(unspaced_pattern(token[0]))
            continue
        else:
            found.append(unspaced_pattern(token))
        if following:
            found.append(f"{_SEPARATOR_PATTERN}*")
    return "".join(found)


def _label_pattern(token: str) -> str:
    kind, rest = token[1:2], token[2:]
    if kind == "c":
        return unspaced_pattern(rest)
    return prefix_pattern(rest) if kind == "p" else "(?!)"
