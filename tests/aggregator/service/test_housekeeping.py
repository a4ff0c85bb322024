"""A backup a day, and never more than are to stay."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.config import Config
from aggregator.service.housekeeping import back_up_when_due, prune_when_due
from storage.backup import backups
from storage.database import open_database

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
    assert asyncio.run(prune_when_due(Config(home=tmp_path), database, lambda: NOW)) == 0
    limited = Config(home=tmp_path, keep_pages=10)
    assert asyncio.run(prune_when_due(limited, database, lambda: NOW)) == 0  # not a name of ours
    assert (tmp_path / "warc" / "x.warc.gz").exists()
    database.close()
