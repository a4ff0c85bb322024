"""What the search index is asked, in no dialect's own language: tokens side by side, bound together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens that stand side by side; with `prefix` the last only begins so; with `titled` in the title."""

    tokens: tuple[str, ...]
    prefix: bool = False
    titled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """All of these are found."""

    parts: tuple[Match, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """One of these at least is found; none where there are none."""

    parts: tuple[Match, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class But:
    """The one is found and the other is not."""

    found: Match
    missing: Match


Match: TypeAlias = Tokens | Every | Either | But
