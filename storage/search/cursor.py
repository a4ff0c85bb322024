"""Where a page of an answer ended, as text that asks for the next one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from storage.timestamps import micros, of_micros

_SPELLED = re.compile(r"(new|old|best|changed)((?:\.[a-z]\d{1,19}){0,4})")
_PART = re.compile(r"\.([a-z])(\d{1,19})")
_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The order of the answer, and the last place that was looked at.

    An answer by rank is ranked as of `now`, set by set: `first` is where its first set begins, `row` where this one
    does, `offset` how many of it were shown. In order of change `now` and `row` are the last edit's time and article.
    """

    order: str
    row: int | None = None
    now: datetime | None = None
    first: int | None = None
    offset: int = 0

    def spell(self) -> str:
        """The text that `read_cursor` reads."""
        now = micros(self.now) if self.now is not None else None
        parts = (("r", self.row), ("n", now), ("f", self.first), ("o", self.offset or None))
        return self.order + "".join(f".{name}{value}" for name, value in parts if value is not None)


def read_cursor(text: str, order: str) -> tuple[Cursor, tuple[str, ...]]:
    """The cursor that a text spells; where it is none of this order the first page's, with a note that says so."""
    if not text:
        return Cursor(order=order), ()
    found = _SPELLED.fullmatch(text)
    parts = {name: int(value) for name, value in _PART.findall(found[2])} if found and found[1] == order else {}
    now = of_micros(parts["n"]) if "n" in parts else None
    if not parts or max(parts.values()) > _MOST or (now is None and "n" in parts):
        return Cursor(order=order), ("the cursor is none of this search; this is its first page",)
    return Cursor(order=order, row=parts.get("r"), now=now, first=parts.get("f"), offset=parts.get("o", 0)), ()
