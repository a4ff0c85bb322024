"""A reason in words, with the figures that it rests on; and a section of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

FactValue = str | int | float | bool | datetime | tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One decision or fact in words, as plain text that is not yet safe for a terminal or a page.

    `at` is when it was so, where it is part of a story in time. `facts` are (name, figure) pairs, the same
    as the words in a form for programs. `beneath` are lines that belong under it and are not to be folded:
    addresses, places on the tape.
    """

    text: str
    at: datetime | None = None
    facts: tuple[tuple[str, FactValue], ...] = ()
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Reasons of one kind under a heading; `name` is the short stable one for programs."""

    name: str
    title: str
    reasons: tuple[Reason, ...]
