"""Scan the index by time within a time budget.

Row ids in the index sort by publication time. A scan queries one window of time after another until it has enough
results or its time budget is spent. Window sizes adapt to the time left. A common word therefore costs no more than
one page of results, and an incomplete scan knows where it stopped.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, bindparam, func, select

from storage.db.statements import CompiledStatement
from storage.db.tables import articles
from storage.search.index import search_index
from storage.search.index.row_ids import ROWS_PER_DAY
from storage.search.planner import QueryPlan
from storage.search.predicates import row_condition

_MIN_WINDOW = ROWS_PER_DAY // 24
FIRST_WINDOW_ARTICLES = 1_000
"""Approximate number of articles in the first window, which is scanned whatever its duration.

An index that cannot return results in order starts with a quarter of it, to learn whether the query is rare.
"""
_RARE_HITS = 2
"""Below this number of results in the first window, an unordered index searches for all results at once."""
_MAX_WINDOW_GROWTH = 8.0
"""Maximum ratio of the size of a window to the size of the previous window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """Row ids in order. `scanned_until` is the last scanned row id, or None if the scan is complete."""

    row_ids: list[int]
    scanned_until: int | None


class TimeScan:
    """The scan of a query plan in one transaction."""

    def __init__(self, tx: Connection, plan: QueryPlan, now: datetime) -> None:
        self._tx = tx
        self._index = search_index(tx.dialect.name)
        self.plan = plan
        self._match_conditions = [self._index.match_condition(tx, plan.match)] if plan.match is not None else []
        self._row_conditions = [row_condition(tx, node, now) for node in plan.conditions]
        first, last, max_id = _SELECT_BOUNDS.one(tx)
        self.low_row_id = max(plan.low_row_id, first if first is not None else 1)
        self.high_row_id = min(plan.high_row_id, last if last is not None else 0)
        window_articles = FIRST_WINDOW_ARTICLES if self._index.is_ordered else FIRST_WINDOW_ARTICLES // 4
        self._first_window = (last - first) // max(max_id // window_articles, 1) if max_id else 0
        if plan.is_empty:
            self.high_row_id = self.low_row_id - 1
        self._statements: dict[str, CompiledStatement] = {}
        self._has_probed = False
        self._all_row_ids: list[int] | None = None

    @property
    def row_id_column(self) -> ColumnElement[int]:
        """The column of row ids."""
        return self._index.row_id_column() if self._match_conditions else articles.c.search_row

    def find_between(self, low: int, high: int, most: int, *, oldest_first: bool = False) -> list[int]:
        """Return up to `most` row ids from `low` to `high`, newest (or oldest) first, without a time limit."""
        if self._all_row_ids is not None:
            row_ids = self._all_row_ids[bisect_left(self._all_row_ids, low) : bisect_right(self._all_row_ids, high)]
            return row_ids[:most] if oldest_first else row_ids[::-1][:most]
        order = "oldest" if oldest_first else "newest"
        rows = self._compiled(order).all(self._tx, {"low": low, "high": high, "most": most})
        return [row[0] for row in rows]

    def count_between(self, low: int, high: int, most: int | None = None) -> int:
        """Count the results from `low` to `high`, up to `most`, without a time limit."""
        if self._all_row_ids is not None:
            count = bisect_right(self._all_row_ids, high) - bisect_left(self._all_row_ids, low)
            return count if most is None else min(count, most)
        if most is None:
            return int(self._compiled("all").scalar(self._tx, {"low": low, "high": high}) or 0)
        return int(self._compiled("some").scalar(self._tx, {"low": low, "high": high, "most": most}) or 0)

    def count_by_window(self, lows: Sequence[int], seconds: float) -> dict[int, int] | None:
        """Count the results from each of the sorted row ids in `lows` to the next.

        Return None where the index cannot count all windows in one statement or takes longer than `seconds`.
        """
        if not self._match_conditions or self._all_row_ids is not None:
            return None
        return self._index.count_by_window(
            self._tx, self.select_row_ids(self.low_row_id, self.high_row_id), lows, seconds
        )

    def _probe_all(self, results: int) -> None:
        """Find all results at once if the query is rare and the index is unordered."""
        if self._has_probed or self._index.is_ordered or not self._match_conditions or results >= _RARE_HITS:
            return
        self._has_probed = True
        row_ids = self._index.find_all(self._tx, self.select_row_ids(self.low_row_id, self.high_row_id))
        self._all_row_ids = sorted(row_ids) if row_ids is not None else None

    def _compiled(self, kind: str) -> CompiledStatement:
        """Return a statement of this scan, compiled on first use."""
        if kind not in self._statements:
            rows = self.select_row_ids(bindparam("low"), bindparam("high"))
            statements: dict[str, Callable[[], Select[Any]]] = {
                "newest": lambda: rows.order_by(self.row_id_column.desc()).limit(bindparam("most")),
                "oldest": lambda: rows.order_by(self.row_id_column.asc()).limit(bindparam("most")),
                "all": lambda: rows.with_only_columns(func.count()),
                "some": lambda: select(func.count()).select_from(rows.limit(bindparam("most")).subquery()),
            }
            self._statements[kind] = CompiledStatement(statements[kind]())
        return self._statements[kind]

    def select_row_ids(
        self, low: int | ColumnElement[int], high: int | ColumnElement[int], *, with_articles: bool = False
    ) -> Select[int]:
        """Select the matching row ids from `low` to `high`, both included, unordered."""
        source: FromClause = articles
        if self._match_conditions:
            is_joined = self._row_conditions or with_articles
            source = self._index.index_with_articles() if is_joined else self._index.index_table()
        return select(self.row_id_column).select_from(source).where(
            *self._match_conditions, *self._row_conditions, self.row_id_column >= low, self.row_id_column <= high
        )  # fmt: skip

    def find(
        self,
        most: int,
        seconds: float,
        *,
        low_row_id: int | None = None,
        high_row_id: int | None = None,
        oldest_first: bool = False,
    ) -> ScanResult:
        """Return up to `most` row ids, newest (or oldest) first, found within about `seconds`."""
        row_ids: list[int] = []

        def scan_window(first: int, last: int) -> bool:
            row_ids.extend(self.find_between(first, last, most - len(row_ids), oldest_first=oldest_first))
            self._probe_all(len(row_ids))
            return len(row_ids) < most

        scanned_until = self.scan_windows(
            scan_window, seconds, low_row_id=low_row_id, high_row_id=high_row_id, oldest_first=oldest_first
        )
        if len(row_ids) >= most:
            scanned_until = row_ids[-1]
        return ScanResult(row_ids=row_ids, scanned_until=scanned_until)

    def count(self, most: int, seconds: float) -> tuple[int, bool]:
        """Count the results up to `most`, and return the count with a flag that is true if it is exact."""
        total = 0

        def scan_window(first: int, last: int) -> bool:
            nonlocal total
            total += self.count_between(first, last, most - total)
            self._probe_all(total)
            return total < most

        scanned_until = self.scan_windows(scan_window, seconds)
        return total, scanned_until is None and total < most

    def scan_windows(
        self,
        scan_window: Callable[[int, int], bool],
        seconds: float,
        *,
        low_row_id: int | None = None,
        high_row_id: int | None = None,
        oldest_first: bool = False,
    ) -> int | None:
        """Call `scan_window(first, last)` for one window after another while it returns True and time is left.

        Return the last scanned row id, or None if all windows were scanned.
        """
        left, right = (
            max(self.low_row_id, low_row_id if low_row_id is not None else 0),
            self.high_row_id if high_row_id is None else min(self.high_row_id, high_row_id),
        )
        started, width = perf_counter(), max(self._first_window, _MIN_WINDOW)
        while left <= right:
            first, last = (left, min(left + width, right)) if oldest_first else (max(right - width, left), right)
            before = perf_counter()
            wants_more = scan_window(first, last)
            left, right = (last + 1, right) if oldest_first else (left, first - 1)
            after = perf_counter()
            if left > right:
                return None
            time_left = seconds - (after - started)
            if not wants_more or time_left <= 0:
                return last if oldest_first else first
            width = int(width * min(_MAX_WINDOW_GROWTH, max(time_left / max(after - before, 1e-6), 0.1)))
            width = max(width, _MIN_WINDOW)
        return None


_SELECT_BOUNDS = CompiledStatement(
    select(
        select(func.min(articles.c.search_row)).scalar_subquery(),
        select(func.max(articles.c.search_row)).scalar_subquery(),
        select(func.max(articles.c.id)).scalar_subquery(),
    )
)
