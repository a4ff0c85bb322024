"""How well pages that are no articles are told from articles, beside the rule "25 words were extracted".

    python benchmarks/verdicts.py CORPUS [--set NAME ...] [--jobs N]

CORPUS is a folder of sets, each with gold.jsonl.gz (or gold.jsonl) and the gzipped pages it names.
Every gold page of type article is read twice, as if nothing had been said of it and as if a feed had
named its title, and must be refused neither time. The walls are the project's own (tests/walls: many
makers and languages), read both ways too; a wall that is kept either time counts as kept. Pages of
other types are reported: how many are recognised, and as what. The verdict is timed in CPU seconds
apart from the rest of the extraction. The last line is one JSON object. The exit code is 1 when a bar
is missed: no wall kept; at most 0.5 % of the articles of the sets of the bar refused; the verdict takes a
tenth of the time that reading the page takes at most.
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
"""The sets of the bar; the others were looked at only after the rules had been made."""

MOST_REFUSED = 0.005
MOST_SHARE = 0.1
"""Of the time that reading a page takes."""
PROMISED = "Volt opens its second battery plant in the north"
_NAIVE = 25

Row = dict[str, Any]


@dataclass(slots=True)
class Reading:
    """What became of one page: the code and reason of its refusal, or neither."""

    kind: str
    url: str
    refused: dict[str, str] = field(default_factory=dict)
    truncated: bool = False
    words: int = 0
    seconds: float = 0.0
    verdict_seconds: float = 0.0


def pages_of(folder: Path) -> list[Row]:
    """All rows of one set."""
    packed, plain = folder / "gold.jsonl.gz", folder / "gold.jsonl"
    data = gzip.decompress(packed.read_bytes()) if packed.exists() else plain.read_bytes()
    return [json.loads(line) for line in data.splitlines() if line.strip()]


def timed(spent: list[float], function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, adding the CPU seconds of each call."""

    def call(*args: Any, **named: Any) -> Any:
        started = time.process_time()
        try:
            return function(*args, **named)
        finally:
            spent[0] += time.process_time() - started

    return call


def read_page(job: tuple[str, str, bytes, str, str]) -> Reading:
    """Read one page, with its lead's title and without."""
    logging.disable(logging.CRITICAL)
    from aggregator.extraction import extract as door
    from spiders.source import Hints
    from storage.model.article import Article
    from storage.model.page import Lead, Page

    name, kind, body, url, title = job
    spent = [0.0]
    parts = ("looked_at", "held_text", "linked", "cut_short", "judged")
    kept = {part: getattr(door, part) for part in parts}
    for part, function in kept.items():
        setattr(door, part, timed(spent, function))
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
            made = door.extract(page, Hints())
            if isinstance(made, Article):
                reading.truncated, reading.words = made.truncated, made.words
            else:
                reading.refused["named" if lead else "unnamed"] = f"{made.code}: {made.reason}"
    finally:
        for part, function in kept.items():
            setattr(door, part, function)
    looks = 2 if title else 1
    reading.seconds, reading.verdict_seconds = (time.process_time() - started) / looks, spent[0] / looks
    return reading


def naive(body: bytes) -> bool:
    """Whether the baseline would keep a page: bare trafilatura found at least 25 words on it."""
    import trafilatura

    from aggregator.extraction.extract import count_words

    logging.disable(logging.CRITICAL)
    return count_words(trafilatura.extract(body, include_comments=False) or "") >= _NAIVE


def naive_page(job: tuple[str, str, bytes, str, str]) -> bool:
    """`naive` of a job."""
    return naive(job[2])


def judge_walls() -> Row:
    """How many of the project's walls are kept, by us and by the baseline, and how many get the right verdict."""
    from tests.walls import every_wall

    walls = every_wall()
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
    """Print what one set came to and give its figures."""
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
        "others": {f"{kind} {what}": many for (kind, what), many in sorted(others.items())},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Verdicts on a corpus of articles and on the project's walls.")
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
    print(f"the sets of the bar: {refused} of {gold} articles refused")
    print(f"verdict {milliseconds:.2f} ms a page, {share:.0%} of reading it")
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
