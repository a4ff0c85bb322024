"""What was typed, cut into words, phrases, fields and signs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from storage.search.query.filters import FIELDS

MAX_QUERY_LENGTH = 1_000
"""Characters of a query that are read."""

# As keyboards of other languages have them, each for one character: positions stay true.
_SIGN_REPLACEMENTS = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "＂": '"', "「": '"', "」": '"', "（": "(", "）": ")",
     "：": ":", "＊": "*", "｜": "|", "－": "-", "−": "-"}
)  # fmt: skip
_UNREADABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_PHRASE = re.compile(r'"([^"]*)"')
_FIELD = re.compile(rf"({'|'.join(FIELDS)}):", re.IGNORECASE)
_WORD = re.compile(r'[^\s"()]+')
_OPERATORS = {"OR", "AND", "NOT", "|"}


class TokenKind(Enum):
    """What a token is."""

    WORD = auto()
    PHRASE = auto()
    FIELD = auto()
    NOT = auto()
    AND = auto()
    OR = auto()
    OPEN = auto()
    CLOSE = auto()


_OPERATOR_KINDS = {
    "OR": TokenKind.OR,
    "|": TokenKind.OR,
    "AND": TokenKind.AND,
    "NOT": TokenKind.NOT,
    "(": TokenKind.OPEN,
    ")": TokenKind.CLOSE,
}


@dataclass(frozen=True, slots=True)
class QueryToken:
    """A piece of what was typed, from character to character: its text without quotes, a field without its colon."""

    kind: TokenKind
    text: str
    start: int
    end: int


def tokenize(text: str) -> tuple[list[QueryToken], list[tuple[int, str]]]:
    """The tokens of a text, and what could not be read of it as (position, words)."""
    problems: list[tuple[int, str]] = []
    if len(text) > MAX_QUERY_LENGTH:
        problems.append((MAX_QUERY_LENGTH, f"only the first {MAX_QUERY_LENGTH} characters are read"))
    text = _UNREADABLE.sub(" ", text[:MAX_QUERY_LENGTH].translate(_SIGN_REPLACEMENTS))
    tokens: list[QueryToken] = []
    at = 0
    while at < len(text):
        if space := _SPACE.match(text, at):
            at = space.end()
            continue
        token, problem = _next_token(
            text, at, is_start=not tokens or tokens[-1].end < at or _may_precede_token(tokens[-1])
        )
        if problem:
            problems.append((at, problem))
        if token is not None:
            tokens.append(token)
        at = token.end if token is not None else at + 1
    return tokens, problems


def _may_precede_token(token: QueryToken) -> bool:
    """Whether what comes right after a token may begin a new one."""
    return token.kind in (TokenKind.OPEN, TokenKind.CLOSE, TokenKind.NOT, TokenKind.PHRASE)


def _next_token(text: str, at: int, *, is_start: bool) -> tuple[QueryToken | None, str]:
    sign = text[at]
    if sign in "()":
        return QueryToken(_OPERATOR_KINDS[sign], sign, at, at + 1), ""
    if sign == '"':
        found = _PHRASE.match(text, at)
        if found is None:
            return None, "this quotation mark is not closed; what follows is searched as words"
        return QueryToken(TokenKind.PHRASE, found[1].strip(), at, found.end()), "" if found[
            1
        ].strip() else _EMPTY_QUOTES
    if is_start and sign == "-" and text[at + 1 : at + 2].strip():
        return QueryToken(TokenKind.NOT, sign, at, at + 1), ""
    if is_start and (field := _FIELD.match(text, at)):
        return QueryToken(TokenKind.FIELD, field[1].lower(), at, field.end()), ""
    word = _WORD.match(text, at)
    assert word is not None  # it is neither a space nor a quotation mark nor a parenthesis
    is_operator = is_start and word[0] in _OPERATORS
    return QueryToken(_OPERATOR_KINDS[word[0]] if is_operator else TokenKind.WORD, word[0], at, word.end()), ""


_EMPTY_QUOTES = "there is nothing between these quotation marks"
