"""Measure which topics the shipped catalogue finds, also falsely, and the cost.

    python benchmarks/topics.py CORPUS [--other DOCS.jsonl.gz]

CORPUS is a folder of extraction sets (see benchmarks/extraction.py) whose ev_subset.jsonl.gz lists the pages about
electric cars, by `set` and `id`; these are extracted and searched for topics. DOCS are articles about other subjects,
with `title` and `text`: makers, models, batteries and charging that are found there are mostly false. The baseline in
the same run is one regular expression of all names without word boundaries, contexts or accents. The last line is one
JSON object; the exit status is 1 if a page about electric cars has no topic, or if the search costs more than the
baseline.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from aggregator.extraction.extract import extract
from aggregator.topics.catalogue import load_topics, shipped_matcher
from aggregator.topics.matcher import TopicCatalogue, TopicMatcher
from spiders.source import Hints
from storage.model.article import Article
from storage.model.page import Page

FETCHED = datetime(2026, 11, 1, tzinfo=UTC)
TELLING = ("maker", "model", "battery", "charging")
"""Kinds of topics that are mostly false in articles about other subjects; countries and insolvencies are not."""

Doc = tuple[str, str]


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a file of JSON lines, gzipped or not."""
    data = path.read_bytes()
    return [json.loads(line) for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()]


def electric(corpus: Path) -> list[Doc]:
    """Return title and extracted text of the pages about electric cars."""
    docs = []
    for wanted in rows_of(corpus / "ev_subset.jsonl.gz"):
        folder = corpus / wanted["set"]
        row = next(row for row in rows_of(folder / "gold.jsonl.gz") if row["id"] == wanted["id"])
        body = gzip.decompress((folder / row["file"]).read_bytes())
        url = row.get("url") or "https://page.example/a"
        made = extract(Page(url=url, status=200, body=body, fetched_at=FETCHED), Hints(), shipped_matcher())
        if isinstance(made, Article):
            docs.append((made.title, made.text))
    return docs


def plain_expression(catalogue: TopicCatalogue) -> re.Pattern[str]:
    """Return all names as one alternation, the longest first."""
    names = {name.removesuffix("*") for entry in catalogue.entries for name in (*entry.aliases, *entry.unsure)}
    return re.compile("|".join(map(re.escape, sorted(names, key=lambda name: (-len(name), name)))), re.I)


def cost(work: Callable[[Doc], object], docs: Sequence[Doc]) -> float:
    """Return the CPU milliseconds per document, the better of two rounds."""
    rounds = []
    for _ in range(2):
        started = time.process_time()
        for doc in docs:
            work(doc)
        rounds.append((time.process_time() - started) * 1000 / max(len(docs), 1))
    return min(rounds)


def main() -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--other", type=Path)
    given = parser.parse_args()
    catalogue = load_topics(None)
    matcher = TopicMatcher(catalogue)
    kinds = {entry.name: entry.kind for entry in catalogue.entries}
    docs = electric(given.corpus)
    others = [(row.get("title") or "", row.get("text") or "") for row in rows_of(given.other)] if given.other else []
    print(f"{len(docs)} pages about electric cars, {len(others)} others", file=sys.stderr)
    topics_by_doc = [matcher.find_topics(*doc) for doc in docs]
    false = [[entry.name for entry in matcher.find_topics(*doc) if kinds[entry.name] in TELLING] for doc in others]
    timed = (others or docs)[:200]
    expression = plain_expression(catalogue)
    ours = cost(lambda doc: matcher.find_topics(*doc), timed)
    baseline = cost(lambda doc: [*expression.finditer(doc[0]), *expression.finditer(doc[1])], timed[:40])
    figures = {
        "topics": len(catalogue.entries),
        "names": sum(len(entry.aliases) + len(entry.unsure) for entry in catalogue.entries),
        "ev_pages": len(docs),
        "ev_pages_without_topic": sum(not topics for topics in topics_by_doc),
        "topics_per_ev_page": round(sum(map(len, topics_by_doc)) / max(len(docs), 1), 1),
        "other_docs": len(others),
        "other_docs_with_telling_topic": sum(map(bool, false)),
        "most_there": Counter(name for names in false for name in names).most_common(12),
        "ms": round(ours, 3),
        "baseline_ms": round(baseline, 3),
    }
    print(json.dumps(figures))
    return 0 if not figures["ev_pages_without_topic"] and ours <= baseline else 1


if __name__ == "__main__":
    sys.exit(main())
