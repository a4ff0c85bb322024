"""Measure how well articles about one event become one story, and the cost.

    python benchmarks/stories.py DOCS.jsonl.gz [--pairs PAIRS.jsonl.gz] [--articles 1000000]

DOCS are articles with `title`, `text`, `date` and `event`. They are stored in a new archive in the order of their
dates (undated ones at random places), then in five random orders. The figure is B-cubed: the mean over the articles
of the share of an article's story that is about its event (precision) and the share of its event that is in its story
(recall). The baseline in the same run is one pass with TF-IDF vectors of the whole set: each article joins the group of
the most similar article, with the threshold that is best in hindsight.

PAIRS are two articles each, with `label` OK if both are about the same story. All are stored in one archive, undated;
a pair is found if both are in one story.

With --articles, this number of synthetic articles is stored first, 20,000 of them in the last three weeks, and the time
that further articles take to find their story is measured.

The last line is one JSON object; the exit status is 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from stories_speed import speed

from aggregator.extraction.derived_fields import with_derived_fields
from aggregator.extraction.metadata.language import parse_language_code
from aggregator.ingest.keep import keep_article
from aggregator.topics.catalogue import shipped_matcher
from storage.archive import open_database
from storage.articles.boilerplate import load_boilerplate
from storage.db.database import Database
from storage.model.article import Article
from storage.model.page import Page
from storage.stories.reading import load_story_ids

LEAST_F1 = 0.94
LEAST_PAIRS = 0.80
MOST_SPREAD = 0.02
_WORD = re.compile(r"[^\W_]+")


def main() -> int:
    """Measure the given parts; return 0 if every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("docs", type=Path, metavar="DOCS.jsonl.gz")
    parser.add_argument("--pairs", type=Path, metavar="PAIRS.jsonl.gz")
    parser.add_argument("--articles", type=int, default=0, metavar="COUNT")
    arguments = parser.parse_args()
    docs = read(arguments.docs)
    figures, held = events(docs)
    if arguments.pairs:
        figures["pairs"] = pairs(read(arguments.pairs))
        held &= figures["pairs"]["f1"] >= LEAST_PAIRS
    if arguments.articles:
        figures["speed"], fast = speed(arguments.articles)
        held &= fast
    print(json.dumps(figures))
    return 0 if held else 1


def read(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def events(docs: list[dict[str, Any]]) -> tuple[dict[str, Any], bool]:
    """Return B-cubed of the stories in the order of time, in five other orders and of the baseline."""
    gold = [item["event"] for item in docs]
    first, *others = (b_cubed(archived([docs[at] for at in order], order), gold) for order in orders(docs))
    spread = max(item["f1"] for item in (first, *others)) - min(item["f1"] for item in (first, *others))
    figures = {
        "bcubed_f1": round(first["f1"], 4),
        "precision": round(first["precision"], 4),
        "recall": round(first["recall"], 4),
        "shuffled": [round(item["f1"], 4) for item in others],
        "baseline_f1": round(baseline(docs, gold), 4),
    }
    print(f"events: {figures}", file=sys.stderr)
    return figures, first["f1"] >= LEAST_F1 and spread <= MOST_SPREAD


def orders(docs: Sequence[dict[str, Any]]) -> list[list[int]]:
    """Return the order of time and five random orders."""
    lot = random.Random(7)
    dated = sorted((at for at, doc in enumerate(docs) if published(doc)), key=lambda at: published(docs[at]))
    for at, doc in enumerate(docs):
        if not published(doc):
            dated.insert(lot.randrange(len(dated) + 1), at)
    return [dated, *(lot.sample(dated, len(dated)) for _ in range(5))]


def published(doc: dict[str, Any]) -> datetime | None:
    """Return the publication time of an article in its set."""
    try:
        at = datetime.fromisoformat(str(doc.get("date")))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def archived(docs: Sequence[dict[str, Any]], numbers: Sequence[int]) -> list[int]:
    """Store the articles in this order; return the story of each, in the order of the set."""
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as home:
        database = open_database(f"sqlite:///{home}/archive.db")
        clock = next((at for doc in docs if (at := published(doc))), datetime.now(UTC))
        kept = {}
        for number, doc in zip(numbers, docs, strict=True):
            at = published(doc)
            clock = at or clock
            article = Article(
                url=f"https://host{number}.example/{number}", title=doc["title"], text=doc["text"], published=at,
                language=parse_language_code(doc.get("lang", "en")),
            )  # fmt: skip
            kept[number] = keep(database, article, clock)
        with database.read() as connection:
            stories = load_story_ids(connection, list(kept.values()))
        database.close()
    return [stories[kept[number]] for number in sorted(kept)]


def keep(database: Database, article: Article, at: datetime) -> int:
    """Store an article as a crawl does; return its id."""
    page = Page(url=article.url, status=200, fetched_at=at, source=article.url.split("/")[2])
    with database.write() as tx:
        kept = keep_article(
            tx,
            with_derived_fields(article, shipped_matcher()),
            page,
            None,
            load_boilerplate(tx, page.source),
            shipped_matcher(),
            at,
        )
    return kept.decision.article_id


def b_cubed(groups: Sequence[object], gold: Sequence[object]) -> dict[str, float]:
    """Return precision, recall and F1 of a grouping against the gold grouping (Bagga and Baldwin 1998)."""
    both, own, true = Counter(zip(groups, gold, strict=True)), Counter(groups), Counter(gold)
    precision = mean(both[pair] / own[pair[0]] for pair in zip(groups, gold, strict=True))
    recall = mean(both[pair] / true[pair[1]] for pair in zip(groups, gold, strict=True))
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / (precision + recall)}


def baseline(docs: Sequence[dict[str, Any]], gold: Sequence[object]) -> float:
    """Return the best B-cubed F1 of a pass over TF-IDF vectors, over all thresholds."""
    vectors = tf_idf([f"{doc['title']} {doc['text']}" for doc in docs])
    return max(b_cubed(single_pass(vectors, step / 50), gold)["f1"] for step in range(2, 30))


def tf_idf(texts: Sequence[str]) -> list[dict[str, float]]:
    """Return the vectors of the texts, each of length one."""
    counts = [Counter(_WORD.findall(text.lower())) for text in texts]
    known = Counter(word for text_counts in counts for word in text_counts)
    vectors = []
    for text_counts in counts:
        weights = {word: (1 + math.log(n)) * math.log(len(texts) / known[word]) for word, n in text_counts.items()}
        norm = math.sqrt(sum(weight * weight for weight in weights.values())) or 1
        vectors.append({word: weight / norm for word, weight in weights.items()})
    return vectors


def single_pass(vectors: Sequence[dict[str, float]], threshold: float) -> list[int]:
    """Join each text to the group of the most similar text before it, if its similarity is above the threshold."""
    groups: list[int] = []
    for number, vector in enumerate(vectors):
        alike = [sum(weight * other.get(word, 0) for word, weight in vector.items()) for other in vectors[:number]]
        best = max(range(number), key=alike.__getitem__, default=None)
        groups.append(groups[best] if best is not None and alike[best] >= threshold else number)
    return groups


def pairs(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the F1 of the pairs that are in one story, with its 95 % interval (bootstrap over the pairs)."""
    docs = [
        {"title": row[f"title_{side}"], "text": row[f"text_{side}"], "lang": row["lang"]}
        for row in rows
        for side in (1, 2)
    ]
    stories = archived(docs, range(len(docs)))
    decided = [(stories[2 * at] == stories[2 * at + 1], row["label"] == "OK") for at, row in enumerate(rows)]
    lot = random.Random(7)
    drawn = sorted(f1([lot.choice(decided) for _ in decided]) for _ in range(2000))
    figures = {"f1": round(f1(decided), 4), "interval": [round(drawn[50], 3), round(drawn[1949], 3)]}
    print(f"pairs: {figures}", file=sys.stderr)
    return figures


def f1(decided: Sequence[tuple[bool, bool]]) -> float:
    """Return the F1 of decisions against labels."""
    right = sum(decision and true for decision, true in decided)
    return 2 * right / ((sum(decision for decision, _ in decided) + sum(true for _, true in decided)) or 1)


if __name__ == "__main__":
    sys.exit(main())
