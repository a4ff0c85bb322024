"""A reader's words as terms, and what each dialect's index must be able to do with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, FromClause

from storage.search.prepare import pairs, pieces

LONGEST_QUERY = 256
"""Characters of a query's terms that count; what follows is not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One thing that must be found: `tokens` side by side; with `prefix` the last only begins so.

    `shown` is what the reader sees of it in the text, folded.
    """

    shown: str
    tokens: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """How a dialect finds terms: a table to join by `row`, what must hold, and what sorts best first."""

    table: FromClause
    row: ColumnElement[int]
    holds: ColumnElement[bool]
    best: ColumnElement[float]


class Index(Protocol):
    """The search index of one dialect; `row` is an article's place in it, not the article's id."""

    def add(self, tx: Connection, row: int, title: str, text: str) -> None:
        """Put a text into the index."""

    def remove(self, tx: Connection, row: int, title: str, text: str) -> None:
        """Take a text out of it: title and text must be those that were put in."""

    def clear(self, tx: Connection) -> None:
        """Empty the index."""

    def matching(self, terms: tuple[Term, ...]) -> Matching:
        """How to find what holds every term; `terms` is not empty."""

    def problems(self, tx: Connection) -> list[str]:
        """Where index and articles disagree, in words."""


def terms(words: str) -> tuple[Term, ...] | None:
    """The terms of what a reader typed, each once; None if nothing was typed, () if nothing of it can be searched."""
    if not words.replace("\0", "").strip():
        return None
    return tuple(dict.fromkeys(_terms(words)))


def _terms(words: str) -> Iterator[Term]:
    left = LONGEST_QUERY
    for piece, is_run in pieces(words[: 40 * LONGEST_QUERY]):
        piece = piece[:left]
        left -= len(piece)
        if not piece:
            return
        if not is_run:
            yield Term(shown=piece, tokens=(piece,))
        elif len(piece) == 1:
            yield Term(shown=piece, tokens=(piece,), prefix=True)
        else:
            yield Term(shown=piece, tokens=tuple(pairs(piece)))
