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

from storage.db.statements import Ready
from storage.db.tables import articles
from storage.search.index import index_of
from storage.search.index.row_ids import DAY_ROWS
from storage.search.planner import Plan
from storage.search.predicates import condition

_SHORTEST = DAY_ROWS // 24
FIRST_ARTICLES = 1_000
"""The first stretch is of about so many articles: a small archive is looked at whole, whatever the time.

Of a quarter of them where it only tells whether all are to be looked for at once.
"""
_RARE = 2
"""What is found less often in the first stretch is looked for at once, where the index has a way."""
_LONGER = 8.0
"""The most that a stretch is longer than the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Places in the index, in order; `reached` is the last place that was looked at, None where all were."""

    rows: list[int]
    reached: int | None


class Walk:
    """A plan, asked of an archive at a moment."""

    def __init__(self, tx: Connection, plan: Plan, now: datetime) -> None:
        self._tx = tx
        self._index = index_of(tx.dialect.name)
        self.plan = plan
        self._wheres = [self._index.holds(tx, plan.match)] if plan.match is not None else []
        self._conditions = [condition(tx, node, now) for node in plan.conditions]
        first, last, number = _ENDS.one(tx)
        self.low = max(plan.low, first if first is not None else 1)
        self.high = min(plan.high, last if last is not None else 0)
        at_first = FIRST_ARTICLES if self._index.is_ordered else FIRST_ARTICLES // 4
        self._first_width = (last - first) // max(number // at_first, 1) if number else 0
        if plan.is_hopeless:
            self.high = self.low - 1
        self._ready: dict[str, Ready] = {}
        self._is_probed = False
        self._all: list[int] | None = None

    @property
    def row(self) -> ColumnElement[int]:
        """The column of places."""
        return self._index.row() if self._wheres else articles.c.search_row

    def between(self, low: int, high: int, most: int, *, oldest: bool = False) -> list[int]:
        """Up to so many places from `low` to `high`, the newest (or oldest) first, however long it takes."""
        if self._all is not None:
            found = self._all[bisect_left(self._all, low) : bisect_right(self._all, high)]
            return found[:most] if oldest else found[::-1][:most]
        order = "oldest" if oldest else "newest"
        rows = self._made(order).all(self._tx, {"low": low, "high": high, "most": most})
        return [row[0] for row in rows]

    def number_between(self, low: int, high: int, most: int | None = None) -> int:
        """How many there are from `low` to `high`, up to so many, however long it takes."""
        if self._all is not None:
            number = bisect_right(self._all, high) - bisect_left(self._all, low)
            return number if most is None else min(number, most)
        if most is None:
            return int(self._made("all").scalar(self._tx, {"low": low, "high": high}) or 0)
        return int(self._made("some").scalar(self._tx, {"low": low, "high": high, "most": most}) or 0)

    def numbers(self, lows: Sequence[int], seconds: float) -> dict[int, int] | None:
        """How many there are from each of some places, in order, to the next: where the index counts all at once.

        None where it does not, or not in so many seconds.
        """
        if not self._wheres or self._all is not None:
            return None
        return self._index.numbers(self._tx, self.statement(self.low, self.high), lows, seconds)

    def _look_for_all(self, found: int) -> None:
        """Find all places at once, where so few were found that not every index tells the others soon in order."""
        if self._is_probed or self._index.is_ordered or not self._wheres or found >= _RARE:
            return
        self._is_probed = True
        places = self._index.all_at_once(self._tx, self.statement(self.low, self.high))
        self._all = sorted(places) if places is not None else None

    def _made(self, kind: str) -> Ready:
        """A statement that this walk asks again and again, compiled once."""
        if kind not in self._ready:
            rows = self.statement(bindparam("low"), bindparam("high"))
            statements: dict[str, Callable[[], Select[Any]]] = {
                "newest": lambda: rows.order_by(self.row.desc()).limit(bindparam("most")),
                "oldest": lambda: rows.order_by(self.row.asc()).limit(bindparam("most")),
                "all": lambda: rows.with_only_columns(func.count()),
                "some": lambda: select(func.count()).select_from(rows.limit(bindparam("most")).subquery()),
            }
            self._ready[kind] = Ready(statements[kind]())
        return self._ready[kind]

    def statement(
        self, low: int | ColumnElement[int], high: int | ColumnElement[int], *, with_articles: bool = False
    ) -> Select[int]:
        """The places between two, both included, in no order."""
        source: FromClause = articles
        if self._wheres:
            is_joined = self._conditions or with_articles
            source = self._index.with_articles() if is_joined else self._index.alone()
        return select(self.row).select_from(source).where(
            *self._wheres, *self._conditions, self.row >= low, self.row <= high
        )  # fmt: skip

    def rows(
        self, most: int, seconds: float, *, low: int | None = None, high: int | None = None, oldest: bool = False
    ) -> Found:
        """Up to so many places, newest (or oldest) first, found in about so many seconds."""
        found: list[int] = []

        def ask(first: int, last: int) -> bool:
            found.extend(self.between(first, last, most - len(found), oldest=oldest))
            self._look_for_all(len(found))
            return len(found) < most

        reached = self.stretches(ask, seconds, low=low, high=high, oldest=oldest)
        if len(found) >= most:
            reached = found[-1]
        return Found(rows=found, reached=reached)

    def number(self, most: int, seconds: float) -> tuple[int, bool]:
        """How many there are, up to so many, and whether that is all."""
        total = 0

        def ask(first: int, last: int) -> bool:
            nonlocal total
            total += self.number_between(first, last, most - total)
            self._look_for_all(total)
            return total < most

        reached = self.stretches(ask, seconds)
        return total, reached is None and total < most

    def stretches(
        self,
        ask: Callable[[int, int], bool],
        seconds: float,
        *,
        low: int | None = None,
        high: int | None = None,
        oldest: bool = False,
    ) -> int | None:
        """Ask for a stretch after the other while `ask` wants more and there is time.

        Returns the last place that was looked at, or None where all were.
        """
        left, right = max(self.low, low if low is not None else 0), self.high if high is None else min(self.high, high)
        started, width = perf_counter(), max(self._first_width, _SHORTEST)
        while left <= right:
            first, last = (left, min(left + width, right)) if oldest else (max(right - width, left), right)
            before = perf_counter()
            more = ask(first, last)
            left, right = (last + 1, right) if oldest else (left, first - 1)
            after = perf_counter()
            if left > right:
                return None
            rest = seconds - (after - started)
            if not more or rest <= 0:
                return last if oldest else first
            width = int(width * min(_LONGER, max(rest / max(after - before, 1e-6), 0.1)))
            width = max(width, _SHORTEST)
        return None


_ENDS = Ready(
    select(
        select(func.min(articles.c.search_row)).scalar_subquery(),
        select(func.max(articles.c.search_row)).scalar_subquery(),
        select(func.max(articles.c.id)).scalar_subquery(),
    )
)
