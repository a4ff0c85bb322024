"""A backup a day, and never more than are to stay."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.config import Config
from aggregator.service.housekeeping import back_up_when_due, join_pieces_when_due, prune_when_due
from storage.article import Article
from storage.backup import backups
from storage.database import open_database
from storage.monitor import Monitor
from storage.page import Page
from storage.store import record_article
from storage.upkeep import last_joined

NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


def test_a_backup_is_made_a_day_and_the_oldest_goes(tmp_path: Path) -> None:
    config = Config(home=tmp_path, backups=str(tmp_path / "copies"), keep_backups=3)
    database = open_database(config.database_url)
    made: list[Path] = []
    for hour in range(0, 24 * 6, 5):
        at = NOW + timedelta(hours=hour)
        if file := asyncio.run(back_up_when_due(config, database, lambda at=at: at)):  # type: ignore[misc]
            made.append(file)
    assert len(made) == 6
    assert backups(tmp_path / "copies") == made[-3:]
    back = NOW - timedelta(days=400)
    after = [asyncio.run(back_up_when_due(config, database, lambda: back)) for _ in range(3)]
    assert [file is None for file in after] == [False, True, True]
    database.close()


def test_without_a_folder_nothing_is_made(tmp_path: Path) -> None:
    config = Config(home=tmp_path)
    database = open_database(config.database_url)
    assert asyncio.run(back_up_when_due(config, database, lambda: NOW)) is None
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == []
    database.close()


def test_without_a_limit_no_page_goes(tmp_path: Path) -> None:
    (tmp_path / "warc").mkdir()
    (tmp_path / "warc" / "x.warc.gz").write_bytes(b"0" * 1000)
    database = open_database(Config(home=tmp_path).database_url)
    assert asyncio.run(prune_when_due(Config(home=tmp_path), database, None, lambda: NOW)) == 0
    limited = Config(home=tmp_path, keep_pages=10)
    assert asyncio.run(prune_when_due(limited, database, None, lambda: NOW)) == 0  # not a name of ours
    assert (tmp_path / "warc" / "x.warc.gz").exists()
    database.close()


def test_old_articles_go_but_not_while_a_source_cannot_be_read(tmp_path: Path) -> None:
    config, catalogue = Config(home=tmp_path, keep=365 * 86_400.0), tmp_path / "sources.toml"
    database = open_database(config.database_url)
    for name in ("usual", "ever"):
        url, at = f"https://{name}.example/", NOW - timedelta(days=400)
        page = Page(url=url, status=200, fetched_at=at, source=name)
        with database.write() as tx:
            record_article(tx, Article(url=url, title="t", text=f"text of {name}", published=at), page, None, at)
    entry = '[ever]\nfeeds = ["https://ever.example/feed"]\nkeep = "{}"\n'
    catalogue.write_text(entry.format("for ever"))
    assert asyncio.run(prune_when_due(config, database, None, lambda: NOW)) == 0
    catalogue.write_text("[ever")
    assert asyncio.run(prune_when_due(config, database, None, lambda: NOW)) == 0
    catalogue.write_text(entry.format("forever"))
    assert [asyncio.run(prune_when_due(config, database, None, lambda: NOW)) for _ in range(2)] == [1, 0]
    database.close()


def test_who_ends_waits_for_no_housekeeping(tmp_path: Path) -> None:
    """What was begun is as if it had not been, or is gone on with the next time."""
    config = Config(home=tmp_path, keep=365 * 86_400.0, backups=str(tmp_path / "copies"))
    database = open_database(config.database_url)
    for n in range(50):
        url, at = f"https://a.example/{n}", NOW - timedelta(days=400)
        page = Page(url=url, status=200, fetched_at=at, source="a")
        with database.write() as tx:
            record_article(tx, Article(url=url, title="t", text=f"text {n}", published=at), page, None, at)
    assert asyncio.run(back_up_when_due(config, database, lambda: NOW, lambda: True)) is None
    assert list((tmp_path / "copies").iterdir()) == []
    assert asyncio.run(join_pieces_when_due(database, lambda: NOW, lambda: True)) == 0
    left = [50]
    for _ in range(3):
        asyncio.run(prune_when_due(config, database, None, lambda: NOW, lambda: True))
        left.append(Monitor(database).stats().articles)
    assert left == [50, 30, 10, 0]
    database.close()


def test_the_index_is_joined_once_a_week(tmp_path: Path) -> None:
    database = open_database(Config(home=tmp_path).database_url)
    for n in range(40):
        page = Page(url=f"https://a.example/{n}", status=200, fetched_at=NOW, source="a")
        with database.write() as tx:
            record_article(tx, Article(url=page.url, title="t", text=f"text {n}"), page, None, NOW)
    steps = [asyncio.run(join_pieces_when_due(database, lambda at=NOW + timedelta(days=d): at)) for d in (0, 6, 8)]  # type: ignore[misc]
    assert steps[0] > 0
    assert steps[1:] == [0, 0]  # not yet, and nothing is left to be joined
    with database.read() as tx:
        assert last_joined(tx) == NOW + timedelta(days=8)
    database.close()
