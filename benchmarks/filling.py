"""Fill an archive in SQLite with synthetic articles, much faster than evnews stores articles."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

Rows = Iterable[tuple[str, Iterable[tuple[Any, ...]]]]
"""Statements, each with its rows."""
_CHUNK = 2_000


@contextmanager
def filling(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection that writes fast and without protection from crashes; the file is complete at the end."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -200000")
    yield connection
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def in_chunks(connection: sqlite3.Connection, count: int, name: str, rows: Callable[[range], Rows]) -> None:
    """Write the rows of the numbers below `count`, one commit per chunk; print the progress."""
    for first in range(0, count, _CHUNK):
        connection.execute("BEGIN")
        for statement, values in rows(range(first, min(first + _CHUNK, count))):
            connection.executemany(statement, values)
        connection.execute("COMMIT")
        if first % 100_000 == 0:
            print(f"{name}: {first} of {count}", file=sys.stderr)


def fill_articles(connection: sqlite3.Connection, count: int, published_at: Callable[[int], datetime]) -> None:
    """Write articles with these publication times; article number n has the id n + 1."""
    columns = [row[1] for row in connection.execute("PRAGMA table_info(articles)")]
    statement = f"INSERT INTO articles ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})"
    in_chunks(connection, count, "articles", lambda numbers: [(statement, _articles(columns, numbers, published_at))])


def _articles(columns: list[str], numbers: range, published_at: Callable[[int], datetime]) -> Iterator[tuple[Any, ...]]:
    for number in numbers:
        published = micros(published_at(number))
        url = f"https://site{number % 500}.example/news/{number}-an-article-about-something"
        values = {
            "id": number + 1, "search_row": number + 1, "url": url, "url_key": url[8:], "source": f"site{number % 500}",
            "title": f"An article about something, number {number}", "published": published, "first_seen": published,
            "sort_time": published, "revision": 1, "text_digest": f"{number * 0x9E3779B97F4A7C15 % 2**256:064x}",
            "authors": "[]", "tags": "[]", "origins": "[]", "words": 400, "zone_known": 1, "copy_of": None,
            "updated": None,
        }  # fmt: skip
        yield tuple(values.get(column, "") for column in columns)


def micros(at: datetime) -> int:
    """Return a time as SQLite stores it."""
    return int(at.timestamp() * 1_000_000)


def size(connection: sqlite3.Connection) -> int:
    """Return the used bytes of the file."""
    pages, page, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size", "freelist_count")
    )
    return int((pages - free) * page)
