"""What work beside the polls costs those who write meanwhile: old articles removed, the search index joined.

    python benchmarks/upkeep.py [--articles 100000] [--gone 5000] [--keep FILE]

The archive is that of `benchmarks/search.py` (`--keep` takes one up, and leaves it as it was). Its oldest articles are
removed as `keep = ...` has it, then the pieces of its index are joined by steps. Nobody has to wait longer than for the
longest of these steps; the baseline in the same run is the index joined in one go. The last line is one JSON object;
the exit status is 1 where a step takes longer than a fifth of that, the archive is not whole afterwards, or another
number of articles is left than should be.
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
    """Build, remove, join, compare; 0 where every bar is held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--gone", type=int, default=5_000)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as home:
        kept = asked.keep or Path(home) / "kept.db"
        build(kept, Press(asked.articles, 1))
        paths = [Path(home) / f"{name}.db" for name in ("ours", "baseline")]
        for path in paths:
            shutil.copyfile(kept, path)
        ours, baseline = (open_database(f"sqlite:///{path}") for path in paths)
        before = count(ours)
        figures: dict[str, Any] = {"articles": before, "removed": removed(ours, asked.gone)}
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
    """How many articles there are."""
    with database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(articles)).scalar_one())


def removed(database: Database, many: int) -> dict[str, Any]:
    """The oldest so many articles removed: as they are told apart by a time."""
    with database.read() as tx:
        line: datetime = tx.execute(
            select(articles.c.sort_time).order_by(articles.c.sort_time).offset(many).limit(1)
        ).scalar_one()
    now = datetime.now(UTC)
    keeping = ArticleAges(default=(now - line) / timedelta(seconds=1))
    gone = 0

    def steps() -> Iterator[None]:
        nonlocal gone
        for some in delete_expired(database, keeping, now):
            gone += some
            yield

    found = timed(steps())
    return found | {"gone": gone, "per_s": round(gone / found["seconds"])}


def timed(steps: Iterator[Any]) -> dict[str, Any]:
    """How many steps there were, how long all of them took, and the longest of them."""
    took = []
    while True:
        started = time.perf_counter()
        ended = next(steps, steps) is steps
        took.append(time.perf_counter() - started)
        if ended:
            return {"steps": len(took), "seconds": round(sum(took), 3), "longest_ms": round(max(took) * 1e3)}


if __name__ == "__main__":
    sys.exit(main())
