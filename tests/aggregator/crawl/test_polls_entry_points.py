"""`scrapy crawl NAME` and `evnews crawl NAME` do the same."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from spiders.catalogue import load_catalogue
from tests.aggregator.crawl.loopback_crawl import ROOT, Home, Reactor, environment
from tests.newsroom.server import Newsroom

TABLES = {
    "articles": "url, source, title, authors, published, text_digest, canonical_url, revision, reason, language, words",
    "leads": "source, url, lead_json, state, reason, attempts",
    "polls": "source, url, outcome, status, bytes, leads, new, kept, repeats, refused, failed, reason",
    "endpoints": "source, url, etag, last_modified, validators_url, digest, unmodified_streak,"
    " failure_streak, lead_count, child_urls",
    "captures": "url, status, source, verdict, reason",
    "robots": "origin, body, status, reason",
    "poll_schedule": "source",
}


def run(home: Home, module: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the project in its own process."""
    return subprocess.run(
        [sys.executable, "-m", module, *words], cwd=ROOT, text=True, capture_output=True, timeout=60, check=False,
        env=environment(home),
    )  # fmt: skip


def contents(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of a crawl without ids and times, by table."""
    return {table: sorted(home.rows(f"SELECT {columns} FROM {table}"), key=repr) for table, columns in TABLES.items()}


def test_scrapy_crawl_and_evnews_crawl_store_equal_rows(room: Newsroom, tmp_path: Path, reactor: Reactor) -> None:
    room.publish(60)
    for truth, status in zip(room.articles("chargepost")[2:], ("404", "500"), strict=False):
        room.fault("chargepost", "status", "/" + truth.url.split("/", 3)[3], status)
    homes = [Home(tmp_path / name, reactor) for name in ("by-evnews", "by-scrapy")]
    for home in homes:
        home.folder.mkdir()
        room.write_sources(home.folder / "sources.toml", delay=0.001, wide=True)
    for publisher in ("chargepost", "stromvei"):
        with ThreadPoolExecutor(2) as executor:
            by_evnews, by_scrapy = executor.map(
                run, homes, ("aggregator", "scrapy"), ("crawl", "crawl"), (publisher, publisher)
            )
        assert (by_evnews.returncode, by_scrapy.returncode) == (0, 0), by_evnews.stderr + by_scrapy.stderr
    left = contents(homes[0])
    assert contents(homes[1]) == left
    assert {table: bool(rows) for table, rows in left.items()} == dict.fromkeys(TABLES, True)
    assert {row[3] for row in left["leads"]} == {"kept", "refused", "retry"}
    assert all(home.damage() == [] for home in homes)


def test_scrapy_list_prints_the_sources(home: Home, room: Newsroom) -> None:
    home.folder.mkdir()
    room.write_sources(home.folder / "sources.toml")
    done = run(home, "scrapy", "list")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == sorted(source.name for source in load_catalogue(home.folder).enabled_sources)
    assert "chargepost" in done.stdout.split()


@pytest.mark.parametrize(("words", "status"), [(("nobody",), 2), ((), 2)])
def test_usage_error_of_scrapy_crawl_is_reported(home: Home, words: tuple[str, ...], status: int) -> None:
    done = run(home, "scrapy", "crawl", *words)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert done.stderr or done.stdout
