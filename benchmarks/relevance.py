"""Measure whether the best results come first.

    python benchmarks/relevance.py CORPUS

`relevance.toml` has the queries and their judgements. The archive contains the articles of the test newsroom, all texts
with a title of CORPUS/extraction/*/gold.jsonl.gz, and the news of CORPUS/clustering/g5w1h_gold_standard and
CORPUS/clustering/bbc2225 (docs.jsonl.gz), the latter as distractors. Each query returns its best ten; nDCG@10 has
the gain 2 for `best` and 1 for `good`. The baseline in the same run is plain FTS5 over the same titles and texts
(unicode61, porter, its own rank) with the same words. Then every title is searched as a phrase: its article should be
among the first three. The last line is one JSON object; the exit status is 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sqlite3
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log2
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from aggregator.extraction.derived_fields import with_derived_fields
from aggregator.topics.catalogue import shipped_matcher
from storage.archive import open_database
from storage.articles.store import record_article
from storage.duplicates.links import link_recorded
from storage.library import Library
from storage.model.article import Article
from storage.model.page import Page
from storage.model.search import Query
from tests.newsroom.newsroom import Newsroom

NOW = datetime(2026, 12, 1, tzinfo=UTC)
UNDATED = datetime(2020, 1, 1, tzinfo=UTC)
LEAST_NDCG, LEAST_TITLED = 0.85, 0.99
LEAST_TEXT = 200
"""Minimum length of an article in characters."""
TITLES = 1_000
_JUDGED = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doc:
    """A text and its names in the judgements."""

    name: str
    title: str
    text: str
    published: datetime
    event: str = ""

    @property
    def url(self) -> str:
        """Return a unique URL."""
        return "https://relevance.example/" + re.sub(r"[^\w.-]", "-", self.name)


def main() -> int:
    """Fill, search and compare; return 0 if both bars hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--all", action="store_true", help="print the figures of every query, not only of weak ones")
    arguments = parser.parse_args()
    docs = list(_docs(arguments.corpus))
    queries = tomllib.loads(_JUDGED.read_text(encoding="utf-8"))["query"]
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as home:
        database = open_database(f"sqlite:///{Path(home) / 'archive.db'}")
        by_id = _fill(database, docs)
        library, plain = Library(database), _plain(docs)
        ours, baseline = [], []
        for query in queries:
            grades = {doc.name: grade for doc in docs if (grade := _grade(doc, query))}
            if not grades:
                raise SystemExit(f"{query['words']}: none of its judged articles is in the corpus")
            answer = library.search(Query(words=query["words"], order="best", limit=10), NOW, seconds=5)
            got = [by_id[hit.article.id].name for hit in answer.hits]
            ours.append(ndcg([grades.get(name, 0) for name in got], grades.values()))
            baseline.append(ndcg([grades.get(name, 0) for name in _ask(plain, docs, query["words"])], grades.values()))
            if arguments.all or ours[-1] < LEAST_NDCG:
                print(f"{ours[-1]:.2f} {baseline[-1]:.2f}  {query['words']}: {', '.join(got[:4])}", file=sys.stderr)
        titled, of = _titled(library, by_id)
        database.close()
    figures = {
        "articles": len(docs), "queries": len(queries), "ndcg10": round(sum(ours) / len(ours), 4),
        "baseline": round(sum(baseline) / len(baseline), 4), "title_in_first_3": titled, "titles": of,
    }  # fmt: skip
    print(json.dumps(figures))
    held = figures["ndcg10"] >= max(LEAST_NDCG, figures["baseline"]) and titled >= LEAST_TITLED * of
    return 0 if held else 1


def ndcg(grades_in_order: Sequence[int], right: object) -> float:
    """Return the nDCG of the first ten results."""

    def gain(grades: Sequence[int]) -> float:
        return sum((2**grade - 1) / log2(place + 2) for place, grade in enumerate(grades[:10]))

    best = gain(sorted(right, reverse=True))  # type: ignore[call-overload]
    return gain(grades_in_order) / best


def _grade(doc: Doc, query: dict[str, object]) -> int:
    for grade, key in ((2, "best"), (1, "good")):
        for name in query.get(key, ()):  # type: ignore[attr-defined]
            if doc.name == name or (doc.event and name == f"event/{doc.event}"):
                return grade
            if name.startswith("room/") and doc.name.startswith(name):
                return grade
    return 0


def _docs(corpus: Path) -> Iterator[Doc]:
    for truth in Newsroom().articles():
        yield Doc(name=f"room/{truth.title} {truth.publisher}", title=truth.title, text=truth.text,
                  published=truth.published or UNDATED)  # fmt: skip
    for file in sorted((corpus / "extraction").glob("*/gold.jsonl.gz")):
        for row in _rows(file):
            yield Doc(name=f"{file.parent.name}/{row['id']}", title=row["title"] or "", text=row["text"] or "",
                      published=_moment(row.get("date")))  # fmt: skip
    for name in ("g5w1h_gold_standard", "bbc2225"):
        for number, row in enumerate(_rows(corpus / "clustering" / name / "docs.jsonl.gz")):
            text = row["text"]
            title = row.get("title") or text.partition("\n")[0][:200]
            yield Doc(name=f"{name}/{row.get('id', number)}", title=title, text=text,
                      published=_moment(row.get("date")), event=str(row.get("event") or ""))  # fmt: skip


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if len(row.get("text") or "") >= LEAST_TEXT:
                yield {"title": "", **row}


def _moment(text: str | None) -> datetime:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return UNDATED
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _fill(database: object, docs: Sequence[Doc]) -> dict[int, Doc]:
    docs_by_id = {}
    for first in range(0, len(docs), 200):
        with database.write() as tx:  # type: ignore[attr-defined]
            for doc in docs[first : first + 200]:
                article = with_derived_fields(
                    Article(url=doc.url, title=doc.title, text=doc.text, published=doc.published), shipped_matcher()
                )
                page = Page(url=doc.url, status=200, fetched_at=doc.published, source="corpus")
                docs_by_id[link_recorded(tx, record_article(tx, article, page, None, doc.published)).article_id] = doc
    return docs_by_id


def _plain(docs: Sequence[Doc]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE docs USING fts5(title, text, tokenize = 'porter unicode61')")
    rows = [(number, doc.title, doc.text) for number, doc in enumerate(docs)]
    connection.executemany("INSERT INTO docs (rowid, title, text) VALUES (?, ?, ?)", rows)
    return connection


def _ask(plain: sqlite3.Connection, docs: Sequence[Doc], words: str) -> list[str]:
    """Search with FTS5, with the query in its syntax: words, phrases, prefixes and OR."""
    parts: list[str] = []
    for word in re.findall(r'"[^"]*"|[()]|[^\s()]+', words):
        if word not in ("OR", ")") and parts and parts[-1] not in ("OR", "("):
            parts.append("AND")
        bare = word.strip('"').rstrip("*")
        parts.append(word if word in ("OR", "(", ")") else f'"{bare}"{" *" if word.endswith("*") else ""}')
    rows = plain.execute("SELECT rowid FROM docs WHERE docs MATCH ? ORDER BY rank LIMIT 10", (" ".join(parts),))
    return [docs[number].name for (number,) in rows]


def _titled(library: Library, by_id: dict[int, Doc]) -> tuple[int, int]:
    """Return how many titles, searched as phrases, find their article in the first three, and the number of titles."""
    of = [doc for doc in by_id.values() if len(doc.title) >= 8 and '"' not in doc.title][:TITLES]
    count = 0
    for doc in of:
        answer = library.search(Query(words=f'"{doc.title}"', order="best", limit=3), NOW, seconds=5)
        count += any(by_id[hit.article.id].title == doc.title for hit in answer.hits)
    return count, len(of)


if __name__ == "__main__":
    sys.exit(main())
