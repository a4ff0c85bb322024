"""Where words stand in the true text, without preparing all of it.

A text is folded character by character, as fast as the interpreter translates a string, and what was asked is looked
for with one regular expression. The index has the last word on what is found; this says where and how often.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from storage.search.analyzer import RUN_BEGINS, WORD, pieces, spelled_out
from storage.search.index.field_terms import SIGN, is_run
from storage.search.index.match import But, Match, Tokens

UNLIKE = "\ua66e"
"""Stands in a text folded in place for a character that is searched as several or as none: a letter of no use."""
_APART, _LAST_APART = "\U000f0000", "\U0010ffff"
_BETWEEN = rf"[^\w{_APART}-{_LAST_APART}]"


def folded(text: str) -> str:
    """A text as its words are searched, all else left as it is.

    Characters of the scripts without spaces are moved to where no regular expression takes them for letters: what
    stands beside them is a word of its own.
    """
    text = spelled_out(text)
    return text.lower().replace("_", " ") if text.isascii() else text.translate(_FOLDED)


def folded_in_place(text: str) -> str:
    """The same with each character in its place, and `UNLIKE` for those that are not searched as one."""
    return text.lower().replace("_", " ") if text.isascii() else text.translate(_IN_PLACE)


class _Folded(dict[int, str]):
    """What each character is searched as, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        found = character if character < _APART else " "
        if character == "_":
            found = " "
        elif WORD.match(character):
            found = self.of_letter("".join(piece for piece, _ in pieces(character)))
        self[code] = found
        return found

    def of_letter(self, found: str) -> str:
        """What a letter, digit or mark becomes."""
        return set_apart(found)


class _InPlace(_Folded):
    def of_letter(self, found: str) -> str:
        return set_apart(found) if len(found) == 1 else UNLIKE


def set_apart(characters: str) -> str:
    """Characters of scripts without spaces where `folded` moves them; any others stay."""
    return RUN_BEGINS.sub(lambda found: chr(ord(_APART) + ord(found[0]) % 0x10000), characters)


_FOLDED, _IN_PLACE = _Folded(), _InPlace()


def pattern(match: Match) -> str:
    """A regular expression of what answers to a question in a folded text, what must be missing left out."""
    if isinstance(match, Tokens):
        return _in_a_row(match.tokens, is_beginning=match.prefix)
    if isinstance(match, But):
        return pattern(match.found)
    return "|".join(f"(?:{pattern(part)})" for part in match.parts) or "(?!)"


def side_by_side(matches: Sequence[Match]) -> str:
    """A regular expression of all of some, in order and with nothing between them."""
    return f"{_BETWEEN}*".join(f"(?:{pattern(match)})" for match in matches)


def word(token: str) -> str:
    """A regular expression of a whole word. What it begins with is what it is looked for by: that is what is fast."""
    shown = re.escape(token)
    return rf"{shown}(?<!\w{shown})(?!\w)"


def beginning(token: str) -> str:
    """A regular expression of a word that begins so."""
    shown = re.escape(token)
    return rf"{shown}(?<!\w{shown})\w*"


def run(characters: str) -> str:
    """A regular expression of characters side by side of a script without spaces."""
    return re.escape(set_apart(characters))


def _in_a_row(tokens: Sequence[str], *, is_beginning: bool) -> str:
    found: list[str] = []
    for place, token in enumerate(tokens):
        following = tokens[place + 1] if place + 1 < len(tokens) else ""
        if token[0] == SIGN:
            found.append(_label(token))
        elif not is_run(token):
            found.append(beginning(token) if is_beginning and not following else word(token))
        elif len(token) == 2 and following[:1] == token[1]:  # the next pair begins with its second character
            found.append(run(token[0]))
            continue
        else:
            found.append(run(token))
        if following:
            found.append(f"{_BETWEEN}*")
    return "".join(found)


def _label(token: str) -> str:
    kind, rest = token[1:2], token[2:]
    if kind == "c":
        return run(rest)
    return beginning(rest) if kind == "p" else "(?!)"
