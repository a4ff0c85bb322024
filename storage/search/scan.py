"""Going through what is found, newest or oldest first, no longer than there is time.

What is found lies in the index by time. It is asked for a stretch of time after the other, each longer than the
last, until enough is found or the time is up: a common word costs what a page of it costs, and an answer that
stopped knows how far it came.
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
"""The first stretch is of about so many articles: a small archive is looked at whole, whatever the time.

Of a quarter of them where it only tells whether all are to be looked for at once.
"""
_RARE_HITS = 2
"""What is found less often in the first stretch is looked for at once, where the index has a way."""
_MAX_WINDOW_GROWTH = 8.0
"""The most that a stretch is longer than the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """Places in the index, in order; `reached` is the last place that was looked at, None where all were."""

    row_ids: list[int]
    scanned_until: int | None


class TimeScan:
    """A plan, asked of an archive at a moment."""

    def __init__(self, tx: Connection, plan: QueryPlan, now: datetime) -> None:
        self._tx = tx
        self._index = search_index(tx.dialect.name)
        self.plan = plan
        self._match_conditions = [self._index.match_condition(tx, plan.match)] if plan.match is not None else []
        self._row_conditions = [row_condition(tx, node, now) for node in plan.conditions]
        first, last, number = _SELECT_BOUNDS.one(tx)
        self.low_row_id = max(plan.low_row_id, first if first is not None else 1)
        self.high_row_id = min(plan.high_row_id, last if last is not None else 0)
        at_first = FIRST_WINDOW_ARTICLES if self._index.is_ordered else FIRST_WINDOW_ARTICLES // 4
        self._first_window = (last - first) // max(number // at_first, 1) if number else 0
        if plan.is_empty:
            self.high_row_id = self.low_row_id - 1
        self._statements: dict[str, CompiledStatement] = {}
        self._has_probed = False
        self._all_row_ids: list[int] | None = None

    @property
    def row_id_column(self) -> ColumnElement[int]:
        """The column of places."""
        return self._index.row_id_column() if self._match_conditions else articles.c.search_row

    def find_between(self, low: int, high: int, most: int, *, oldest_first: bool = False) -> list[int]:
        """Up to so many places from `low` to `high`, the newest (or oldest) first, however long it takes."""
        if self._all_row_ids is not None:
            found = self._all_row_ids[bisect_left(self._all_row_ids, low) : bisect_right(self._all_row_ids, high)]
            return found[:most] if oldest_first else found[::-1][:most]
        order = "oldest" if oldest_first else "newest"
        rows = self._compiled(order).all(self._tx, {"low": low, "high": high, "most": most})
        return [row[0] for row in rows]

    def count_between(self, low: int, high: int, most: int | None = None) -> int:
        """How many there are from `low` to `high`, up to so many, however long it takes."""
        if self._all_row_ids is not None:
            number = bisect_right(self._all_row_ids, high) - bisect_left(self._all_row_ids, low)
            return number if most is None else min(number, most)
        if most is None:
            return int(self._compiled("all").scalar(self._tx, {"low": low, "high": high}) or 0)
        return int(self._compiled("some").scalar(self._tx, {"low": low, "high": high, "most": most}) or 0)

    def count_by_window(self, lows: Sequence[int], seconds: float) -> dict[int, int] | None:
        """How many there are from each of some places, in order, to the next: where the index counts all at once.

        None where it does not, or not in so many seconds.
        """
        if not self._match_conditions or self._all_row_ids is not None:
            return None
        return self._index.count_by_window(
            self._tx, self.select_row_ids(self.low_row_id, self.high_row_id), lows, seconds
        )

    def _probe_all(self, found: int) -> None:
        """Find all places at once, where so few were found that not every index tells the others soon in order."""
        if self._has_probed or self._index.is_ordered or not self._match_conditions or found >= _RARE_HITS:
            return
        self._has_probed = True
        places = self._index.find_all(self._tx, self.select_row_ids(self.low_row_id, self.high_row_id))
        self._all_row_ids = sorted(places) if places is not None else None

    def _compiled(self, kind: str) -> CompiledStatement:
        """A statement that this walk asks again and again, compiled once."""
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
        """The places between two, both included, in no order."""
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
        """Up to so many places, newest (or oldest) first, found in about so many seconds."""
        found: list[int] = []

        def ask(first: int, last: int) -> bool:
            found.extend(self.find_between(first, last, most - len(found), oldest_first=oldest_first))
            self._probe_all(len(found))
            return len(found) < most

        reached = self.scan_windows(
            ask, seconds, low_row_id=low_row_id, high_row_id=high_row_id, oldest_first=oldest_first
        )
        if len(found) >= most:
            reached = found[-1]
        return ScanResult(row_ids=found, scanned_until=reached)

    def count(self, most: int, seconds: float) -> tuple[int, bool]:
        """How many there are, up to so many, and whether that is all."""
        total = 0

        def ask(first: int, last: int) -> bool:
            nonlocal total
            total += self.count_between(first, last, most - total)
            self._probe_all(total)
            return total < most

        reached = self.scan_windows(ask, seconds)
        return total, reached is None and total < most

    def scan_windows(
        self,
        ask: Callable[[int, int], bool],
        seconds: float,
        *,
        low_row_id: int | None = None,
        high_row_id: int | None = None,
        oldest_first: bool = False,
    ) -> int | None:
        """Ask for a stretch after the other while `ask` wants more and there is time.

        Returns the last place that was looked at, or None where all were.
        """
        left, right = (
            max(self.low_row_id, low_row_id if low_row_id is not None else 0),
            self.high_row_id if high_row_id is None else min(self.high_row_id, high_row_id),
        )
        started, width = perf_counter(), max(self._first_window, _MIN_WINDOW)
        while left <= right:
            first, last = (left, min(left + width, right)) if oldest_first else (max(right - width, left), right)
            before = perf_counter()
            more = ask(first, last)
            left, right = (last + 1, right) if oldest_first else (left, first - 1)
            after = perf_counter()
            if left > right:
                return None
            rest = seconds - (after - started)
            if not more or rest <= 0:
                return last if oldest_first else first
            width = int(width * min(_MAX_WINDOW_GROWTH, max(rest / max(after - before, 1e-6), 0.1)))
            width = max(width, _MIN_WINDOW)
        return None


_SELECT_BOUNDS = CompiledStatement(
    select(
        select(func.min(articles.c.search_row)).scalar_subquery(),
        select(func.max(articles.c.search_row)).scalar_subquery(),
        select(func.max(articles.c.id)).scalar_subquery(),
    )
)
