"""What the search index is asked, in no dialect's own language: tokens side by side, bound together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSequence:
    """Tokens that stand side by side; with `prefix` the last only begins so; with `titled` in the title."""

    tokens: tuple[str, ...]
    is_prefix: bool = False
    in_title: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchAll:
    """All of these are found."""

    parts: tuple[Match, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchAny:
    """One of these at least is found; none where there are none."""

    parts: tuple[Match, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchExcept:
    """The one is found and the other is not."""

    required: Match
    excluded: Match


Match: TypeAlias = TokenSequence | MatchAll | MatchAny | MatchExcept
