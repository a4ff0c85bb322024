"""Where a page of an answer ended, as text that asks for the next one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from storage.model.search import MAX_ID
from storage.timestamps import from_microseconds, to_microseconds

_CURSOR_PATTERN = re.compile(r"(new|old|best|changed)((?:\.[a-z]\d{1,19}){0,4})")
_PART_PATTERN = re.compile(r"\.([a-z])(\d{1,19})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The order of the answer, and the last place that was looked at.

    An answer by rank is ranked as of `now`, set by set: `first` is where its first set begins, `row` where this one
    does, `offset` how many of it were shown. In order of change `now` and `row` are the last edit's time and article.
    """

    order: str
    row_id: int | None = None
    now: datetime | None = None
    first_row_id: int | None = None
    offset: int = 0

    def format(self) -> str:
        """The text that `read_cursor` reads."""
        now = to_microseconds(self.now) if self.now is not None else None
        parts = (("r", self.row_id), ("n", now), ("f", self.first_row_id), ("o", self.offset or None))
        return self.order + "".join(f".{name}{value}" for name, value in parts if value is not None)


def parse_cursor(text: str, order: str) -> tuple[Cursor, tuple[str, ...]]:
    """The cursor that a text spells; where it is none of this order the first page's, with a note that says so."""
    if not text:
        return Cursor(order=order), ()
    found = _CURSOR_PATTERN.fullmatch(text)
    parts = {name: int(value) for name, value in _PART_PATTERN.findall(found[2])} if found and found[1] == order else {}
    now = from_microseconds(parts["n"]) if "n" in parts else None
    if not parts or max(parts.values()) > MAX_ID or (now is None and "n" in parts):
        return Cursor(order=order), ("the cursor is none of this search; this is its first page",)
    return Cursor(
        order=order, row_id=parts.get("r"), now=now, first_row_id=parts.get("f"), offset=parts.get("o", 0)
    ), ()
