"""Write an archive of synthetic articles fast, and store articles in it as a crawl does; see `search.py`.

The rows of the archive are those that the product's own code writes; signatures and terms of stories are synthetic as
in `dedup.py` and `stories.py`.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from filling import micros
from search_texts import Made, Press

from aggregator.duplicates.compare import SIGNATURE_HASHES
from aggregator.extraction.derived_fields import with_derived_fields
from aggregator.ingest.keep import keep_article
from aggregator.stories.extract_terms import extract_terms
from aggregator.topics.catalogue import shipped_matcher
from storage.db.database import Database
from storage.duplicates.bands import BAND_BITS, bucket_keys, pack_bands
from storage.identity import key_digest, text_digest, url_key
from storage.model.article import Article, Topic
from storage.model.crawl import LearnedBoilerplate
from storage.model.page import Page
from storage.search.index.field_terms import LabelFields, build_labels, index_text, is_unspaced
from storage.search.index.row_ids import row_id_of
from storage.stories.membership import _TIME_BUCKETS, MAX_INDEX_TERMS
from storage.stories.packed_terms import term_buckets, unpack_terms

CHUNK = 2_000
BATCH = 50


class Filler:
    """Writes chunks of articles."""

    def __init__(self, connection: sqlite3.Connection, press: Press) -> None:
        self._connection = connection
        self._press = press
        self._lot = np.random.default_rng(11)
        self._common = self._lot.integers(0, 2**BAND_BITS // 16, 3000)
        self._columns = {
            name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            for name in ("articles", "texts", "revisions", "snapshots", "aliases")
        }
        self._words: Counter[str] = Counter()
        self._known: set[str] = set()
        self._taken = Counter[int]()

    def chunk(self, numbers: range) -> None:
        """Write the articles with these numbers in one transaction."""
        made = self._press.articles(numbers)
        rows = []
        for article in made:
            floor = row_id_of(article.published)
            rows.append((article, floor + _ROOM + self._taken[floor]))
            self._taken[floor] += 1
        self._connection.execute("BEGIN")
        for statement, values in self._statements(rows):
            self._connection.executemany(statement, values)
        self._connection.execute("COMMIT")

    def _statements(self, rows: list[tuple[Made, int]]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        labelled = [(article, row, build_labels(_labelled(article))) for article, row in rows]
        for table, values in (
            ("articles", [self._article(article, row, label) for article, row, label in labelled]),
            ("texts", [self._text(article) for article, _ in rows]),
            ("aliases", [self._alias(article) for article, _ in rows]),
            ("snapshots", [self._snapshot(article) for article, _ in rows]),
            ("revisions", [self._revision(article) for article, _ in rows]),
        ):
            columns = self._columns[table]
            yield (
                f"INSERT INTO {table} ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})",
                [tuple(row.get(column, "") for column in columns) for row in values],
            )
        entries = [
            (row, index_text(article.text), index_text(article.title), label) for article, row, label in labelled
        ]
        yield "INSERT INTO article_index (rowid, text, title, labels) VALUES (?, ?, ?, ?)", entries
        yield from self._vocabulary(entries)
        yield (
            "INSERT INTO article_topics (article_id, topic, sort_time, body_count, title_count) VALUES (?, ?, ?, 2, 0)",
            [
                (id_of(article.number), topic, micros(article.published))
                for article, _ in rows
                for topic in article.topics
            ],
        )
        yield from self._signatures([article for article, _ in rows])
        yield from self._terms([article for article, _ in rows])

    def _vocabulary(self, entries: list[tuple[Any, ...]]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        titles = Counter(word for _, _, title, _ in entries for word in _plain(title))
        new = {word for _, text, _, _ in entries for word in _plain(text)} - self._known
        self._known |= new
        yield (
            "INSERT INTO vocabulary (word, title_count) VALUES (?, 0) ON CONFLICT DO NOTHING",
            [(word,) for word in new],
        )
        yield (
            "INSERT INTO vocabulary (word, title_count) VALUES (?, ?)"
            " ON CONFLICT (word) DO UPDATE SET title_count = title_count + excluded.title_count",
            list(titles.items()),
        )

    def _article(self, article: Made, row: int, label: str) -> dict[str, Any]:
        at = micros(article.published)
        return {
            "id": id_of(article.number), "search_row": row, "url": article.url, "url_key": article.url[8:],
            "source": article.source, "title": article.title,
            "published": at, "first_seen": at, "sort_time": at, "revision": 1, "labels": label,
            "text_digest": text_digest(article.text), "authors": "[]", "tags": "[]", "origins": "[]", "words": 400,
            "zone_known": 1, "copy_of": None, "updated": None, "withdrawn": None, "truncated": 0,
            "language": article.language, "canonical_url": article.url,
        }  # fmt: skip

    def _text(self, article: Made) -> dict[str, Any]:
        return {
            "id": id_of(article.number), "article_id": id_of(article.number), "digest": f"d{article.number}",
            "text_digest": text_digest(article.text), "title": article.title, "text": article.text,
            "html": f"<p>{article.text}</p>", "article_json": "{}", "fetched_at": micros(article.published),
            "boilerplate_version": 0,
        }  # fmt: skip

    def _alias(self, article: Made) -> dict[str, Any]:
        digest = key_digest(url_key(article.url))
        return {
            "id": id_of(article.number), "url_digest": digest, "article_id": id_of(article.number),
            "url_key": article.url[8:], "url": article.url, "is_requested": 1,
        }  # fmt: skip

    def _snapshot(self, article: Made) -> dict[str, Any]:
        number = id_of(article.number)
        return {
            "id": number, "article_id": number, "text_id": number, "requested_alias_id": number,
            "final_alias_id": number,
            "source": article.source, "fetched_at": micros(article.published), "capture_id": None,
        }  # fmt: skip

    def _revision(self, article: Made) -> dict[str, Any]:
        number = id_of(article.number)
        return {
            "article_id": number, "number": 1, "snapshot_id": number, "text_id": number, "check_id": None,
            "fetched_at": micros(article.published), "title": article.title, "added": 0, "removed": 0,
        }  # fmt: skip

    def _signatures(self, made: list[Made]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        signed, banded = [], []
        drawn = np.cumsum(self._lot.exponential(1, (len(made), SIGNATURE_HASHES)), axis=1) / 350
        values = np.minimum(drawn, 0.999) * 2**BAND_BITS
        shared = self._lot.random(values.shape) < 0.02
        values[shared] = self._lot.choice(self._common, int(shared.sum()))
        for article, row in zip(made, values.astype(np.int64).tolist(), strict=True):
            bands = sorted(set(row))
            signed.append((id_of(article.number), micros(article.published), pack_bands(bands)))
            banded += [(key, id_of(article.number)) for key in bucket_keys(bands, article.published, article.published)]
        yield "INSERT INTO signatures (article_id, published_or_seen_at, bands) VALUES (?, ?, ?)", signed
        yield "INSERT OR IGNORE INTO signature_bands (bucket_key, article_id) VALUES (?, ?)", banded

    def _terms(self, made: list[Made]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        story_rows, term_rows = [], []
        for article in made:
            kept = extract_terms(article.title, article.text, article.language)
            story_rows.append((id_of(article.number), id_of(article.number), micros(article.published), 1, kept))
            leading = term_buckets(unpack_terms(kept))[:MAX_INDEX_TERMS].tolist()
            term_rows += [
                (key, id_of(article.number))
                for key in _TIME_BUCKETS.keys(leading, article.published, article.published)
            ]
        yield (
            "INSERT INTO story_members (article_id, story_id, published_or_seen_at, has_publication_time, terms)"
            " VALUES (?, ?, ?, ?, ?)",
            story_rows,
        )
        yield "INSERT OR IGNORE INTO story_terms (bucket_key, article_id) VALUES (?, ?)", term_rows


def id_of(number: int) -> int:
    """Return the id of an article's rows; after every 100,000 ids some are free for articles stored there."""
    return number + 1 + _ROOM * (number // 100_000)


def fill(path: Path, press: Press, upto: Callable[[int], None]) -> float:
    """Write all articles and call `upto` after every 100,000; return the seconds of writing."""
    spent = 0.0
    connection = _fast(path)
    filler = Filler(connection, press)
    for first in range(0, press.count, CHUNK):
        started = time.perf_counter()
        filler.chunk(range(first, min(first + CHUNK, press.count)))
        spent += time.perf_counter() - started
        done = min(first + CHUNK, press.count)
        if done % 20_000 == 0:
            print(f"{done} of {press.count} articles, {spent:.0f} s", file=sys.stderr, flush=True)
        if done % 100_000 == 0 or done == press.count:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            upto(done)
    connection.close()
    return spent


def real_articles(press: Press, first: int, count: int) -> list[tuple[Article, Page]]:
    """Return articles as from a worker process, with signature, terms and topics."""
    made = []
    for synthetic in press.articles(range(first, first + count)):
        url = f"https://real.example/{synthetic.number}"
        at = synthetic.published + timedelta(seconds=synthetic.number % 1000)
        article = with_derived_fields(
            Article(
                url=url,
                title=synthetic.title,
                text=synthetic.text,
                published=at,
                language=synthetic.language,
                words=400,
            ),
            shipped_matcher(),
        )
        topics = tuple(Topic(name=name, body_count=2) for name in synthetic.topics)
        page = Page(url=url, status=200, fetched_at=at, source=synthetic.source)
        made.append((replace(article, topics=topics), page))
    return made


def keep(database: Database, articles: list[tuple[Article, Page]]) -> float:
    """Store articles, as many per commit as a crawl does; return the seconds."""
    started = time.perf_counter()
    for first in range(0, len(articles), BATCH):
        with database.write() as tx:
            for article, page in articles[first : first + BATCH]:
                keep_article(tx, article, page, None, LearnedBoilerplate(), shipped_matcher(), page.fetched_at)
    return time.perf_counter() - started


_ROOM = 10_000
"""Number of free ids and row ids for the articles that are stored by the product's own code."""


def _labelled(article: Made) -> LabelFields:
    return LabelFields(
        source=article.source, language=article.language, url=article.url, authors=(), topics=article.topics, states=()
    )


def _plain(prepared: str) -> set[str]:
    return {word for word in prepared.split() if not is_unspaced(word) and not word.startswith("§") and len(word) > 1}


def _fast(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("synchronous = OFF", "cache_size = -200000", "foreign_keys = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    return connection
