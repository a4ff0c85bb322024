"""Split a query text into words, phrases, filters and operators."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from storage.search.query.filters import FIELDS

MAX_QUERY_LENGTH = 1_000
"""Maximum number of characters of a query; the rest is ignored."""

# Typographic and full-width characters; each is replaced by one character, so that positions stay correct.
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
    """A part of a query from `start` to `end`: its text without quotation marks, a filter name without its colon."""

    kind: TokenKind
    text: str
    start: int
    end: int


def tokenize(text: str) -> tuple[list[QueryToken], list[tuple[int, str]]]:
    """Return the tokens of a text and its problems, as (position, message)."""
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
    """Return True if a token can follow this one without a space."""
    return token.kind in (TokenKind.OPEN, TokenKind.CLOSE, TokenKind.NOT, TokenKind.PHRASE)


def _next_token(text: str, at: int, *, is_start: bool) -> tuple[QueryToken | None, str]:
    sign = text[at]
    if sign in "()":
        return QueryToken(_OPERATOR_KINDS[sign], sign, at, at + 1), ""
    if sign == '"':
        phrase = _PHRASE.match(text, at)
        if phrase is None:
            return None, "this quotation mark is not closed; the text after it is searched as words"
        content = phrase[1].strip()
        return QueryToken(TokenKind.PHRASE, content, at, phrase.end()), "" if content else _EMPTY_QUOTES
    if is_start and sign == "-" and text[at + 1 : at + 2].strip():
        return QueryToken(TokenKind.NOT, sign, at, at + 1), ""
    if is_start and (field := _FIELD.match(text, at)):
        return QueryToken(TokenKind.FIELD, field[1].lower(), at, field.end()), ""
    word = _WORD.match(text, at)
    assert word is not None  # spaces, quotation marks and parentheses were handled above
    is_operator = is_start and word[0] in _OPERATORS
    return QueryToken(_OPERATOR_KINDS[word[0]] if is_operator else TokenKind.WORD, word[0], at, word.end()), ""


_EMPTY_QUOTES = "these quotation marks contain no text and are ignored"
