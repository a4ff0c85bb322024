"""Measure the cost of the search for an article's copies in a large archive; see `dedup.py`.

The archive is filled with synthetic signatures: the lowest of as many random hashes as texts have words, one in
fifty from a common set, in the order of time, so that the pages of the index are as full as after a crawl. Then
real articles are stored, every tenth cut from an earlier one, ten per commit. The time of look-up and insert
includes the article's share of the commit and of the checkpoint.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from filling import fill_articles, filling, in_chunks, micros, size
from planted import length

from aggregator.duplicates.compare import SIGNATURE_HASHES
from aggregator.duplicates.link import link_duplicates
from aggregator.extraction.derived_fields import with_derived_fields
from aggregator.topics.catalogue import shipped_matcher
from storage.archive import open_database
from storage.articles.store import record_article
from storage.duplicates.bands import BAND_BITS, bucket_keys, pack_bands
from storage.model.article import Article
from storage.model.page import Page

START = datetime(2016, 1, 1, tzinfo=UTC)
A_YEAR = 100_000
MEASURED = 2000
BATCH = 10
"""Articles per commit, as in a crawl."""
MAX_MS = 2.0
MAX_BYTES = 1228
BASELINE = 100_000
"""Maximum number of articles in the memory of the baseline, which needs several kilobytes for each."""


def speed(texts: list[str], count: int, figures: dict[str, Any]) -> bool:
    """Fill, measure and compare; return whether the bars hold."""
    with tempfile.TemporaryDirectory(prefix="evnews-bench-") as home:
        path = Path(home) / "archive.db"
        open_database(f"sqlite:///{path}").close()
        taken = fill(path, count)
        last = START + timedelta(days=365 * count / A_YEAR)
        times, copies = keep_and_time(path, [text for text in texts if length(text) >= 80], last)
    figures["speed"] = {
        "archived": count,
        "kept": len(times),
        "copies_found": copies,
        "ms_mean": round(mean(times), 3),
        "ms_p95": round(sorted(times)[len(times) * 95 // 100], 3),
        "bytes_an_article": round(taken / count),
        "baseline": baseline(min(count, BASELINE)),
    }
    print(json.dumps(figures["speed"]), file=sys.stderr)
    return mean(times) <= MAX_MS and taken / count <= MAX_BYTES


def fill(path: Path, count: int) -> int:
    """Put `count` articles into the archive; return the bytes of signatures and bands."""
    with filling(path) as connection:
        fill_articles(connection, count, _published_at)
        before = size(connection)
        rng = np.random.default_rng(7)
        common = rng.integers(0, 2**BAND_BITS // 16, 3000)
        in_chunks(connection, count, "signatures", lambda numbers: _signature_rows(numbers, rng, common))
        return size(connection) - before


def _signature_rows(numbers: range, rng: Any, common: Any) -> list[tuple[str, list[tuple[Any, ...]]]]:
    signed, banded = [], []
    words = np.exp(rng.normal(np.log(350), 0.7, len(numbers)))
    drawn = np.cumsum(rng.exponential(1, (len(numbers), SIGNATURE_HASHES)), axis=1) / words[:, None]
    values = np.minimum(drawn, 0.999) * 2**BAND_BITS
    shared = rng.random(values.shape) < 0.02
    values[shared] = rng.choice(common, int(shared.sum()))
    for row, number in enumerate(numbers):
        bands = sorted({int(value) for value in values[row]})
        published_at = _published_at(number)
        signed.append((number + 1, micros(published_at), pack_bands(bands)))
        banded += [(key, number + 1) for key in bucket_keys(bands, published_at, published_at)]
    return [
        ("INSERT INTO signatures (article_id, published_or_seen_at, bands) VALUES (?, ?, ?)", signed),
        ("INSERT OR IGNORE INTO signature_bands (bucket_key, article_id) VALUES (?, ?)", banded),
    ]


def _published_at(number: int) -> datetime:
    return START + timedelta(seconds=number * 365 * 86400 // A_YEAR)


def keep_and_time(path: Path, texts: list[str], last: datetime) -> tuple[list[float], int]:
    """Return the milliseconds of look-up, insert, commit and checkpoint of each article, and the number of copies."""
    rng = random.Random(3)
    chosen = rng.sample(texts, min(MEASURED, len(texts)))
    database = open_database(f"sqlite:///{path}")
    articles = [_article(chosen, number, last + timedelta(minutes=5 * number)) for number in range(len(chosen))]
    times: list[float] = []
    copies = 0
    for first in range(0, len(articles), BATCH):
        part = articles[first : first + BATCH]
        with database.write() as tx:
            kept = [(item, record_article(tx, item, _page(item), None, _page(item).fetched_at)) for item in part]
        started = time.perf_counter()
        spent = []
        with database.write() as tx:
            for article, decision in kept:
                look_up_started = time.perf_counter()
                copies += link_duplicates(tx, article, decision).kind == "copy"
                spent.append(time.perf_counter() - look_up_started)
        whole = time.perf_counter() - started
        # Each article gets its share of the commit.
        times += [(seconds + (whole - sum(spent)) / len(part)) * 1000 for seconds in spent]
    started = time.perf_counter()
    with database.read() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(FULL)")
    times[-1] += (time.perf_counter() - started) * 1000
    database.close()
    return times, copies


def _article(chosen: list[str], number: int, at: datetime) -> Article:
    text = chosen[number]
    if number % 10 == 9:
        text = chosen[number - 7][: len(chosen[number - 7]) // 2]
    url = f"https://real{number % 50}.example/{number}"
    return with_derived_fields(Article(url=url, title=f"Real {number}", text=text, published=at), shipped_matcher())


def _page(article: Article) -> Page:
    assert article.published is not None
    return Page(url=article.url, status=200, fetched_at=article.published, source="real")


def baseline(count: int) -> dict[str, Any]:
    """Return the milliseconds of query and insert, and the memory, of datasketch's index of the same size."""
    from datasketch import MinHash, MinHashLSH

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rng = np.random.default_rng(5)
    index, times = MinHashLSH(threshold=0.5, num_perm=128), []
    for number in range(count):
        minhash = MinHash(num_perm=128)
        minhash.hashvalues = rng.integers(0, 2**32 - 1, 128).astype(minhash.hashvalues.dtype)
        started = time.perf_counter()
        index.query(minhash)
        index.insert(number, minhash)
        times.append((time.perf_counter() - started) * 1000)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "archived": count,
        "ms_mean": round(mean(times[-MEASURED:]), 3),
        "bytes_an_article": (after - before) * 1024 // count,
    }
