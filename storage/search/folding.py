"""Find the positions of query words in an original text.

Preparing a whole text for this purpose is slow. `str.translate` folds the text character by character instead, and one
regular expression finds the words. The index decides which articles match; this module counts and locates the words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from storage.search.analyzer import UNSPACED_PATTERN, WORD_PATTERN, spell_out_signs, split_words
from storage.search.index.field_terms import LABEL_SIGN, is_unspaced
from storage.search.index.match import Match, MatchExcept, TokenSequence

UNFOLDABLE = "\ua66e"
"""Placeholder in a text folded in place for a character that folds to several characters or to none."""
_UNSPACED_FIRST, _UNSPACED_LAST = "\U000f0000", "\U0010ffff"
_SEPARATOR_PATTERN = rf"[^\w{_UNSPACED_FIRST}-{_UNSPACED_LAST}]"


def fold_text(text: str) -> str:
    """Fold the letters of a text, and leave all other characters unchanged.

    Characters of unspaced scripts are shifted to code points that `\\w` does not match, so that adjacent words in
    other scripts end there.
    """
    text = spell_out_signs(text)
    return text.lower().replace("_", " ") if text.isascii() else text.translate(_FOLD_TABLE)


def fold_in_place(text: str) -> str:
    """Fold a text to the same length. `UNFOLDABLE` replaces characters that do not fold to exactly one character."""
    return text.lower().replace("_", " ") if text.isascii() else text.translate(_IN_PLACE_TABLE)


class _FoldTable(dict[int, str]):
    """Folded form of each character, computed on first use."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        folded = character if character < _UNSPACED_FIRST else " "
        if character == "_":
            folded = " "
        elif WORD_PATTERN.match(character):
            folded = self.fold_letter("".join(piece for piece, _ in split_words(character)))
        self[code] = folded
        return folded

    def fold_letter(self, folded: str) -> str:
        """Return the table entry for the folded form of a letter, digit or mark."""
        return shift_unspaced(folded)


class _InPlaceFoldTable(_FoldTable):
    def fold_letter(self, folded: str) -> str:
        return shift_unspaced(folded) if len(folded) == 1 else UNFOLDABLE


def shift_unspaced(characters: str) -> str:
    """Shift characters of unspaced scripts as `fold_text` does, and leave others unchanged."""
    return UNSPACED_PATTERN.sub(lambda match: chr(ord(_UNSPACED_FIRST) + ord(match[0]) % 0x10000), characters)


_FOLD_TABLE, _IN_PLACE_TABLE = _FoldTable(), _InPlaceFoldTable()


def match_pattern(match: Match) -> str:
    """Return a regular expression for the matching words in a folded text, without excluded words."""
    if isinstance(match, TokenSequence):
        return _sequence_pattern(match.tokens, is_prefix=match.is_prefix)
    if isinstance(match, MatchExcept):
        return match_pattern(match.required)
    return "|".join(f"(?:{match_pattern(part)})" for part in match.parts) or "(?!)"


def adjacent_pattern(matches: Sequence[Match]) -> str:
    """Return a regular expression for all of the matches in order, with only separators between them."""
    return f"{_SEPARATOR_PATTERN}*".join(f"(?:{match_pattern(match)})" for match in matches)


def word_pattern(token: str) -> str:
    """Return a regular expression for a whole word."""
    # A pattern that begins with literal text is fast, so the check before the word comes after it.
    escaped = re.escape(token)
    return rf"{escaped}(?<!\w{escaped})(?!\w)"


def prefix_pattern(token: str) -> str:
    """Return a regular expression for words that begin with `token`."""
    escaped = re.escape(token)
    return rf"{escaped}(?<!\w{escaped})\w*"


def unspaced_pattern(characters: str) -> str:
    """Return a regular expression for adjacent characters of an unspaced script."""
    return re.escape(shift_unspaced(characters))


def _sequence_pattern(tokens: Sequence[str], *, is_prefix: bool) -> str:
    parts: list[str] = []
    for i, token in enumerate(tokens):
        following = tokens[i + 1] if i + 1 < len(tokens) else ""
        if token[0] == LABEL_SIGN:
            parts.append(_label_pattern(token))
        elif not is_unspaced(token):
            parts.append(prefix_pattern(token) if is_prefix and not following else word_pattern(token))
        elif len(token) == 2 and following[:1] == token[1]:  # the next pair begins with its second character
            parts.append(unspaced_pattern(token[0]))
            continue
        else:
            parts.append(unspaced_pattern(token))
        if following:
            parts.append(f"{_SEPARATOR_PATTERN}*")
    return "".join(parts)


def _label_pattern(token: str) -> str:
    kind, rest = token[1:2], token[2:]
    if kind == "c":
        return unspaced_pattern(rest)
    return prefix_pattern(rest) if kind == "p" else "(?!)"
