"""What was typed, cut into words, phrases, fields and signs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from storage.search.query.filters import FIELDS

LONGEST = 1_000
"""Characters of a query that are read."""

# As keyboards of other languages have them, each for one character: positions stay true.
_SIGNS = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "＂": '"', "「": '"', "」": '"', "（": "(", "）": ")",
     "：": ":", "＊": "*", "｜": "|", "－": "-", "−": "-"}
)  # fmt: skip
_UNREADABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_PHRASE = re.compile(r'"([^"]*)"')
_FIELD = re.compile(rf"({'|'.join(FIELDS)}):", re.IGNORECASE)
_WORD = re.compile(r'[^\s"()]+')
_OPERATORS = {"OR", "AND", "NOT", "|"}


class Kind(Enum):
    """What a token is."""

    WORD = auto()
    PHRASE = auto()
    FIELD = auto()
    NOT = auto()
    AND = auto()
    OR = auto()
    OPEN = auto()
    CLOSE = auto()


_KINDS = {"OR": Kind.OR, "|": Kind.OR, "AND": Kind.AND, "NOT": Kind.NOT, "(": Kind.OPEN, ")": Kind.CLOSE}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of what was typed, from character to character: its text without quotes, a field without its colon."""

    kind: Kind
    text: str
    start: int
    end: int


def lex(text: str) -> tuple[list[Token], list[tuple[int, str]]]:
    """The tokens of a text, and what could not be read of it as (position, words)."""
    problems: list[tuple[int, str]] = []
    if len(text) > LONGEST:
        problems.append((LONGEST, f"only the first {LONGEST} characters are read"))
    text = _UNREADABLE.sub(" ", text[:LONGEST].translate(_SIGNS))
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        if space := _SPACE.match(text, at):
            at = space.end()
            continue
        token, problem = _token(text, at, fresh=not tokens or tokens[-1].end < at or _is_open(tokens[-1]))
        if problem:
            problems.append((at, problem))
        if token is not None:
            tokens.append(token)
        at = token.end if token is not None else at + 1
    return tokens, problems


def _is_open(token: Token) -> bool:
    """Whether what comes right after a token may begin a new one."""
    return token.kind in (Kind.OPEN, Kind.CLOSE, Kind.NOT, Kind.PHRASE)


def _token(text: str, at: int, *, fresh: bool) -> tuple[Token | None, str]:
    sign = text[at]
    if sign in "()":
        return Token(_KINDS[sign], sign, at, at + 1), ""
    if sign == '"':
        found = _PHRASE.match(text, at)
        if found is None:
            return None, "this quotation mark is not closed; what follows is searched as words"
        return Token(Kind.PHRASE, found[1].strip(), at, found.end()), "" if found[1].strip() else _EMPTY
    if fresh and sign == "-" and text[at + 1 : at + 2].strip():
        return Token(Kind.NOT, sign, at, at + 1), ""
    if fresh and (field := _FIELD.match(text, at)):
        return Token(Kind.FIELD, field[1].lower(), at, field.end()), ""
    word = _WORD.match(text, at)
    assert word is not None  # it is neither a space nor a quotation mark nor a parenthesis
    is_operator = fresh and word[0] in _OPERATORS
    return Token(_KINDS[word[0]] if is_operator else Kind.WORD, word[0], at, word.end()), ""


_EMPTY = "there is nothing between these quotation marks"
