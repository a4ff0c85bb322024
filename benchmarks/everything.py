"""Every benchmark, one after the other, and then what came of each: its figures beside its baseline's.

    python benchmarks/everything.py CORPUS [--only NAME ...]

CORPUS is a folder with extraction/ and clustering/ (see docs/benchmarks.md). Takes two hours or so. Exit status 1
where one missed a bar; the others are run all the same.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def commands(corpus: Path, archive: Path) -> dict[str, list[str]]:
    """The arguments of each benchmark, by its name; `archive` is made by the first that needs a large one."""
    pages, texts = str(corpus / "extraction"), corpus / "clustering"
    events, pairs = texts / "g5w1h_gold_standard/docs.jsonl.gz", texts / "tgcontest_pairs/pairs.jsonl.gz"
    return {
        "extraction": [pages],
        "pipeline": [pages],
        "polls": [],
        "verdicts": [pages],
        "dedup": [str(corpus), "--articles", "1000000"],
        "revisions": [pages],
        "stories": [str(events), "--pairs", str(pairs), "--articles", "1000000"],
        "relevance": [str(corpus)],
        "search": ["--articles", "1000000", "--keep", str(archive)],
        "serve": ["--articles", "1000000", "--keep", str(archive)],
        "topics": [pages, "--other", str(texts / "bbc2225/docs.jsonl.gz")],
    }


def main() -> int:
    """Run those that were asked for; 0 where every bar is held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, metavar="CORPUS")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    asked = parser.parse_args()
    told = []
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as home:
        for name, arguments in commands(asked.corpus, Path(home) / "archive.db").items():
            if not asked.only or name in asked.only:
                told.append(_run(name, arguments))
    print("\n".join(line for _, line in told))
    return int(any(status for status, _ in told))


def _run(name: str, arguments: list[str]) -> tuple[int, str]:
    """Run one and print its figures; its exit status and what came of it."""
    print(f"== {name}", file=sys.stderr, flush=True)
    started = time.monotonic()
    command = [sys.executable, str(HERE / f"{name}.py"), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # our own
    last = (done.stdout.strip().splitlines() or ["no figures"])[-1]
    minutes = (time.monotonic() - started) / 60
    line = f"{name}: {'held' if done.returncode == 0 else 'MISSED'}, {minutes:.0f} min"
    print(f"{line}\n{last}", flush=True)
    return done.returncode, line


if __name__ == "__main__":
    sys.exit(main())
