"""`evnews db upgrade`: an older archive brought up to date, with a copy of what was."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg

from storage.archive import SCHEMA_VERSIONS, open_database, read_schema_version
from tests.aggregator.cli.evnews_command import Evnews

OLDER = """
DROP TABLE source_health; DROP INDEX leads_named; DROP TABLE revisit_schedule; DROP TABLE revisits; DROP TABLE feed_audits;
DROP TABLE health_events;
DROP INDEX ix_sightings_text_id; DROP INDEX ix_sightings_asked; DROP INDEX ix_sightings_final;
DROP INDEX ix_looks_alias_id; DROP INDEX ix_revisions_sighting_id; DROP INDEX ix_revisions_text_id;
DROP INDEX ix_revisions_look_id; DROP INDEX ix_sightings_capture_id; DROP INDEX ix_looks_capture_id;
ALTER TABLE endpoints DROP COLUMN moves; UPDATE alembic_version SET version_num = '0014';
INSERT INTO key_values (name, value) VALUES ('mark', 'kept');
"""


def older(home: Path) -> Path:
    """An archive as evnews left it some versions ago."""
    home.mkdir()
    file = home / "archive.db"
    open_database(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(OLDER)
    return file


def mark_of(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("SELECT value FROM key_values WHERE name = 'mark'").fetchone()[0])


def test_an_older_archive_is_copied_and_brought_up_to_date(evnews: Evnews) -> None:
    file = older(evnews.home)
    done = evnews.here("db", "upgrade")
    assert (done.status, read_schema_version(f"sqlite:///{file}")) == (0, SCHEMA_VERSIONS[-1])
    assert f"the archive's schema is {SCHEMA_VERSIONS[-1]} now (0014 before)" in done.out
    (copy,) = evnews.home.glob("before-*.db")
    assert read_schema_version(f"sqlite:///{copy}") == "0014"
    assert mark_of(copy) == mark_of(file) == "kept"
    again = evnews.here("db", "upgrade")
    assert (again.status, "nothing is to be done" in again.out) == (0, True)
    assert len(list(evnews.home.glob("before-*.db"))) == 1


def test_without_a_backup_and_without_an_archive(evnews: Evnews) -> None:
    file = older(evnews.home)
    assert evnews.here("db", "upgrade", "--no-backup").status == 0
    assert read_schema_version(f"sqlite:///{file}") == SCHEMA_VERSIONS[-1]
    assert list(evnews.home.glob("before-*")) == []
    file.unlink()
    assert read_schema_version(f"sqlite:///{file}") == ""
    assert evnews.here("db", "upgrade").status == 0
    assert list(evnews.home.glob("before-*")) == []


def test_an_archive_of_a_newer_evnews_is_refused_and_left_alone(evnews: Evnews) -> None:
    file = older(evnews.home)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    done = evnews.here("db", "upgrade")
    assert (done.status, "update evnews" in done.err) == (1, True)
    assert list(evnews.home.glob("before-*")) == []
    assert read_schema_version(f"sqlite:///{file}") == "9999"


def test_a_database_server_makes_its_own_copy(evnews: Evnews, new_postgres: Callable[[], str]) -> None:
    url = new_postgres()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(OLDER)
    refused = evnews.here("db", "upgrade", EVNEWS_DB=url)
    assert (refused.status, "pg_dump" in refused.err) == (2, True)
    assert evnews.here("db", "upgrade", "--no-backup", EVNEWS_DB=url).status == 0
    assert read_schema_version(url) == SCHEMA_VERSIONS[-1]
