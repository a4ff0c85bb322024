"""Measure how long maintenance delays other writers: removal of old articles, optimisation of the search index.

    python benchmarks/upkeep.py [--articles 100000] [--gone 5000] [--keep FILE]

The archive is that of `benchmarks/search.py` (`--keep` reuses one without changing it). Its oldest articles are removed
as by `keep = ...`, then its index is optimised in steps. Another writer waits at most for the longest step; the
baseline in the same run is the optimisation in one step. The last line is one JSON object; the exit status is 1 if a
step takes longer than a fifth of that, the archive is damaged afterwards, or the number of remaining articles is wrong.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from search import build
from search_texts import Press
from sqlalchemy import func, select

from storage.archive import open_database
from storage.db.database import Database
from storage.db.tables import articles
from storage.maintenance.check import check_archive
from storage.maintenance.expiry import ArticleAges, delete_expired
from storage.search.optimize import merge_segments, optimize_index

LARGEST_SHARE = 0.2


def main() -> int:
    """Build, remove, optimise and compare; return 0 if every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--gone", type=int, default=5_000)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as home:
        kept = arguments.keep or Path(home) / "kept.db"
        build(kept, Press(arguments.articles, 1))
        paths = [Path(home) / f"{name}.db" for name in ("ours", "baseline")]
        for path in paths:
            shutil.copyfile(kept, path)
        ours, baseline = (open_database(f"sqlite:///{path}") for path in paths)
        before = count(ours)
        figures: dict[str, Any] = {"articles": before, "removed": removed(ours, arguments.gone)}
        figures["joined"] = timed(merge_segments(ours))
        started = time.perf_counter()
        optimize_index(baseline)
        figures["baseline_ms"] = round((time.perf_counter() - started) * 1e3)
        problems = check_archive(ours, None)
        left = count(ours)
    print(json.dumps(figures))
    for problem in problems:
        print(problem, file=sys.stderr)
    longest = max(figures["removed"]["longest_ms"], figures["joined"]["longest_ms"])
    is_right = not problems and left == before - figures["removed"]["gone"]
    return 0 if is_right and longest <= LARGEST_SHARE * figures["baseline_ms"] else 1


def count(database: Database) -> int:
    """Return the number of articles."""
    with database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(articles)).scalar_one())


def removed(database: Database, count: int) -> dict[str, Any]:
    """Remove the oldest articles, up to a time; return the figures."""
    with database.read() as tx:
        line: datetime = tx.execute(
            select(articles.c.sort_time).order_by(articles.c.sort_time).offset(count).limit(1)
        ).scalar_one()
    now = datetime.now(UTC)
    keeping = ArticleAges(default=(now - line) / timedelta(seconds=1))
    gone = 0

    def steps() -> Iterator[None]:
        nonlocal gone
        for some in delete_expired(database, keeping, now):
            gone += some
            yield

    timing = timed(steps())
    return timing | {"gone": gone, "per_s": round(gone / timing["seconds"])}


def timed(steps: Iterator[Any]) -> dict[str, Any]:
    """Return the number of steps, their total and their longest time."""
    took = []
    while True:
        started = time.perf_counter()
        ended = next(steps, steps) is steps
        took.append(time.perf_counter() - started)
        if ended:
            return {"steps": len(took), "seconds": round(sum(took), 3), "longest_ms": round(max(took) * 1e3)}


if __name__ == "__main__":
    sys.exit(main())
