"""`evnews db`: the archive proved whole, and its search index built anew."""

from __future__ import annotations

import sys

from aggregator.archive import open_archive
from aggregator.config import Config
from aggregator.console.answer import counted
from aggregator.logs import safe_line
from storage.check import check, optimize, reindex


def run_check(config: Config) -> int:
    """Print every problem; 1 where there is one."""
    with open_archive(config) as database:
        problems = check(database, config.warc_folder)
    for problem in problems:
        print(safe_line(problem))
    print("the archive is whole" if not problems else f"{counted(len(problems), 'problem')} found")
    return 1 if problems else 0


def run_optimize(config: Config) -> int:
    """Join the pieces of the search index."""
    with open_archive(config) as database:
        before, after = optimize(database)
    print(f"the archive takes {after / 1e6:,.1f} MB ({before / 1e6:,.1f} MB before)")
    return 0


def run_reindex(config: Config) -> int:
    """Build the search index from the articles, with progress on stderr."""

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done}/{total} articles indexed", end="", file=sys.stderr, flush=True)

    with open_archive(config) as database:
        count = reindex(database, progress)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    print(f"{counted(count, 'article')} indexed")
    return 0
