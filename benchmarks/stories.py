"""Whether articles about one event become one story, and what that costs.

    python benchmarks/stories.py DOCS.jsonl.gz [--pairs PAIRS.jsonl.gz] [--articles 1000000]

DOCS are articles with `title`, `text`, `date` and `event`. They are kept in a new archive in the order of their
dates (those without one at places drawn by lot), then in five orders drawn by lot; what is measured is B-cubed:
the mean over the articles of how much of an article's story is of its event (precision) and how much of its event
is in its story (recall). The baseline, in the same run, is one pass with TF-IDF vectors of the whole set, each
article joined to the group of the most alike article, with the threshold that is best in hindsight.

PAIRS are two articles each, with `label` OK where both tell the same story; all are kept in one archive, undated,
and a pair is found where both are in one story.

With --articles so many made-up articles are archived first, 20,000 of them in the last three weeks, and it is
timed how long the next ones take to find their story.

Ends with one line of JSON; exit status 1 where a bar is not held.
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
    """Measure what was asked for; 0 where every bar is held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("docs", type=Path, metavar="DOCS.jsonl.gz")
    parser.add_argument("--pairs", type=Path, metavar="PAIRS.jsonl.gz")
    parser.add_argument("--articles", type=int, default=0, metavar="COUNT")
    asked = parser.parse_args()
    docs = read(asked.docs)
    figures, held = events(docs)
    if asked.pairs:
        figures["pairs"] = pairs(read(asked.pairs))
        held &= figures["pairs"]["f1"] >= LEAST_PAIRS
    if asked.articles:
        figures["speed"], fast = speed(asked.articles)
        held &= fast
    print(json.dumps(figures))
    return 0 if held else 1


def read(path: Path) -> list[dict[str, Any]]:
    """The objects of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def events(docs: list[dict[str, Any]]) -> tuple[dict[str, Any], bool]:
    """B-cubed of the stories in the order of time and in five others, and of the baseline."""
    gold = [one["event"] for one in docs]
    first, *others = (b_cubed(archived([docs[at] for at in order], order), gold) for order in orders(docs))
    spread = max(one["f1"] for one in (first, *others)) - min(one["f1"] for one in (first, *others))
    figures = {
        "bcubed_f1": round(first["f1"], 4),
        "precision": round(first["precision"], 4),
        "recall": round(first["recall"], 4),
        "shuffled": [round(one["f1"], 4) for one in others],
        "baseline_f1": round(baseline(docs, gold), 4),
    }
    print(f"events: {figures}", file=sys.stderr)
    return figures, first["f1"] >= LEAST_F1 and spread <= MOST_SPREAD


def orders(docs: Sequence[dict[str, Any]]) -> list[list[int]]:
    """The order of time, then five by lot."""
    lot = random.Random(7)
    dated = sorted((at for at, one in enumerate(docs) if published(one)), key=lambda at: published(docs[at]))
    for at, one in enumerate(docs):
        if not published(one):
            dated.insert(lot.randrange(len(dated) + 1), at)
    return [dated, *(lot.sample(dated, len(dated)) for _ in range(5))]


def published(one: dict[str, Any]) -> datetime | None:
    """When an article was published, as the set says."""
    try:
        at = datetime.fromisoformat(str(one.get("date")))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def archived(docs: Sequence[dict[str, Any]], numbers: Sequence[int]) -> list[int]:
    """Keep the articles as they come; the story of each, by the numbers that they have in the set."""
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as home:
        database = open_database(f"sqlite:///{home}/archive.db")
        clock = next((at for one in docs if (at := published(one))), datetime.now(UTC))
        kept = {}
        for number, one in zip(numbers, docs, strict=True):
            at = published(one)
            clock = at or clock
            article = Article(
                url=f"https://host{number}.example/{number}", title=one["title"], text=one["text"], published=at,
                language=parse_language_code(one.get("lang", "en")),
            )  # fmt: skip
            kept[number] = keep(database, article, clock)
        with database.read() as connection:
            found = load_story_ids(connection, list(kept.values()))
        database.close()
    return [found[kept[number]] for number in sorted(kept)]


def keep(database: Database, article: Article, at: datetime) -> int:
    """Keep one article as the intake does; its id."""
    page = Page(url=article.url, status=200, fetched_at=at, source=article.url.split("/")[2])
    with database.write() as tx:
        kept = keep_article(tx, with_derived_fields(article), page, None, load_boilerplate(tx, page.source), at)
    return kept.decision.article_id


def b_cubed(found: Sequence[object], gold: Sequence[object]) -> dict[str, float]:
    """Precision, recall and F1 of one grouping against another (Bagga and Baldwin 1998)."""
    both, mine, true = Counter(zip(found, gold, strict=True)), Counter(found), Counter(gold)
    precision = mean(both[pair] / mine[pair[0]] for pair in zip(found, gold, strict=True))
    recall = mean(both[pair] / true[pair[1]] for pair in zip(found, gold, strict=True))
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / (precision + recall)}


def baseline(docs: Sequence[dict[str, Any]], gold: Sequence[object]) -> float:
    """The best B-cubed F1 of one pass over TF-IDF vectors, over all thresholds."""
    vectors = tf_idf([f"{one['title']} {one['text']}" for one in docs])
    return max(b_cubed(single_pass(vectors, step / 50), gold)["f1"] for step in range(2, 30))


def tf_idf(texts: Sequence[str]) -> list[dict[str, float]]:
    """The texts' vectors, each of length one."""
    counts = [Counter(_WORD.findall(text.lower())) for text in texts]
    known = Counter(word for one in counts for word in one)
    vectors = []
    for one in counts:
        weights = {word: (1 + math.log(n)) * math.log(len(texts) / known[word]) for word, n in one.items()}
        norm = math.sqrt(sum(weight * weight for weight in weights.values())) or 1
        vectors.append({word: weight / norm for word, weight in weights.items()})
    return vectors


def single_pass(vectors: Sequence[dict[str, float]], threshold: float) -> list[int]:
    """Each text joined to the group of the most alike text before it, if that is alike enough."""
    groups: list[int] = []
    for number, vector in enumerate(vectors):
        alike = [sum(weight * other.get(word, 0) for word, weight in vector.items()) for other in vectors[:number]]
        best = max(range(number), key=alike.__getitem__, default=None)
        groups.append(groups[best] if best is not None and alike[best] >= threshold else number)
    return groups


def pairs(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """F1 of the pairs that are in one story, with its 95 % interval (bootstrap over the pairs)."""
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
    """F1 of decisions against labels."""
    right = sum(found and true for found, true in decided)
    return 2 * right / ((sum(found for found, _ in decided) + sum(true for _, true in decided)) or 1)


if __name__ == "__main__":
    sys.exit(main())
