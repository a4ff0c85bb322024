"""`evnews db upgrade`: an archive with an earlier schema is backed up, then upgraded; others are refused in words."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from storage.archive import SCHEMA_VERSIONS, open_database, read_schema_version
from tests.aggregator.cli.evnews_command import Evnews

LATEST = SCHEMA_VERSIONS[-1]
SET_VERSION = "UPDATE alembic_version SET version_num = '{}'"


def archive_with_version(home: Path, version: str) -> Path:
    """Create an archive, set its schema version and return its file."""
    home.mkdir()
    file = home / "archive.db"
    open_database(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(SET_VERSION.format(version))
        connection.commit()
    return file


def add_earlier_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the version "earlier" before the first; an upgrade from it changes nothing but the version."""
    monkeypatch.setattr("storage.archive.SCHEMA_VERSIONS", ("earlier", *SCHEMA_VERSIONS))

    def finish_upgrade(config: object, _revision: str) -> None:
        connection = config.attributes["connection"]  # type: ignore[attr-defined]
        connection.exec_driver_sql(SET_VERSION.format(LATEST))

    monkeypatch.setattr("alembic.command.upgrade", finish_upgrade)


def test_upgrade_backs_up_and_migrates(evnews: Evnews, monkeypatch: pytest.MonkeyPatch) -> None:
    file = archive_with_version(evnews.home, "earlier")
    add_earlier_version(monkeypatch)
    done = evnews.here("db", "upgrade")
    assert (done.status, read_schema_version(f"sqlite:///{file}")) == (0, LATEST)
    assert f"the database schema is now {LATEST}, upgraded from earlier" in done.out
    (copy,) = evnews.home.glob("before-*.db")
    assert read_schema_version(f"sqlite:///{copy}") == "earlier"
    again = evnews.here("db", "upgrade")
    assert (again.status, "nothing to upgrade" in again.out) == (0, True)
    assert len(list(evnews.home.glob("before-*.db"))) == 1


def test_upgrade_makes_no_backup_if_told_so(evnews: Evnews, monkeypatch: pytest.MonkeyPatch) -> None:
    file = archive_with_version(evnews.home, "earlier")
    add_earlier_version(monkeypatch)
    assert evnews.here("db", "upgrade", "--no-backup").status == 0
    assert read_schema_version(f"sqlite:///{file}") == LATEST
    assert list(evnews.home.glob("before-*")) == []


def test_upgrade_creates_an_archive_where_none_is(evnews: Evnews) -> None:
    assert read_schema_version(f"sqlite:///{evnews.home / 'archive.db'}") == ""
    assert evnews.here("db", "upgrade").status == 0
    assert list(evnews.home.glob("before-*")) == []


def test_upgrade_refuses_a_newer_archive(evnews: Evnews) -> None:
    file = archive_with_version(evnews.home, "9999")
    done = evnews.here("db", "upgrade")
    assert (done.status, "update evnews" in done.err) == (1, True)
    assert list(evnews.home.glob("before-*")) == []
    assert read_schema_version(f"sqlite:///{file}") == "9999"


@pytest.mark.parametrize(
    "command",
    ["search x", "stats", "export jsonl -o -", "db upgrade", "db check", "serve --port 0", "crawl", "up --port 0"],
)
def test_every_command_refuses_an_archive_of_the_first_versions_in_one_line(evnews: Evnews, command: str) -> None:
    file = archive_with_version(evnews.home, "0021")
    done = evnews(*command.split())
    assert done.status == 1
    (line,) = [line for line in done.err.splitlines() if line.strip()]
    assert "export jsonl" in line
    assert "evnews import" in line
    assert read_schema_version(f"sqlite:///{file}") == "0021"


def test_upgrade_of_postgresql_asks_for_pg_dump(
    evnews: Evnews, new_postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_postgres()
    open_database(url).close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SET_VERSION.format("earlier").encode())
    add_earlier_version(monkeypatch)
    refused = evnews.here("db", "upgrade", EVNEWS_DB=url)
    assert (refused.status, "pg_dump" in refused.err) == (2, True)
    assert evnews.here("db", "upgrade", "--no-backup", EVNEWS_DB=url).status == 0
    assert read_schema_version(url) == LATEST
