"""Measure quality and CPU time of the extraction against plain trafilatura on the same pages.

    python benchmarks/extraction.py CORPUS [--set NAME ...] [--jobs N]

CORPUS is a folder of sets, each with gold.jsonl.gz (or gold.jsonl) and the gzipped pages that it names.
A gold row has any of text, summary, paragraphs with optional_paragraphs, with, without, title, authors and
date. The extraction gets no data of a feed. Texts are compared by runs of four words (a Chinese, Japanese or
Korean character counts as a word) as precision, recall and F1 of their means, and by words as the mean F1 of
pages; titles, days and authors by equality. Times are CPU seconds. The last line is one JSON object. The exit
status is 1 if a bar is missed: text at least as good as the baseline's on every set; on sets of news pages
titles and authors clearly better, dates no worse.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import re
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

FETCHED = datetime(2026, 11, 1, tzinfo=UTC)
NEWS = ("fundus_tests", "naeb", "zh_cwced")
"""Sets of news pages with metadata, to which the bars for titles, authors and dates apply."""

MARGIN = 0.002
"""Difference below which a text score counts as equal to the baseline's."""

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]+"
)
_JOINED = re.compile(r"\s*[;,/]\s*|\s+(?:and|und|et|och|og|y)\s+")
_BY = re.compile(r"^(?:by|von|par|av|af|por|di)\s+", re.I)

Row = dict[str, Any]
Figures = dict[str, float]


def gold_of(folder: Path) -> list[Row]:
    """Return the rows of a set that are scored."""
    packed, plain = folder / "gold.jsonl.gz", folder / "gold.jsonl"
    data = gzip.decompress(packed.read_bytes()) if packed.exists() else plain.read_bytes()
    rows = [json.loads(line) for line in data.splitlines() if line.strip()]
    return [row for row in rows if row.get("page_type", "article") == "article"]


def read_page(job: tuple[Path, Row]) -> tuple[Row, Row, float, float]:
    """Return the extraction of a page by evnews and by the baseline, and the CPU seconds of each."""
    import trafilatura

    from aggregator.extraction.extract import extract
    from aggregator.topics.catalogue import shipped_matcher
    from spiders.source import Hints
    from storage.model.article import Article
    from storage.model.page import Page

    logging.disable(logging.CRITICAL)
    folder, gold = job
    body = gzip.decompress((folder / gold["file"]).read_bytes())
    url = gold.get("url") or "http://page.example/article"
    page = Page(url=url, status=200, headers=(("content-type", "text/html"),), body=body, fetched_at=FETCHED)
    started = time.process_time()
    article = extract(page, Hints(), shipped_matcher())
    between = time.process_time()
    bare = trafilatura.bare_extraction(body, url=url, with_metadata=True, include_comments=False)
    ended = time.process_time()
    ours = (
        {"text": article.text, "title": article.title, "authors": article.authors, "date": article.published_date}
        if isinstance(article, Article)
        else {}
    )
    baseline_row = (
        {"text": bare.text, "title": bare.title, "authors": (bare.author or "").split(";"), "date": bare.date}
        if bare is not None
        else {}
    )
    return ours, baseline_row, between - started, ended - between


def words(text: str) -> list[str]:
    """Return the words of a text in order."""
    return _WORD.findall(text or "")


def runs(text: str, size: int = 4) -> Counter[tuple[str, ...]]:
    """Count the runs of four words of a text; a shorter text is one run."""
    tokens = words(text)
    return (
        Counter(tuple(tokens[at : at + size]) for at in range(max(1, len(tokens) - size + 1))) if tokens else Counter()
    )


def overlap(gold: Counter[Any], got: Counter[Any]) -> tuple[float | None, float | None]:
    """Return precision and recall of a bag against the gold bag, None instead of a division by zero."""
    shared = (gold & got).total()
    return (shared / got.total() if got else None), (shared / gold.total() if gold else None)


def word_f1(gold: str, got: str) -> float:
    """Return the F1 of the words of two texts, without their order."""
    want, have = Counter(w.lower() for w in words(gold)), Counter(w.lower() for w in words(got))
    if not want or not have:
        return float(not want and not have)
    precision, recall = overlap(want, have)
    return 2 * precision * recall / (precision + recall) if precision and recall else 0.0


def acceptable(gold: Row) -> Iterator[str]:
    """Yield the texts that count as correct: the body, with its summary, without optional paragraphs."""
    yield gold["text"]
    if gold.get("summary"):
        yield "\n\n".join([*gold["summary"], gold["text"]])
    if gold.get("optional_paragraphs"):
        yield "\n\n".join(p for at, p in enumerate(gold["paragraphs"]) if at not in gold["optional_paragraphs"])


def plain_title(title: str) -> str:
    """Return the letters and digits of a title in lower case."""
    return re.sub(r"\W+", " ", unicodedata.normalize("NFKC", title or "").casefold()).strip()


def names(authors: list[str] | tuple[str, ...]) -> set[str]:
    """Return authors as a set of normalised names."""
    parts = (part for author in authors or () for part in _JOINED.split(author))
    return {name for part in parts if (name := plain_title(_BY.sub("", part.strip())))}


def day(date: str) -> str:
    """Return the day of a date, with month and day in two digits."""
    match = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2})", date or "")
    return f"{match[1]}-{int(match[2]):02}-{int(match[3]):02}" if match else (date or "")[:10]


def score(gold: list[Row], got: list[Row]) -> Figures:
    """Return the figures of one set, without those for which the gold has no data."""
    precisions, recalls, f1s = [], [], []
    found = lost = wrong = kept_out = 0
    exact: dict[str, list[bool]] = {"title": [], "date": [], "authors": []}
    for want, have in zip(gold, got, strict=True):
        text = have.get("text") or ""
        if want.get("text") and want.get("readerable") is not False:
            best = max(acceptable(want), key=lambda accepted: word_f1(accepted, text))
            precision, recall = overlap(runs(best), runs(text))
            precisions += [precision] if precision is not None else []
            recalls += [recall] if recall is not None else []
            f1s.append(word_f1(best, text))
        if want.get("with"):
            line = " ".join(text.split())
            hits = sum(" ".join(snippet.split()) in line for snippet in want["with"])
            slips = sum(" ".join(snippet.split()) in line for snippet in want.get("without") or ())
            found, lost = found + hits, lost + len(want["with"]) - hits
            wrong, kept_out = wrong + slips, kept_out + len(want.get("without") or ()) - slips
        if want.get("title"):
            exact["title"].append(plain_title(have.get("title", "")) == plain_title(want["title"]))
        if want.get("date"):
            exact["date"].append(day(have.get("date", "")) == day(want["date"]))
        if want.get("authors"):
            exact["authors"].append(names(have.get("authors", ())) == names(want["authors"]))
    figures = {name: sum(marks) / len(marks) for name, marks in exact.items() if marks}
    if f1s:
        p, r = sum(precisions) / max(1, len(precisions)), sum(recalls) / max(1, len(recalls))
        figures |= {"precision": p, "recall": r, "f1": 2 * p * r / (p + r) if p + r else 0.0}
        figures["word_f1"] = sum(f1s) / len(f1s)
    if found + lost:
        figures["snippets"] = 2 * found / (2 * found + wrong + lost)
    return figures


def broken_bars(name: str, ours: Figures, bare: Figures) -> list[str]:
    """Describe the bars that a set misses."""
    floors = {key: bare[key] - MARGIN for key in ("f1", "word_f1", "snippets") if key in bare}
    if name in NEWS:
        for key, more, enough in (("title", 0.10, 0.95), ("authors", 0.05, 0.90)):
            if key in bare:
                floors[key] = min(enough, bare[key] + more)
        if "date" in bare:  # without the data of a feed the pages allow no more than a tie
            floors["date"] = bare["date"]
    return [f"{name} {key} {ours[key]:.3f} < {floor:.3f}" for key, floor in floors.items() if ours[key] < floor]


def line_of(name: str, count: int, ours: Figures, bare: Figures, ratio: float) -> str:
    """Return a row of the table: each figure as evnews/trafilatura."""
    keys = ("precision", "recall", "f1", "word_f1", "snippets", "title", "date", "authors")
    cells = [f"{ours[key]:.3f}/{bare[key]:.3f}" if key in bare else "-" for key in keys]
    return f"{name:20}{count:5}  " + "  ".join(f"{cell:11}" for cell in cells) + f"  {ratio:.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the extraction with plain trafilatura on a corpus.")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="sets", metavar="NAME")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    folders = sorted(p for p in args.corpus.iterdir() if p.is_dir() and (not args.sets or p.name in args.sets))
    folders = [p for p in folders if (p / "gold.jsonl.gz").exists() or (p / "gold.jsonl").exists()]
    if not folders:
        parser.error(f"no set with a gold.jsonl.gz in {args.corpus}")
    keys = "precision", "recall", "f1", "word_f1", "snippets", "title", "date", "authors"
    print(f"{'set (ours/bare)':20}{'n':>5}  " + "  ".join(f"{key:11}" for key in keys) + "  cpu")
    report: dict[str, Any] = {}
    broken: list[str] = []
    cpu = [0.0, 0.0]
    with ProcessPoolExecutor(args.jobs) as pool:
        for at, folder in enumerate(folders, 1):
            gold = gold_of(folder)
            print(f"{at}/{len(folders)} {folder.name}: {len(gold)} pages", file=sys.stderr, flush=True)
            read = list(pool.map(read_page, [(folder, row) for row in gold], chunksize=4))
            ours, bare = score(gold, [r[0] for r in read]), score(gold, [r[1] for r in read])
            spent = sum(r[2] for r in read), sum(r[3] for r in read)
            cpu = [cpu[0] + spent[0], cpu[1] + spent[1]]
            broken += broken_bars(folder.name, ours, bare)
            print(line_of(folder.name, len(gold), ours, bare, spent[0] / max(spent[1], 1e-9)), flush=True)
            report[folder.name] = {
                "pages": len(gold),
                "ours": {key: round(value, 4) for key, value in ours.items()},
                "bare": {key: round(value, 4) for key, value in bare.items()},
            }
    for line in broken:
        print(f"missed: {line}")
    ratio = cpu[0] / max(cpu[1], 1e-9)
    spent_in_all = [round(seconds, 2) for seconds in cpu]
    print(json.dumps({"cpu_ratio": round(ratio, 3), "cpu": spent_in_all, "missed": broken, "sets": report}))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
