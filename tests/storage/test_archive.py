"""Opening, migrating and refusing databases; transactions are stored whole or rolled back."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from storage.archive import SCHEMA_VERSIONS, open_database
from storage.db.database import Database
from storage.db.tables import metadata
from storage.errors import ArchiveBusy, ArchiveDamaged, ArchiveUnavailable, NewerSchema


def test_migrations_create_the_tables_and_indexes_of_the_metadata(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_compared})
        assert compare_metadata(context, metadata) == []


def _is_compared(_item: object, name: str | None, kind: str, *_: object) -> bool:
    return not (kind == "table" and (name or "").startswith(("article_index", "past_index", "alembic_version")))


def test_schema_versions_lists_every_migration_in_order() -> None:
    folder = Path(sys.modules["storage.archive"].__file__ or "").parent / "migrations"
    steps = [step.revision for step in ScriptDirectory(str(folder)).walk_revisions()]
    assert tuple(reversed(steps)) == SCHEMA_VERSIONS


def test_opening_twice_changes_nothing(database_url: str) -> None:
    for _ in range(2):
        database = open_database(database_url)
        with database.read() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [
                SCHEMA_VERSIONS[-1]
            ]
        assert database.size() > 0
        database.close()


def test_newer_schema_is_refused(database_url: str) -> None:
    database = open_database(database_url)
    with database.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(NewerSchema, match="9999"):
        open_database(database_url)


def test_empty_database_is_refused_without_migration(tmp_path: Path) -> None:
    with pytest.raises(ArchiveUnavailable, match="empty"):
        open_database(f"sqlite:///{tmp_path}/new.db", migrate=False)


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x", "nonsense", "sqlite:////nowhere/at/all/archive.db"],
)
def test_invalid_database_urls_are_errors(url: str) -> None:
    with pytest.raises(ArchiveUnavailable):
        open_database(url)


def test_unreachable_server_error_hides_the_password() -> None:
    with pytest.raises(ArchiveUnavailable, match="cannot be reached") as error:
        open_database("postgres://reader:secret@127.0.0.1:1/archive")
    assert "secret" not in str(error.value)


def test_file_of_another_kind_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"no database " * 100)
    with pytest.raises(ArchiveDamaged):
        open_database(f"sqlite:///{tmp_path}/a.db")


def test_exception_rolls_back_the_transaction(database: Database) -> None:
    def fail() -> None:
        with database.write() as tx:
            _insert_key(tx, "undone")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.write() as tx:
        _insert_key(tx, "kept")
    with database.read() as connection:
        assert _load_keys(connection) == ["kept"]


def test_read_transaction_sees_one_snapshot(database: Database) -> None:
    with database.read() as reader:
        assert _load_keys(reader) == []
        with database.write() as tx:
            _insert_key(tx, "meanwhile")
        assert _load_keys(reader) == []
    with database.read() as reader:
        assert _load_keys(reader) == ["meanwhile"]


def test_writes_in_a_read_transaction_are_rolled_back(sqlite_database: Database) -> None:
    with sqlite_database.read() as reader:
        _insert_key(reader, "slip")
    with sqlite_database.read() as reader:
        assert _load_keys(reader) == []


def test_sqlite_connections_are_durable(sqlite_database: Database) -> None:
    with sqlite_database.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_postgres_sessions_use_utc_and_a_lock_timeout(new_postgres: Callable[[], str]) -> None:
    database = open_database(new_postgres())
    with database.read() as connection:
        values = [connection.execute(text(f"SHOW {name}")).scalar() for name in ("timezone", "lock_timeout")]
    database.close()
    assert values == ["UTC", "30s"]


_HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("INSERT INTO key_values VALUES ('theirs', '')")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("COMMIT")
"""


def test_writer_waits_for_another_process(new_sqlite: Callable[[], str]) -> None:
    url = new_sqlite()
    database = open_database(url)
    with _holding(url, seconds=1.0) as other:
        started = time.monotonic()
        with database.write() as tx:
            _insert_key(tx, "ours")
        assert time.monotonic() - started > 0.5
        other.wait()
    with database.read() as connection:
        assert set(_load_keys(connection)) == {"ours", "theirs"}
    database.close()


def test_writer_gives_up_after_the_busy_timeout(new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    url = new_sqlite()
    monkeypatch.setattr("storage.db.database._BUSY_SECONDS", 0.2)
    database = open_database(url)
    with _holding(url, seconds=60) as other:
        with pytest.raises(ArchiveBusy, match="another process"), database.write():
            pass
        with database.read() as connection:
            assert _load_keys(connection) == []
        other.kill()
    database.close()


def _holding(url: str, seconds: float) -> subprocess.Popen[str]:
    path = url.removeprefix("sqlite:///")
    process = subprocess.Popen([sys.executable, "-c", _HOLD, path, str(seconds)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


_MIGRATE = "import sys; from storage.archive import open_database; open_database(sys.argv[1]).close()"


def test_concurrent_processes_create_the_archive_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    processes = [subprocess.Popen([sys.executable, "-c", _MIGRATE, url]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    database = open_database(url)
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM key_values WHERE name = 'analyzer_version'")).scalar() == 1
    database.close()


@pytest.mark.faults
def test_killed_migration_leaves_an_empty_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    killed = "import os, alembic.op as op\nreal = op.execute\n" + _KILL_AT + _MIGRATE
    for step in (3, 12, 30):
        process = subprocess.run([sys.executable, "-c", killed, url, str(step)], check=False)
        assert process.returncode == -9
    database = open_database(url)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_compared})
        assert compare_metadata(context, metadata) == []
    database.close()


_KILL_AT = """
import sys
left = int(sys.argv[2])
def execute(statement):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), 9)
    return real(statement)
op.execute = execute
"""


def test_opening_a_current_archive_does_not_import_alembic(new_sqlite: Callable[[], str]) -> None:
    code = _MIGRATE + "; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, new_sqlite()], check=False).returncode == 0


def _insert_key(tx: Connection, name: str) -> None:
    tx.execute(text("INSERT INTO key_values (name, value) VALUES (:name, '')"), {"name": name})


def _load_keys(connection: Connection) -> list[str]:
    return list(
        connection.execute(text("SELECT name FROM key_values WHERE name <> 'analyzer_version' ORDER BY name")).scalars()
    )
