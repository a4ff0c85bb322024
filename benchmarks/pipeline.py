"""Compare a whole crawl with trafilatura alone on the same pages: `python benchmarks/pipeline.py CORPUS`.

The crawl fetches over loopback from 20 publishers, extracts, decides, and writes WARC files and the database.
The baseline is trafilatura with its default options and metadata in a pool of as many processes, in the same
run; the two take turns, and the best round of each counts. The cost of polls alone is a separate figure.
The last line is one JSON object; the exit status is 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from corpus_web import gold_rows, hits, serving

MIN_RATIO = 0.80
MAX_PARENT_MB = 400


def bare(body: bytes) -> int:
    """Extract a page as the baseline does; return the length of its text."""
    import trafilatura

    document = trafilatura.bare_extraction(body, with_metadata=True)
    return len(document.text or "") if document else 0


def baseline(bodies: list[bytes], processes: int) -> float:
    """Return the pages per second of trafilatura alone, after a warm-up."""
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(bare, bodies[: 4 * processes]))
        started = time.perf_counter()
        list(pool.map(bare, bodies, chunksize=4))
        return len(bodies) / (time.perf_counter() - started)


def bodies_of(folders: list[Path], most: int) -> list[bytes]:
    """Return the distinct pages of the corpus that the server serves."""
    raws = dict.fromkeys(
        (place / str(row["file"])).read_bytes() for folder in folders for place, row in gold_rows(folder)
    )
    return [gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw for raw in list(raws)[:most]]


def crawl(web: dict[str, object], home: Path, processes: int) -> tuple[float, float]:
    """Crawl everything; return the seconds and the peak memory of the parent process in MB."""
    sources = home / "sources-bench.toml"
    names = [str(address) for address in web["addresses"]]  # type: ignore[union-attr]
    sources.write_text(
        "".join(
            f'[paper-{name.rpartition(".")[2]}]\ntitle = "{name}"\nhome = "http://{name}:{web["port"]}/"\n'
            f'feeds = ["http://{name}:{web["port"]}/feed.xml"]\ndelay = 0.001\n\n'
            for name in names
        )
    )
    environment = {**os.environ, "EVNEWS_ALLOW_NETWORKS": "127.0.0.0/8", "EVNEWS_CONTACT": "mailto:bench@example.org"}
    environment["EVNEWS_WORKERS"] = str(processes)
    command = [sys.executable, "-m", "aggregator", "--home", str(home), "crawl", "--json", "--sources", str(sources)]
    started = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, memory_mb(process.pid))
            time.sleep(0.1)
    return time.perf_counter() - started, peak


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process, 0 after its end."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return pages * resource.getpagesize() / 1e6


def main() -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="+", help="folder of extraction sets, or some of its sets")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--most", type=int, default=900, help="maximum number of pages")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    bodies = bodies_of(given.corpus, given.most)
    best = {"crawl": 0.0, "baseline": 0.0, "peak_mb": 0.0, "poll_ms": 0.0, "kept": 0.0}
    for number in range(given.rounds):
        print(f"round {number + 1}/{given.rounds}: trafilatura alone on {len(bodies)} pages", file=sys.stderr)
        best["baseline"] = max(best["baseline"], baseline(bodies, given.processes))
        print(f"round {number + 1}/{given.rounds}: whole crawl", file=sys.stderr)
        with serving(given.corpus, papers=20, most=given.most) as web:
            home = Path(tempfile.mkdtemp(prefix="evnews-bench-"))
            try:
                seconds, peak = crawl(web, home, given.processes)
                pages = hits(web)["page"]
                again, _ = crawl(web, home, given.processes)
                kept = count(home)
            finally:
                shutil.rmtree(home, ignore_errors=True)
        best["crawl"] = max(best["crawl"], pages / seconds)
        best["peak_mb"] = max(best["peak_mb"], peak)
        best["poll_ms"] = again / 20 * 1000
        best["kept"] = kept / pages
    ratio = best["crawl"] / best["baseline"]
    figures = {
        "pages": len(bodies),
        "pages_per_s": round(best["crawl"], 1),
        "baseline_pages_per_s": round(best["baseline"], 1),
        "ratio": round(ratio, 3),
        "bar": MIN_RATIO,
        "kept": round(best["kept"], 3),
        "parent_peak_mb": round(best["peak_mb"]),
        "bar_mb": MAX_PARENT_MB,
        "fixed_ms_per_poll": round(best["poll_ms"], 1),
    }
    print(json.dumps(figures))
    return 0 if ratio >= MIN_RATIO and best["peak_mb"] <= MAX_PARENT_MB else 1


def count(home: Path) -> int:
    """Return the number of articles in the archive."""
    command = [sys.executable, "-m", "aggregator", "--home", str(home), "stats", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    articles: int = json.loads(done.stdout.splitlines()[0])["articles"]
    return articles


if __name__ == "__main__":
    sys.exit(main())
