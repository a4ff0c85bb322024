"""Measure how fast, and in how much memory, a large archive is exported.

    python benchmarks/export.py [--articles 1000000] [--keep FILE] [--most N]

The archive is that of `benchmarks/search.py` (`--keep` reuses one). Each format is written in a separate process, as
`evnews export` writes it; `--most` limits the number of articles. The baseline in the same run is the minimum of any
export: the rows of articles with their texts, read by the driver and written as JSON. The last line is one JSON object;
the exit status is 1 if JSON lines are exported at fewer than 5,000 articles per second, or in more than 400 MB.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sqlite3
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from search import build
from search_texts import Press

LEAST_PER_S, MOST_MB = 5_000, 400
FORMS = ("jsonl", "csv", "parquet")


def main() -> int:
    """Build, export and compare; return 0 if every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--most", type=int, default=None)
    arguments = parser.parse_args()
    figures: dict[str, Any] = {"articles": arguments.articles}
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as home:
        path = arguments.keep or Path(home) / "archive.db"
        build(path, Press(arguments.articles, 1))
        for name in ("baseline", *FORMS):
            figures[name] = apart(name, path, Path(home), arguments.most)
            print(name, figures[name], file=sys.stderr, flush=True)
    print(json.dumps(figures))
    held = figures["jsonl"]["per_s"] >= LEAST_PER_S and figures["jsonl"]["mb"] <= MOST_MB
    return 0 if held else 1


def apart(name: str, path: Path, home: Path, most: int | None) -> dict[str, float]:
    """Return articles per second and megabytes of memory of one export in a separate process."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(measured, (name, path, home / f"out.{name}", most))


def measured(name: str, path: Path, out: Path, most: int | None) -> dict[str, float]:
    """Return them for an export in this process."""
    started = time.perf_counter()
    count = plain(path, out, most) if name == "baseline" else ours(name, path, out, most)
    seconds = time.perf_counter() - started
    size = out.stat().st_size
    out.unlink()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"per_s": round(count / seconds), "mb": round(peak), "written_mb": round(size / 1e6)}


def ours(form: str, path: Path, out: Path, most: int | None) -> int:
    """Export as the command does; return the number of articles."""
    from aggregator.feeds.formats import DATA_FORMATS
    from storage.archive import open_database
    from storage.library import Library
    from storage.model.search import Query

    database = open_database(f"sqlite:///{path}")
    count = 0

    def counted() -> Any:
        nonlocal count
        exported = Library(database).articles(Query(limit=None), include_past_texts=form == "jsonl")
        for article in islice(exported, most):
            count += 1
            yield article

    with out.open("wb") as file:
        DATA_FORMATS[form](counted(), file)
    database.close()
    return count


def plain(path: Path, out: Path, most: int | None) -> int:
    """Export rows as JSON; return the number of articles."""
    statement = (
        "SELECT a.id, a.url, a.source, a.title, a.authors, a.published, a.language, a.summary, t.text, t.html"
        " FROM articles a JOIN revisions r ON r.article_id = a.id AND r.number = a.revision"
        " JOIN texts t ON t.id = r.text_id ORDER BY a.first_seen, a.id"
    )
    count = 0
    connection = sqlite3.connect(path)
    with out.open("w", encoding="utf-8") as file:
        for row in islice(connection.execute(statement), most):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    connection.close()
    return count


if __name__ == "__main__":
    sys.exit(main())
