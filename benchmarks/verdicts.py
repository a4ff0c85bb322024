"""Measure how well other pages are distinguished from articles, against the rule "25 words were extracted".

    python benchmarks/verdicts.py CORPUS [--set NAME ...] [--jobs N]

CORPUS is a folder of sets, each with gold.jsonl.gz (or gold.jsonl) and the gzipped pages that it names. Every gold page
of type article is classified twice, without the data of a feed and with its title from a feed, and must be refused
neither time. The refused pages of the project (tests/refused_pages: many makers and languages) are classified both
ways too; a page that is accepted either time counts as accepted. Pages of other types are reported: how many are
recognised, and with which code. The time of classification is measured apart from the rest of the extraction, in CPU
seconds. The last line is one JSON object. The exit status is 1 if a bar is missed: no refused page accepted; at most
0.5 % of the articles of the sets with a bar refused; classification takes at most a tenth of the time of extraction.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

FETCHED = datetime(2026, 11, 1, tzinfo=UTC)
BARRED = ("fundus_tests", "naeb", "aeb", "wcxb_dev", "wcxb_test", "zh_cwced")
"""The sets with a bar; the others were examined only after the rules had been written."""

MOST_REFUSED = 0.005
MOST_SHARE = 0.1
"""Limit as a share of the time of extraction."""
PROMISED = "Volt opens its second battery plant in the north"
_NAIVE = 25

Row = dict[str, Any]


@dataclass(slots=True)
class Reading:
    """The result of one page: the code and reason of its refusal, or neither."""

    kind: str
    url: str
    refused: dict[str, str] = field(default_factory=dict)
    truncated: bool = False
    words: int = 0
    seconds: float = 0.0
    verdict_seconds: float = 0.0


def pages_of(folder: Path) -> list[Row]:
    """Return all rows of one set."""
    packed, plain = folder / "gold.jsonl.gz", folder / "gold.jsonl"
    data = gzip.decompress(packed.read_bytes()) if packed.exists() else plain.read_bytes()
    return [json.loads(line) for line in data.splitlines() if line.strip()]


def timed(spent: list[float], function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function so that it adds the CPU seconds of each call."""

    def call(*args: Any, **named: Any) -> Any:
        started = time.process_time()
        try:
            return function(*args, **named)
        finally:
            spent[0] += time.process_time() - started

    return call


def read_page(job: tuple[str, str, bytes, str, str]) -> Reading:
    """Classify a page, with the title of its lead and without."""
    logging.disable(logging.CRITICAL)
    from aggregator.extraction import extract as extraction
    from aggregator.topics.catalogue import shipped_matcher
    from spiders.source import Hints
    from storage.model.article import Article
    from storage.model.page import Lead, Page

    name, kind, body, url, title = job
    spent = [0.0]
    names = (
        "collect_page_features", "find_paywalled_text", "measure_links", "explain_truncation", "classify_page"
    )  # fmt: skip
    functions = {function_name: getattr(extraction, function_name) for function_name in names}
    for function_name, function in functions.items():
        setattr(extraction, function_name, timed(spent, function))
    reading = Reading(kind=kind, url=url or name)
    started = time.process_time()
    try:
        for lead in (None, Lead(url=url, title=title)) if title else (None,):
            page = Page(
                url=url or "http://page.example/article",
                status=200,
                headers=(("content-type", "text/html"),),
                body=body,
                fetched_at=FETCHED,
                lead=lead,
            )
            outcome = extraction.extract(page, Hints(), shipped_matcher())
            if isinstance(outcome, Article):
                reading.truncated, reading.words = outcome.truncated, outcome.words
            else:
                reading.refused["named" if lead else "unnamed"] = f"{outcome.code}: {outcome.reason}"
    finally:
        for function_name, function in functions.items():
            setattr(extraction, function_name, function)
    runs = 2 if title else 1
    reading.seconds, reading.verdict_seconds = (time.process_time() - started) / runs, spent[0] / runs
    return reading


def naive(body: bytes) -> bool:
    """Tell whether the baseline accepts a page: plain trafilatura extracts at least 25 words."""
    import trafilatura

    from storage.text.characters import count_words

    logging.disable(logging.CRITICAL)
    return count_words(trafilatura.extract(body, include_comments=False) or "") >= _NAIVE


def naive_page(job: tuple[str, str, bytes, str, str]) -> bool:
    """Return `naive` for a job."""
    return naive(job[2])


def judge_walls() -> Row:
    """Count the refused pages that evnews and the baseline accept, and those with the right code."""
    from tests.refused_pages import refused_pages

    walls = refused_pages()
    url = "https://www.volt.example/2026/11/battery-plant"
    read = [read_page((wall.name, wall.code, wall.body, url, PROMISED)) for wall in walls]
    kept = [wall.name for wall, reading in zip(walls, read, strict=True) if len(reading.refused) < 2]
    right = [
        wall.name
        for wall, reading in zip(walls, read, strict=True)
        if all(reason.startswith(f"{wall.code}:") for reason in reading.refused.values())
    ]
    return {
        "walls": len(walls),
        "kept": kept,
        "right_verdict": len(right),
        "kept_by_baseline": sum(naive(wall.body) for wall in walls),
    }


def report_set(name: str, read: list[Reading], bare: list[bool]) -> Row:
    """Print the results of a set and return its figures."""
    gold = [(r, kept) for r, kept in zip(read, bare, strict=True) if r.kind == "article"]
    refused = [r for r, _ in gold if r.refused]
    for reading in refused:
        reasons = "; ".join(f"{how}: {why}" for how, why in reading.refused.items())
        print(f"  refused {name} {reading.url[:90]} {reasons[:200]}")
    others = Counter(
        (r.kind, next(iter(r.refused.values())).partition(":")[0] if r.refused else "kept")
        for r in read
        if r.kind != "article"
    )
    print(
        f"{name:20} {len(gold):4} articles, {len(refused)} refused "
        f"({sum(not kept for _, kept in gold)} by the baseline), {sum(r.truncated for r, _ in gold)} cut short"
    )
    return {
        "articles": len(gold),
        "refused": len(refused),
        "refused_by_baseline": sum(not kept for _, kept in gold),
        "cut_short": sum(r.truncated for r, _ in gold),
        "others": {f"{kind} {what}": count for (kind, what), count in sorted(others.items())},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Classify a corpus of articles and the project's refused pages.")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="sets", metavar="NAME")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    folders = sorted(p for p in args.corpus.iterdir() if p.is_dir() and (not args.sets or p.name in args.sets))
    folders = [p for p in folders if (p / "gold.jsonl.gz").exists() or (p / "gold.jsonl").exists()]
    if not folders:
        parser.error(f"no set with a gold.jsonl.gz in {args.corpus}")
    walls = judge_walls()
    print(
        f"{walls['walls']} walls: {len(walls['kept'])} kept ({walls['kept_by_baseline']} by the baseline), "
        f"{walls['right_verdict']} with the right verdict"
    )
    report: Row = {}
    spent = [0.0, 0.0]
    pages = 0
    with ProcessPoolExecutor(args.jobs) as pool:
        for at, folder in enumerate(folders, 1):
            jobs = [
                (
                    row["file"],
                    row.get("page_type", "article"),
                    gzip.decompress((folder / row["file"]).read_bytes()),
                    row.get("url") or "",
                    row.get("title") or "",
                )
                for row in pages_of(folder)
            ]
            print(f"{at}/{len(folders)} {folder.name}: {len(jobs)} pages", file=sys.stderr, flush=True)
            read = list(pool.map(read_page, jobs, chunksize=4))
            report[folder.name] = report_set(folder.name, read, list(pool.map(naive_page, jobs, chunksize=4)))
            spent = [spent[0] + sum(r.seconds for r in read), spent[1] + sum(r.verdict_seconds for r in read)]
            pages += len(read)
    barred = [report[name] for name in BARRED if name in report]
    gold, refused = sum(r["articles"] for r in barred), sum(r["refused"] for r in barred)
    milliseconds, share = 1000 * spent[1] / max(1, pages), spent[1] / spent[0]
    broken = [f"walls kept: {', '.join(walls['kept'])}"] if walls["kept"] else []
    broken += [f"{refused} of {gold} articles refused"] if refused > MOST_REFUSED * gold else []
    broken += [f"the verdict takes {share:.0%} of the time of reading"] if share > MOST_SHARE else []
    print(f"sets with a bar: {refused} of {gold} articles refused")
    print(f"classification {milliseconds:.2f} ms per page, {share:.0%} of extraction")
    for line in broken:
        print(f"missed: {line}")
    figures = {
        "walls": walls["walls"],
        "walls_kept": len(walls["kept"]),
        "walls_kept_by_baseline": walls["kept_by_baseline"],
        "walls_right_verdict": walls["right_verdict"],
        "gold": gold,
        "gold_refused": refused,
        "gold_refused_by_baseline": sum(r["refused_by_baseline"] for r in barred),
        "verdict_ms": round(milliseconds, 3),
        "extraction_ms": round(1000 * spent[0] / max(1, pages), 2),
        "missed": broken,
        "sets": report,
    }
    print(json.dumps(figures))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
