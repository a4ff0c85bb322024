"""`evnews db`: the archive proved whole, and its search index built anew."""

from __future__ import annotations

from aggregator.archive import open_archive
from aggregator.config import Config
from aggregator.console.answer import counted
from aggregator.console.bar import bar
from aggregator.logs import safe_line
from storage.check import check, optimize, reindex
from storage.monitor import Monitor

CAPTURES = 1_000
"""So many captures are read, spread over the tape, where not all are asked for."""


def run_check(config: Config, *, every: bool) -> int:
    """Print every problem; 1 where there is one."""
    with open_archive(config) as database:
        problems = check(database, config.warc_folder, None if every else CAPTURES)
        captures = Monitor(database).stats().captures
    for problem in problems:
        print(safe_line(problem))
    print("the archive is whole" if not problems else f"{counted(len(problems), 'problem')} found")
    if not every and captures > CAPTURES:
        print(f"about {CAPTURES} of {captures} captures were read; --all reads each")
    return 1 if problems else 0


def run_optimize(config: Config) -> int:
    """Join the pieces of the search index."""
    with open_archive(config) as database:
        before, after = optimize(database)
    print(f"the archive takes {after / 1e6:,.1f} MB ({before / 1e6:,.1f} MB before)")
    return 0


def run_reindex(config: Config) -> int:
    """Build the search index from the articles; one that was left half built is gone on with."""
    with open_archive(config) as database, bar("indexing articles") as progress:
        count = reindex(database, progress)
    print(f"{counted(count, 'article')} indexed")
    return 0
