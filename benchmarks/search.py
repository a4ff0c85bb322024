"""Measure the time of searches in a large archive, and the rate at which articles are stored.

    python benchmarks/search.py [--articles 1000000] [--keep FILE] [--seed 1] [--db sqlite|postgresql]

The archive consists of synthetic articles from a generator with a seed: 400 words each, drawn by Zipf's law, in
English, German and Chinese. After every 100,000 of them 1,000 more are stored by the product's own code, with
signature, story and index, fifty per commit: `insert_per_s`. Each class of queries runs through the library, with hits
and snippets, each query once before it is timed. The baselines in the same run are FTS5's own `ORDER BY rank` over the
same index and, in archives of at most 200,000 articles, `LIKE` over the texts. Then four readers search at once while a
writer stores fifty articles per second.

`--keep FILE` keeps the archive and reuses it. With `--db postgresql` the same articles are also stored in a PostgreSQL
of the benchmark's own, and each class is compared. The last line is one JSON object; the exit status is 1 if a bar is
missed.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from search_filling import fill, keep, real_articles
from search_postgres import in_postgres
from search_readers import readers
from search_texts import HALF, Press

from storage.archive import open_database
from storage.library import Library
from storage.model.search import Query

NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUERIES = 30
INSERTED = 1_000
LEAST_PER_S = 200
MOST_TIMES = 3
"""Limit of the time of PostgreSQL as a multiple of that of SQLite."""
LIKE_UPTO = 200_000
_LATER = 10_000_000
"""First number of the articles that are stored in addition to those of the archive."""


@dataclass(frozen=True, slots=True)
class Class:
    """Queries of one kind, the limit of their 95th percentile in milliseconds, and the equivalent query of FTS5."""

    name: str
    bar: float
    queries: list[Query]
    plain: str = ""
    ask: Callable[[Library, Query], bool] | None = None


def main() -> int:
    """Build, search and compare; return 0 if every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    arguments = parser.parse_args()
    press = Press(arguments.articles, arguments.seed)
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as home:
        path = arguments.keep or Path(home) / "archive.db"
        rates, seconds = build(path, press)
        figures: dict[str, Any] = {"articles": arguments.articles, "build_s": round(seconds), "inserts": rates}
        figures["classes"] = measure(path, press)
        if arguments.db == "postgresql":
            compare(path, press, figures["classes"])
        figures["insert_per_s"] = min(rates.values()) if rates else insert(path, press, _LATER * 2)
        figures |= readers(path, press)
    slow = [name for name, class_figures in figures["classes"].items() if class_figures["p95"] > class_figures["bar"]]
    late = [name for name, class_figures in figures["classes"].items() if class_figures.get("times", 0) > MOST_TIMES]
    slow += [f"{name} in PostgreSQL" for name in late]
    held = not slow and figures["insert_per_s"] >= LEAST_PER_S and not figures["locked"] and figures["slower"] <= 2
    print(f"missed bars: {', '.join(slow) or 'none'}", file=sys.stderr)
    print(json.dumps(figures))
    return 0 if held else 1


def build(path: Path, press: Press) -> tuple[dict[int, float], float]:
    """Fill the archive if it is missing; return the stored articles per second at each size, and the seconds."""
    mark = path.with_suffix(".json")
    if path.exists() and mark.exists() and json.loads(mark.read_text())["count"] == press.count:
        kept = json.loads(mark.read_text())
        return {int(size): rate for size, rate in kept["rates"].items()}, kept["seconds"]
    path.unlink(missing_ok=True)
    open_database(f"sqlite:///{path}").close()
    rates: dict[int, float] = {}

    def upto(done: int) -> None:
        rates[done] = insert(path, press, _LATER + done)
        print(f"{rates[done]} articles per second stored at {done}", file=sys.stderr, flush=True)

    seconds = fill(path, press, upto)
    mark.write_text(json.dumps({"count": press.count, "rates": rates, "seconds": seconds}))
    return rates, seconds


def insert(path: Path, press: Press, first: int) -> float:
    """Return the stored articles per second."""
    articles = real_articles(press, first, INSERTED)
    database = open_database(f"sqlite:///{path}")
    seconds = keep(database, articles)
    database.close()
    return round(INSERTED / seconds, 1)


def measure(path: Path, press: Press) -> dict[str, dict[str, Any]]:
    """Return the figures of each class."""
    database = open_database(f"sqlite:///{path}")
    library, plain = Library(database), sqlite3.connect(path)
    figures_by_class = {}
    for kind in classes(press):
        figures_by_class[kind.name] = figures = timed(kind, library)
        figures["baseline"] = _plainly(plain, kind)
        print(f"{kind.name:18} {figures}", file=sys.stderr, flush=True)
    if press.count <= LIKE_UPTO:
        figures_by_class["rare_word"]["like"] = _like(plain, press)
    database.close()
    return figures_by_class


def compare(path: Path, press: Press, figures: dict[str, dict[str, Any]]) -> None:
    """Add the time of each class in PostgreSQL, and its ratio to that in SQLite."""
    with in_postgres(path) as url:
        database = open_database(url)
        library = Library(database)
        for kind in classes(press):
            sqlite, here = timed(kind, library), figures[kind.name]
            here["postgresql"] = {name: sqlite[name] for name in ("p50", "p95", "complete")}
            here["times"] = round(sqlite["p95"] / here["p95"], 2)
            print(f"{kind.name:18} PostgreSQL {here['postgresql']}, {here['times']} times", file=sys.stderr, flush=True)
        database.close()


def timed(kind: Class, library: Library) -> dict[str, Any]:
    """Return the milliseconds of each query, after one run without timing."""
    times, complete = [], True
    ask = kind.ask or _first_page
    for query in kind.queries:
        ask(library, query)
        started = time.perf_counter()
        complete = ask(library, query) and complete
        times.append((time.perf_counter() - started) * 1000)
    times.sort()
    return {
        "p50": round(times[len(times) // 2], 2),
        "p95": round(times[len(times) * 95 // 100], 2),
        "bar": kind.bar,
        "complete": complete,
    }


def _first_page(library: Library, query: Query) -> bool:
    return library.search(query, NOW).is_complete


def _overview(library: Library, query: Query) -> bool:
    months, _ = library.facets(query, NOW)
    return months.is_complete


def classes(press: Press) -> Iterator[Class]:
    """Yield every class of queries."""
    lot = random.Random(press.count)
    english, german, chinese = (press.words[name].tolist() for name in ("en", "de", "zh"))

    def some(words: list[str], first: int, last: int, count: int = QUERIES) -> list[str]:
        return lot.sample(words[first:last], count)

    def queries_of(texts: list[str], **more: Any) -> list[Query]:
        return [Query(words=text, **more) for text in texts]

    rare = (press.rare * 2)[:QUERIES]
    yield Class("rare_word", 15, queries_of(rare), "{0}")
    pairs = list(zip(some(english, 200, 2000), some(english, 200, 2000), strict=True))
    yield Class("two_words", 15, queries_of([f"{left} {right}" for left, right in pairs]), '"{0}" AND "{1}"')
    phrases = [" ".join(phrase) for phrase in press.phrases[:QUERIES]]
    yield Class("uncommon_phrase", 15, queries_of([f'"{phrase}"' for phrase in phrases]), '"{0} {1}"')
    fields = [f"source:source{n:03} {word}" for n, word in enumerate(some(english, 100, 1000, 15))]
    fields += [f"lang:de title:{word}" for word in some(german, 100, 1000, 15)]
    yield Class("field_and_words", 15, queries_of(fields))
    dates = [f"{word} date:{2011 + n % 14}" for n, word in enumerate(some(english, 50, 1000))]
    yield Class("date_range", 15, queries_of(dates))
    yield Class("half_new", 40, queries_of([HALF] * QUERIES), "{0}")
    yield Class("half_best", 40, queries_of([HALF] * QUERIES, order="best"), "{0}")
    common = [f'"{left} {right}"' for left, right in zip(some(english, 0, 40), some(english, 0, 40), strict=True)]
    yield Class("common_phrase", 50, queries_of(common), '"{0} {1}"')
    yield Class("prefix3", 50, queries_of([f"{word[:3]}*" for word in some(english, 100, 3000)]))
    fives = [" OR ".join(some(english, 50, 1500, 5)) for _ in range(QUERIES)]
    yield Class("or5", 50, queries_of(fives, order="best"))
    twos = some([word for word in chinese[:3000] if len(word) == 2], 0, 1000)
    yield Class("cjk2", 50, queries_of(twos, order="best"), '"{0}"')
    yield Class("facets_timeline", 80, queries_of([HALF] * QUERIES), ask=_overview)
    yield Class("page200", 20, queries_of([HALF] * QUERIES), ask=_Pages(200))


class _Pages:
    """Requests a late page of results by cursor; the first call goes through the pages before it."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._cursors: dict[Query, str] = {}

    def __call__(self, library: Library, query: Query) -> bool:
        cursor = self._cursors.get(query, "")
        for _ in range(0 if cursor else self._number - 1):
            cursor = library.search(Query(words=query.words, cursor=cursor), NOW).cursor
        self._cursors[query] = cursor
        answer = library.search(Query(words=query.words, cursor=cursor), NOW)
        return answer.is_complete and len(answer.hits) == query.limit


def _plainly(connection: sqlite3.Connection, queries: Class) -> float | None:
    """Return the milliseconds (median of three) of FTS5's own best twenty, if the class has an FTS5 query."""
    if not queries.plain:
        return None
    match = queries.plain.format(*queries.queries[0].words.replace('"', "").split())
    times = []
    for _ in range(3):
        started = time.perf_counter()
        connection.execute(
            "SELECT rowid FROM article_index WHERE article_index MATCH ? ORDER BY rank LIMIT 20", (match,)
        ).fetchall()
        times.append((time.perf_counter() - started) * 1000)
    return round(sorted(times)[1], 2)


def _like(connection: sqlite3.Connection, press: Press) -> float:
    started = time.perf_counter()
    connection.execute("SELECT id FROM texts WHERE text LIKE ? LIMIT 20", (f"%{press.rare[0]}%",)).fetchall()
    return round((time.perf_counter() - started) * 1000, 2)


if __name__ == "__main__":
    sys.exit(main())
