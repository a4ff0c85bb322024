"""How fast a whole crawl is beside trafilatura alone on the same pages: `python benchmarks/pipeline.py CORPUS`.

The crawl fetches over loopback from 20 publishers, extracts, decides, writes the tape and the database.
The baseline is trafilatura with its default options and metadata in a pool of as many processes, in the
same run; the two take turns, and the best round of each counts. The cost of polls alone is told apart.
Ends with a line of JSON; exit status 1 where a bar is broken.
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
    """What the baseline does with one page."""
    import trafilatura

    found = trafilatura.bare_extraction(body, with_metadata=True)
    return len(found.text or "") if found else 0


def baseline(bodies: list[bytes], processes: int) -> float:
    """Pages a second of trafilatura alone, warmed up."""
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(bare, bodies[: 4 * processes]))
        started = time.perf_counter()
        list(pool.map(bare, bodies, chunksize=4))
        return len(bodies) / (time.perf_counter() - started)


def bodies_of(folders: list[Path], most: int) -> list[bytes]:
    """The distinct pages of the corpus, as the server serves them."""
    raws = dict.fromkeys(
        (place / str(row["file"])).read_bytes() for folder in folders for place, row in gold_rows(folder)
    )
    return [gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw for raw in list(raws)[:most]]


def crawl(web: dict[str, object], home: Path, processes: int) -> tuple[float, float]:
    """Crawl everything; returns seconds and the parent's peak memory in MB."""
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
    """A process's resident memory, or 0 once it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return pages * resource.getpagesize() / 1e6


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="+", help="a folder of extraction sets, or some of its sets")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--most", type=int, default=900, help="at most so many pages")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    bodies = bodies_of(given.corpus, given.most)
    best = {"crawl": 0.0, "baseline": 0.0, "peak_mb": 0.0, "poll_ms": 0.0, "kept": 0.0}
    for number in range(given.rounds):
        print(f"round {number + 1}/{given.rounds}: trafilatura alone on {len(bodies)} pages", file=sys.stderr)
        best["baseline"] = max(best["baseline"], baseline(bodies, given.processes))
        print(f"round {number + 1}/{given.rounds}: the whole crawl", file=sys.stderr)
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
    """How many articles the archive holds."""
    command = [sys.executable, "-m", "aggregator", "--home", str(home), "stats", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    articles: int = json.loads(done.stdout.splitlines()[0])["articles"]
    return articles


if __name__ == "__main__":
    sys.exit(main())
