"""Measure the cost of a poll without news: `python benchmarks/polls.py [--sources 500]`.

Polls the sources in rounds, each responding with 304; counts the requests at the server, the CPU time of the
crawl's own process, and its memory from round to round. The baseline in the same run is a plain Scrapy crawl of
the same URLs. The last line is one JSON object; the exit status is 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import scrapy
from corpus_web import hits, serving
from pipeline import memory_mb
from scrapy.crawler import AsyncCrawlerRunner

from aggregator.config import Config
from aggregator.crawl.reactor import run_in_reactor
from aggregator.crawl.runner import CrawlRunner
from aggregator.service.setup import open_runner
from spiders.source import Source

MAX_MS = 40.0
MAX_GROWTH_MB = 20.0
ROUNDS = 4


class BareSpider(scrapy.Spider):
    """Requests one URL."""

    name = "bare"

    async def start(self):
        yield scrapy.Request(self.url, callback=self.parse)

    def parse(self, response):
        return None


async def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU milliseconds and the seconds of a coroutine."""
    cpu, clock = time.process_time(), time.perf_counter()
    await work()  # type: ignore[misc]
    return (time.process_time() - cpu) * 1000, time.perf_counter() - clock


async def bare_crawls(urls: list[str]) -> None:
    """Crawl the same URLs by Scrapy alone, as many at once."""
    runner = AsyncCrawlerRunner({"LOG_ENABLED": False, "TELNETCONSOLE_ENABLED": False, "ROBOTSTXT_OBEY": False})
    places = asyncio.Semaphore(48)

    async def crawl(url: str) -> None:
        async with places:
            await runner.crawl(BareSpider, url=url)

    await asyncio.gather(*(crawl(url) for url in urls))


async def measure(runner: CrawlRunner, sources: list[Source], web: dict[str, object]) -> dict[str, object]:
    """Poll all sources in rounds: the first one fetches, the others find nothing new."""
    await runner.poll_all(sources, lambda _: None)
    first, rounds, memory = hits(web), [], []
    for number in range(ROUNDS):
        rounds.append(await timed(lambda: runner.poll_all(sources, lambda _: None)))
        memory.append(memory_mb(_own_pid()))
        print(f"round {number + 1}/{ROUNDS}: {rounds[-1][0] / len(sources):.1f} ms of CPU per poll", file=sys.stderr)
    last = hits(web)
    bare = await timed(lambda: bare_crawls([source.feeds[0] for source in sources]))
    polls = ROUNDS * len(sources)
    return {
        "sources": len(sources),
        "cpu_ms_per_poll": round(min(cpu for cpu, _ in rounds) / len(sources), 1),
        "bar_ms": MAX_MS,
        "baseline_cpu_ms_per_crawl": round(bare[0] / len(sources), 1),
        "ratio": round(min(cpu for cpu, _ in rounds) / bare[0], 2),
        "index_requests_per_poll": (last["index"] - first["index"]) / polls,
        "conditional_share": (last.get("unmodified", 0) - first.get("unmodified", 0)) / polls,
        "article_requests": last["page"] - first["page"],
        "robots_requests": last["robots"] - first["robots"],
        "growth_mb": round(memory[-1] - memory[0], 1),
        "polls_per_s": round(len(sources) / min(seconds for _, seconds in rounds), 1),
    }


def _own_pid() -> int:
    import os

    return os.getpid()


def main() -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=500)
    given = parser.parse_args()
    figures: dict[str, object] = {}
    page = (
        b"<html><head><title>A page</title></head><body><article><p>" + b"word " * 200 + b"</p></article></body></html>"
    )
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as folder:
        corpus = Path(folder) / "set"
        (corpus / "pages").mkdir(parents=True)
        rows = []
        for number in range(given.sources):
            (corpus / "pages" / f"{number}.html").write_bytes(page + b"<!-- %d -->" % number)
            rows.append(json.dumps({"id": str(number), "file": f"pages/{number}.html", "title": f"Page {number}"}))
        (corpus / "gold.jsonl").write_text("\n".join(rows))
        with serving([corpus], papers=min(given.sources, 250)) as web:
            sources = sources_of(web, given.sources)
            config = Config(
                home=Path(folder) / "home", allow_networks=(ipaddress.ip_network("127.0.0.0/8"),), contact="x"
            )

            async def run() -> int:
                async with open_runner(config, sources) as runner:
                    figures.update(await measure(runner, sources, web))
                return 0

            run_in_reactor(run)
    figures["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(figures))
    good = (
        float(str(figures["cpu_ms_per_poll"])) <= MAX_MS
        and float(str(figures["growth_mb"])) <= MAX_GROWTH_MB
        and figures["index_requests_per_poll"] == 1.0
        and figures["conditional_share"] == 1.0
        and figures["article_requests"] == 0
    )
    return 0 if good else 1


def sources_of(web: dict[str, object], count: int) -> list[Source]:
    """Return this number of sources on the served addresses, at most two per host."""
    addresses: list[str] = web["addresses"]  # type: ignore[assignment]
    return [
        Source(
            name=f"source-{number}",
            title=f"Source {number}",
            home=f"http://{addresses[number % len(addresses)]}:{web['port']}/",
            feeds=(f"http://{addresses[number % len(addresses)]}:{web['port']}/feed.xml",),
            delay=0.001,
        )
        for number in range(count)
    ]


if __name__ == "__main__":
    sys.exit(main())
