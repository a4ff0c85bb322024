"""Run every benchmark and print its result.

    python benchmarks/everything.py CORPUS [--only NAME ...]

CORPUS is a folder with extraction/ and clustering/ (see docs/benchmarks.md). The run takes about two hours. The
exit status is 1 if a benchmark missed a bar; the others run nevertheless.
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
    """Return the arguments of each benchmark by name; the first that needs a large archive makes `archive`."""
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
    """Run the chosen benchmarks; return 0 if every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, metavar="CORPUS")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as home:
        for name, arguments in commands(options.corpus, Path(home) / "archive.db").items():
            if not options.only or name in options.only:
                results.append(_run(name, arguments))
    print("\n".join(line for _, line in results))
    return int(any(status for status, _ in results))


def _run(name: str, arguments: list[str]) -> tuple[int, str]:
    """Run a benchmark and print its figures; return its exit status and a summary."""
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
