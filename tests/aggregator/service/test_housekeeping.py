"""A backup a day, and never more than are to stay."""

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


def test_a_backup_is_made_a_day_and_the_oldest_goes(tmp_path: Path) -> None:
    config = Config(home=tmp_path, backups=str(tmp_path / "copies"), keep_backups=3)
    database = open_database(config.database_url)
    made: list[Path] = []
    for hour in range(0, 24 * 6, 5):
        at = NOW + timedelta(hours=hour)
        if file := asyncio.run(back_up_if_due(config, database, lambda at=at: at)):  # type: ignore[misc]
            made.append(file)
    assert len(made) == 6
    assert list_backups(tmp_path / "copies") == made[-3:]
    back = NOW - timedelta(days=400)
    after = [asyncio.run(back_up_if_due(config, database, lambda: back)) for _ in range(3)]
    assert [file is None for file in after] == [False, True, True]
    database.close()


def test_without_a_folder_nothing_is_made(tmp_path: Path) -> None:
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


def rounds(pruning: PruningJob, many: int) -> list[int]:
    """How much went in each of some rounds."""
    return [asyncio.run(pruning.run()) for _ in range(many)]


def test_without_a_limit_no_page_goes(tmp_path: Path) -> None:
    (tmp_path / "warc").mkdir()
    (tmp_path / "warc" / "x.warc.gz").write_bytes(b"0" * 1000)
    database = open_database(Config(home=tmp_path).database_url)
    assert rounds(PruningJob(Config(home=tmp_path), database, None, lambda: NOW), 2) == [0, 0]
    limited = Config(home=tmp_path, keep_pages=10)
    assert rounds(PruningJob(limited, database, None, lambda: NOW), 2) == [0, 0]  # not a name of ours
    assert (tmp_path / "warc" / "x.warc.gz").exists()
    database.close()


ENTRY = '[ever]\nfeeds = ["https://ever.example/feed"]\nkeep = "{}"\n'


def test_old_articles_go_once_two_rounds_found_it_so(tmp_path: Path) -> None:
    config, catalogue = Config(home=tmp_path, keep=365 * 86_400.0), tmp_path / "sources.toml"
    database = open_database(config.database_url)
    for source in ("usual", "ever"):
        old_article(database, source, 1)
    pruning = PruningJob(config, database, None, lambda: NOW)
    catalogue.write_text(ENTRY.format("for ever"))
    assert rounds(pruning, 3) == [0, 0, 0]  # whatever is meant, it is no age
    catalogue.write_text("[ever")
    assert rounds(pruning, 3) == [0, 0, 0]
    catalogue.write_text(ENTRY.format("forever"))
    assert rounds(pruning, 1) == [0]
    catalogue.write_text(ENTRY.format("1 day").rpartition("keep")[0])  # half written
    assert rounds(pruning, 1) == [0]
    catalogue.write_text(ENTRY.format("forever"))
    assert rounds(pruning, 3) == [0, 1, 0]
    assert [one.name for one in Library(database).sources()] == ["ever"]
    database.close()


@pytest.mark.parametrize("away", [True, False])
def test_a_source_that_left_the_catalogue_keeps_its_age(tmp_path: Path, away: bool) -> None:
    config, catalogue = Config(home=tmp_path, keep=365 * 86_400.0), tmp_path / "sources.toml"
    database = open_database(config.database_url)
    old_article(database, "ever", 1)
    catalogue.write_text(ENTRY.format("forever"))
    assert rounds(PruningJob(config, database, None, lambda: NOW), 2) == [0, 0]
    if away:
        catalogue.unlink()
    else:
        catalogue.write_text("")
    assert rounds(PruningJob(config, database, None, lambda: NOW), 3) == [0, 0, 0]
    catalogue.write_text(ENTRY.format("1 year"))
    assert rounds(PruningJob(config, database, None, lambda: NOW), 2) == [0, 1]
    database.close()


def test_while_an_entry_is_wrong_pages_still_take_no_more_than_they_may(tmp_path: Path) -> None:
    config = Config(home=tmp_path, keep=365 * 86_400.0, keep_pages=1_000)
    database = open_database(config.database_url)
    with closing(WarcStore(config.warc_folder, software="test", clock=lambda: NOW)) as tape:
        for n in range(4):
            page = Page(url=f"https://a.example/{n}", status=200, fetched_at=NOW, source="a", body=urandom(2_000))
            with database.write() as tx:
                record_capture(tx, tape.record(page), page)
    (tmp_path / "sources.toml").write_text(ENTRY.format("for ever"))
    assert rounds(PruningJob(config, database, None, lambda: NOW), 1) == [1]
    assert list(config.warc_folder.iterdir()) == []
    database.close()


def test_who_ends_waits_for_no_housekeeping(tmp_path: Path) -> None:
    """What was begun is as if it had not been, or is gone on with the next time."""
    config = Config(home=tmp_path, keep=365 * 86_400.0, backups=str(tmp_path / "copies"))
    database = open_database(config.database_url)
    for n in range(50):
        old_article(database, "a", n)
    assert asyncio.run(back_up_if_due(config, database, lambda: NOW, lambda: True)) is None
    assert list((tmp_path / "copies").iterdir()) == []
    assert asyncio.run(merge_index_if_due(database, lambda: NOW, lambda: True)) == 0
    left, pruning = [50], PruningJob(config, database, None, lambda: NOW, lambda: True)
    rounds(pruning, 1)
    for _ in range(3):
        rounds(pruning, 1)
        left.append(Monitor(database).stats().articles)
    assert left == [50, 30, 10, 0]
    database.close()


def test_the_index_is_joined_once_a_week(tmp_path: Path) -> None:
    database = open_database(Config(home=tmp_path).database_url)
    for n in range(40):
        page = Page(url=f"https://a.example/{n}", status=200, fetched_at=NOW, source="a")
        with database.write() as tx:
            link_recorded(tx, record_article(tx, Article(url=page.url, title="t", text=f"text {n}"), page, None, NOW))
    steps = [asyncio.run(merge_index_if_due(database, lambda at=NOW + timedelta(days=d): at)) for d in (0, 6, 8)]  # type: ignore[misc]
    assert steps[0] > 0
    assert steps[1:] == [0, 0]  # not yet, and nothing is left to be joined
    with database.read() as tx:
        assert last_merged_at(tx) == NOW + timedelta(days=8)
    database.close()
