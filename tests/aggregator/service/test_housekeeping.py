"""Daily backups, expiry, retention and index maintenance."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta
from os import urandom
from pathlib import Path

import pytest

from aggregator.config import Config
from aggregator.service.housekeeping import PruningJob, back_up_if_due, merge_index_if_due
from storage.archive import open_database
from storage.articles.store import record_article, record_capture
from storage.db.database import Database
from storage.duplicates.links import link_recorded
from storage.library import Library
from storage.maintenance.backup import list_backups
from storage.model.article import Article
from storage.model.page import Page
from storage.monitor import Monitor
from storage.search.optimize import last_merged_at
from storage.warc.store import WarcStore

NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


def test_backup_is_created_daily_and_oldest_is_deleted(tmp_path: Path) -> None:
    config = Config(home=tmp_path, backups=str(tmp_path / "copies"), keep_backups=3)
    database = open_database(config.database_url)
    backups: list[Path] = []
    for hour in range(0, 24 * 6, 5):
        at = NOW + timedelta(hours=hour)
        if file := asyncio.run(back_up_if_due(config, database, lambda at=at: at)):  # type: ignore[misc]
            backups.append(file)
    assert len(backups) == 6
    assert list_backups(tmp_path / "copies") == backups[-3:]
    back = NOW - timedelta(days=400)
    after = [asyncio.run(back_up_if_due(config, database, lambda: back)) for _ in range(3)]
    assert [file is None for file in after] == [False, True, True]
    database.close()


def test_no_backup_without_configured_folder(tmp_path: Path) -> None:
    config = Config(home=tmp_path)
    database = open_database(config.database_url)
    assert asyncio.run(back_up_if_due(config, database, lambda: NOW)) is None
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == []
    database.close()


def old_article(database: Database, source: str, n: int) -> None:
    url, at = f"https://{source}.example/{n}", NOW - timedelta(days=400)
    page = Page(url=url, status=200, fetched_at=at, source=source)
    with database.write() as tx:
        link_recorded(
            tx,
            record_article(tx, Article(url=url, title="t", text=f"text {n} of {source}", published=at), page, None, at),
        )


def prune(pruning: PruningJob, times: int) -> list[int]:
    """Run the job some times; return the number of deleted articles and files of each run."""
    return [asyncio.run(pruning.run()) for _ in range(times)]


def test_no_page_is_deleted_without_a_limit(tmp_path: Path) -> None:
    (tmp_path / "warc").mkdir()
    (tmp_path / "warc" / "x.warc.gz").write_bytes(b"0" * 1000)
    database = open_database(Config(home=tmp_path).database_url)
    assert prune(PruningJob(Config(home=tmp_path), database, None, lambda: NOW), 2) == [0, 0]
    limited = Config(home=tmp_path, keep_pages=10)
    assert prune(PruningJob(limited, database, None, lambda: NOW), 2) == [0, 0]  # not the name of a WARC file of evnews
    assert (tmp_path / "warc" / "x.warc.gz").exists()
    database.close()


ENTRY = '[ever]\nfeeds = ["https://ever.example/feed"]\nkeep = "{}"\n'


def test_articles_expire_after_two_runs_with_the_same_rules(tmp_path: Path) -> None:
    config, catalogue = Config(home=tmp_path, keep=365 * 86_400.0), tmp_path / "sources.toml"
    database = open_database(config.database_url)
    for source in ("usual", "ever"):
        old_article(database, source, 1)
    pruning = PruningJob(config, database, None, lambda: NOW)
    catalogue.write_text(ENTRY.format("for ever"))
    assert prune(pruning, 3) == [0, 0, 0]  # an invalid age deletes nothing
    catalogue.write_text("[ever")
    assert prune(pruning, 3) == [0, 0, 0]
    catalogue.write_text(ENTRY.format("forever"))
    assert prune(pruning, 1) == [0]
    catalogue.write_text(ENTRY.format("1 day").rpartition("keep")[0])  # half written
    assert prune(pruning, 1) == [0]
    catalogue.write_text(ENTRY.format("forever"))
    assert prune(pruning, 3) == [0, 1, 0]
    assert [source.name for source in Library(database).sources()] == ["ever"]
    database.close()


@pytest.mark.parametrize("is_missing", [True, False])
def test_source_removed_from_catalogue_keeps_its_maximum_age(tmp_path: Path, is_missing: bool) -> None:
    config, catalogue = Config(home=tmp_path, keep=365 * 86_400.0), tmp_path / "sources.toml"
    database = open_database(config.database_url)
    old_article(database, "ever", 1)
    catalogue.write_text(ENTRY.format("forever"))
    assert prune(PruningJob(config, database, None, lambda: NOW), 2) == [0, 0]
    if is_missing:
        catalogue.unlink()
    else:
        catalogue.write_text("")
    assert prune(PruningJob(config, database, None, lambda: NOW), 3) == [0, 0, 0]
    catalogue.write_text(ENTRY.format("1 year"))
    assert prune(PruningJob(config, database, None, lambda: NOW), 2) == [0, 1]
    database.close()


def test_size_limit_holds_while_a_catalogue_entry_is_invalid(tmp_path: Path) -> None:
    config = Config(home=tmp_path, keep=365 * 86_400.0, keep_pages=1_000)
    database = open_database(config.database_url)
    with closing(WarcStore(config.warc_folder, software="test", clock=lambda: NOW)) as store:
        for n in range(4):
            page = Page(url=f"https://a.example/{n}", status=200, fetched_at=NOW, source="a", body=urandom(2_000))
            with database.write() as tx:
                record_capture(tx, store.record(page), page)
    (tmp_path / "sources.toml").write_text(ENTRY.format("for ever"))
    assert prune(PruningJob(config, database, None, lambda: NOW), 1) == [1]
    assert list(config.warc_folder.iterdir()) == []
    database.close()


def test_housekeeping_ends_when_service_stops_and_continues_next_time(tmp_path: Path) -> None:
    config = Config(home=tmp_path, keep=365 * 86_400.0, backups=str(tmp_path / "copies"))
    database = open_database(config.database_url)
    for n in range(50):
        old_article(database, "a", n)
    assert asyncio.run(back_up_if_due(config, database, lambda: NOW, lambda: True)) is None
    assert list((tmp_path / "copies").iterdir()) == []
    assert asyncio.run(merge_index_if_due(database, lambda: NOW, lambda: True)) == 0
    remaining, pruning = [50], PruningJob(config, database, None, lambda: NOW, lambda: True)
    prune(pruning, 1)
    for _ in range(3):
        prune(pruning, 1)
        remaining.append(Monitor(database).stats().articles)
    assert remaining == [50, 30, 10, 0]
    database.close()


def test_index_is_merged_once_a_week(tmp_path: Path) -> None:
    database = open_database(Config(home=tmp_path).database_url)
    for n in range(40):
        page = Page(url=f"https://a.example/{n}", status=200, fetched_at=NOW, source="a")
        with database.write() as tx:
            link_recorded(tx, record_article(tx, Article(url=page.url, title="t", text=f"text {n}"), page, None, NOW))
    steps = [asyncio.run(merge_index_if_due(database, lambda at=NOW + timedelta(days=d): at)) for d in (0, 6, 8)]  # type: ignore[misc]
    assert steps[0] > 0
    assert steps[1:] == [0, 0]  # too early, then nothing left to merge
    with database.read() as tx:
        assert last_merged_at(tx) == NOW + timedelta(days=8)
    database.close()
