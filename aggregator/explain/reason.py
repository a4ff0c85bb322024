"""A decision or fact as a sentence with its figures, and sections of such sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

FactValue = str | int | float | bool | datetime | tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A decision or fact as a sentence; plain text that is not yet escaped for a terminal or a page.

    `at` is the time of an event. `facts` are (name, value) pairs that give programs what the sentence gives people.
    `details` are lines below the sentence that must not be wrapped: URLs and positions in WARC files.
    """

    text: str
    at: datetime | None = None
    facts: tuple[tuple[str, FactValue], ...] = ()
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Reasons of one kind under a heading; `name` is a short stable identifier for programs."""

    name: str
    title: str
    reasons: tuple[Reason, ...]
