"""Conditions on the tokens of an index entry, independent of the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSequence:
    """Adjacent tokens; with `is_prefix` the last one is a prefix; with `in_title` they must be in the title."""

    tokens: tuple[str, ...]
    is_prefix: bool = False
    in_title: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchAll:
    parts: tuple[Match, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchAny:
    """At least one part matches; without parts nothing matches."""

    parts: tuple[Match, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchExcept:
    """`required` matches and `excluded` does not."""

    required: Match
    excluded: Match


Match: TypeAlias = TokenSequence | MatchAll | MatchAny | MatchExcept
