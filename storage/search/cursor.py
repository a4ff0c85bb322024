"""Pagination cursors."""

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
    """The order of the results, and the row id at which the last page ended.

    Results ordered by rank are ranked as of `now`, in batches: `first_row_id` is the start of the first batch, `row_id`
    the start of the current batch, `offset` the number of its results on earlier pages. In the order "changed", `now`
    and `row_id` are the time of the last edit and the id of its article.
    """

    order: str
    row_id: int | None = None
    now: datetime | None = None
    first_row_id: int | None = None
    offset: int = 0

    def format(self) -> str:
        """Return the cursor as text that `parse_cursor` reads."""
        now = to_microseconds(self.now) if self.now is not None else None
        parts = (("r", self.row_id), ("n", now), ("f", self.first_row_id), ("o", self.offset or None))
        return self.order + "".join(f".{name}{value}" for name, value in parts if value is not None)


def parse_cursor(text: str, order: str) -> tuple[Cursor, tuple[str, ...]]:
    """Parse a cursor. For a text that is not a cursor of this order, return the first page's cursor and a note."""
    if not text:
        return Cursor(order=order), ()
    match = _CURSOR_PATTERN.fullmatch(text)
    parts = {name: int(value) for name, value in _PART_PATTERN.findall(match[2])} if match and match[1] == order else {}
    now = from_microseconds(parts["n"]) if "n" in parts else None
    if not parts or max(parts.values()) > MAX_ID or (now is None and "n" in parts):
        return Cursor(order=order), ("the cursor does not belong to this search; showing the first page",)
    return Cursor(
        order=order, row_id=parts.get("r"), now=now, first_row_id=parts.get("f"), offset=parts.get("o", 0)
    ), ()
