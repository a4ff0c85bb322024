"""Measure the cost of finding an article's story in a large archive; see `stories.py`.

The archive is filled with synthetic articles: terms drawn by Zipf's law from a hundred thousand words, 20,000 articles
in the last three weeks, one in five of them about an event that others cover too, the rest spread over the years
before. Then further articles are stored, ten per commit as in a crawl, two in three about an event of those weeks, and
the time that each takes to find its story is measured. The baseline in the same run is a search index alone: the best
hits of FTS5 (bm25) for any of the article's words, in an index of the three weeks.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from filling import fill_articles, filling, in_chunks, micros, size

from aggregator.stories.assign import assign_story
from storage.archive import open_database
from storage.articles.store import record_article
from storage.duplicates.links import link_recorded
from storage.model.article import Article
from storage.model.page import Page
from storage.stories.membership import _TIME_BUCKETS, MAX_INDEX_TERMS
from storage.stories.packed_terms import BUCKETS
from storage.stories.term_frequencies import _encode_counts

LAST = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW, IN_WINDOW = timedelta(days=21), 20_000
MEASURED = 1_500
MAX_MEAN, MAX_P95 = 1.5, 5.0
_VOCABULARY = 100_000
_TERMS = 120
_EVENTS = 1_200
_BATCH = 10


def speed(count: int) -> tuple[dict[str, Any], bool]:
    """Fill, measure and compare; return the figures, and whether the bars hold."""
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as home:
        path = Path(home) / "archive.db"
        open_database(f"sqlite:///{path}").close()
        words = Words()
        taken = fill(path, count, words)
        times, joined = keep_and_time(path, words)
        baseline = search_and_time(path, words)
    figures = {
        "archived": count,
        "kept": len(times),
        "joined": joined,
        "ms_mean": round(mean(times), 3),
        "ms_p95": round(sorted(times)[len(times) * 95 // 100], 3),
        "bytes_an_article": round(taken / count),
        "baseline_ms_mean": round(mean(baseline), 3),
    }
    print(f"speed: {figures}", file=sys.stderr)
    return figures, figures["ms_mean"] <= MAX_MEAN and figures["ms_p95"] <= MAX_P95


class Words:
    """Generates the terms of articles: some from a few words of their event, the rest by Zipf's law."""

    def __init__(self) -> None:
        self.lot = np.random.default_rng(7)
        self.buckets = self.lot.permutation(BUCKETS)[:_VOCABULARY]
        weights = 1 / np.arange(30, _VOCABULARY + 30)
        self.weights = np.cumsum(weights / weights.sum())
        self.events = [self.lot.integers(2_000, _VOCABULARY, 14) for _ in range(_EVENTS)]

    def drawn(self, event: int | None) -> np.ndarray:
        """Return the packed terms of an article, as `storage.stories.packed_terms` writes them."""
        ranks = np.searchsorted(self.weights, self.lot.random(_TERMS)).clip(max=_VOCABULARY - 1)
        counts = np.ones(_TERMS, np.int64)
        counts[:40] = 2
        counts[:8] = 5
        if event is not None:
            ranks[:11] = self.lot.permutation(self.events[event])[:11]
            counts[:11] = 4
        values = self.buckets[ranks] | (counts << 21)
        values[:8] |= BUCKETS
        return np.sort(values).astype("<u4")


def published_at(number: int, count: int) -> datetime:
    """Return the time of an article: old ones are spread over years, the newest over the last three weeks."""
    old = count - IN_WINDOW
    if number >= old:
        return LAST - WINDOW * ((count - number) / IN_WINDOW)
    return LAST - WINDOW - timedelta(seconds=int((old - number) * 300))


def fill(path: Path, count: int, words: Words) -> int:
    """Put `count` articles into the archive; return the bytes of its stories."""
    with filling(path) as connection:
        fill_articles(connection, count, lambda number: published_at(number, count))
        before = size(connection)
        seen, founders = np.zeros(BUCKETS, np.int64), {}
        in_chunks(connection, count, "stories", lambda numbers: _story_rows(numbers, count, words, seen, founders))
        connection.execute(
            "INSERT INTO stories"
            " SELECT story_id, story_id, count(*), 2, min(published_or_seen_at), max(published_or_seen_at)"
            " FROM story_members GROUP BY story_id HAVING count(*) > 1"
        )
        connection.execute("INSERT INTO term_counts VALUES (1, ?, ?, ?)", (count, count, _encode_counts(seen)))
        return size(connection) - before


def _story_rows(
    numbers: range, count: int, words: Words, seen: np.ndarray, founders: dict[int, int]
) -> list[tuple[str, list[tuple[Any, ...]]]]:
    story_rows, term_rows = [], []
    for number in numbers:
        at = published_at(number, count)
        is_new = number >= count - IN_WINDOW
        event = int(words.lot.integers(_EVENTS)) if is_new and number % 5 == 0 else None
        drawn = words.drawn(event)
        buckets = drawn.astype(np.int64) & (BUCKETS - 1)
        seen[buckets] += 1
        story = founders.setdefault(event, number + 1) if event is not None else number + 1
        story_rows.append((number + 1, story, micros(at), True, drawn.tobytes()))
        leading = buckets[np.argsort(-(drawn >> 21), kind="stable")][:MAX_INDEX_TERMS]
        term_rows += [(key, number + 1) for key in _TIME_BUCKETS.keys(leading.tolist(), at, at)]
    return [
        (
            "INSERT INTO story_members (article_id, story_id, published_or_seen_at, has_publication_time, terms)"
            " VALUES (?, ?, ?, ?, ?)",
            story_rows,
        ),
        ("INSERT OR IGNORE INTO story_terms (bucket_key, article_id) VALUES (?, ?)", term_rows),
    ]


def keep_and_time(path: Path, words: Words) -> tuple[list[float], int]:
    """Return the milliseconds that each article takes to find a story, and how many articles joined one."""
    database = open_database(f"sqlite:///{path}")
    times: list[float] = []
    for first in range(0, MEASURED, _BATCH):
        with database.write() as tx:
            for number in range(first, first + _BATCH):
                at = LAST + timedelta(minutes=number)
                url = f"https://real{number % 50}.example/{number}"
                terms = words.drawn(int(words.lot.integers(_EVENTS)) if number % 3 else None).tobytes()
                article = Article(url=url, title=f"Real {number}", text=f"Text {number}", published=at, terms=terms)
                page = Page(url=url, status=200, fetched_at=at, source="real")
                decision = link_recorded(tx, record_article(tx, article, page, None, at))
                started = time.perf_counter()
                assign_story(tx, article, decision)
                times.append((time.perf_counter() - started) * 1000)
    with database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT count(*) FROM story_members t JOIN articles a ON a.id = t.article_id JOIN stories s ON"
            " s.id = t.story_id"
            " WHERE a.source = 'real'"
        )
        joined = int(rows.scalar_one())
    database.close()
    return times, joined


def search_and_time(path: Path, words: Words) -> list[float]:
    """Return the milliseconds of the FTS5 query for any of an article's words, in an index of the three weeks."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE VIRTUAL TABLE asked USING fts5(words, content='', detail='none')")
    rows = connection.execute(
        "SELECT article_id, terms FROM story_members ORDER BY article_id DESC LIMIT ?", (IN_WINDOW,)
    )
    connection.executemany("INSERT INTO asked (rowid, words) VALUES (?, ?)", [(n, _spelled(t)) for n, t in rows])
    times = []
    for _ in range(MEASURED // 10):
        match = " OR ".join(_spelled(words.drawn(None).tobytes()).split()[:40])
        started = time.perf_counter()
        connection.execute(
            "SELECT rowid FROM asked WHERE asked MATCH ? ORDER BY bm25(asked) LIMIT 24", (match,)
        ).fetchall()
        times.append((time.perf_counter() - started) * 1000)
    connection.close()
    return times


def _spelled(terms: bytes) -> str:
    return " ".join(f"w{value & (BUCKETS - 1)}" for value in np.frombuffer(terms, "<u4").tolist())
