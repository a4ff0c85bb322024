"""A backup holds the archive as of one moment while other processes write, and can be restored."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.archive import open_database
from storage.db.database import Database
from storage.errors import ArchiveBusy, ArchiveDamaged, ArchiveUnavailable, NewerSchema
from storage.maintenance.backup import (
    WARC_LIST_SUFFIX,
    backup_path,
    create_backup,
    delete_old_backups,
    find_missing_warc_files,
    list_backups,
    restore_backup,
)
from storage.monitor import record_heartbeat
from tests.waiting import wait_until

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Path of the archive."""
    return tmp_path / "home" / "archive.db"


@pytest.fixture
def archive(file: Path) -> Database:
    """An SQLite archive of some thousand database pages."""
    file.parent.mkdir()
    database = open_database(f"sqlite:///{file}")
    with database.write() as tx:
        tx.execute(text("CREATE TABLE pairs (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, filling TEXT)"))
        numbers = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 4000)"
        tx.execute(text(f"INSERT INTO pairs {numbers} SELECT id, 0, 0, hex(randomblob(2000)) FROM n"))
    return database


def open_readonly(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def test_backup_taken_during_writes_is_consistent(archive: Database, file: Path, tmp_path: Path) -> None:
    is_over = threading.Event()
    written = [0]

    def write() -> None:
        while not is_over.is_set():
            written[0] += 1
            with archive.write() as tx:  # both in one transaction, so that a copy between the two would show
                tx.execute(text("UPDATE pairs SET a = :n WHERE id IN (1, 4000)"), {"n": written[0]})
                tx.execute(text("UPDATE pairs SET b = :n WHERE id IN (2, 3999)"), {"n": written[0]})

    steps: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        steps.append((done, total))
        before = written[0]
        wait_until(lambda: written[0] >= before + 2)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        backup = create_backup(archive, tmp_path / "copy.db", progress)
    finally:
        is_over.set()
        writer.join()
    assert len(steps) > 1
    assert steps[-1][0] == steps[-1][1]
    assert [total for _, total in steps] == [steps[0][1]] * len(steps)  # the copy never restarted
    assert written[0] > len(steps)
    with closing(open_readonly(backup.file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        a = {row[0] for row in connection.execute("SELECT a FROM pairs WHERE id IN (1, 4000)")}
        b = {row[0] for row in connection.execute("SELECT b FROM pairs WHERE id IN (2, 3999)")}
    assert a == b
    assert len(a) == 1
    assert sorted(path.name for path in tmp_path.glob("*copy*")) == ["copy.db", f"copy.db{WARC_LIST_SUFFIX}"]
    archive.close()


_BACKS_UP = """
import sys
from pathlib import Path
from storage.maintenance.backup import create_backup
from storage.archive import open_database
def progress(done, total):
    print("copying", flush=True)
    sys.stdin.read()
create_backup(open_database(sys.argv[1]), Path(sys.argv[2]), progress)
"""


def test_killed_backup_leaves_no_backup_file(archive: Database, file: Path, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "copy.db"
    command = [sys.executable, "-c", _BACKS_UP, f"sqlite:///{file}", str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "copying\n"
        process.kill()
    assert not target.exists()
    assert create_backup(archive, target).file == target
    archive.close()


def test_existing_target_and_impossible_folder_are_errors(archive: Database, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    for target in (tmp_path / "there", tmp_path / "there" / "copy.db"):
        with pytest.raises(ArchiveUnavailable):
            create_backup(archive, target)
    assert (tmp_path / "there").read_text() == "mine"
    archive.close()


def test_restore_replaces_the_archive_and_keeps_the_old_one(archive: Database, file: Path, tmp_path: Path) -> None:
    with archive.write() as tx:
        record_heartbeat(tx, NOW)
    backup = create_backup(archive, tmp_path / "copy.db")
    with archive.write() as tx:
        tx.execute(text("UPDATE pairs SET a = 7"))
    with archive.read() as tx:
        tx.execute(text("SELECT count(*) FROM pairs")).scalar()
        with pytest.raises(ArchiveBusy):
            restore_backup(file, backup.file)
    archive.close()
    old_archive = restore_backup(file, backup.file)
    assert old_archive is not None
    with closing(open_readonly(old_archive)) as old, closing(open_readonly(file)) as new:
        assert old.execute("SELECT DISTINCT a FROM pairs").fetchall() == [(7,)]
        assert new.execute("SELECT DISTINCT a FROM pairs").fetchall() == [(0,)]
    open_database(f"sqlite:///{file}").close()
    assert restore_backup(tmp_path / "other" / "archive.db", backup.file) is None


def test_damaged_newer_and_foreign_files_are_not_restored(archive: Database, file: Path, tmp_path: Path) -> None:
    backup = create_backup(archive, tmp_path / "copy.db")
    archive.close()
    before = file.read_bytes()
    damaged, newer, rubbish = tmp_path / "damaged.db", tmp_path / "newer.db", tmp_path / "rubbish.db"
    content = bytearray(backup.file.read_bytes())
    content[40_000:400_000] = b"\xff" * 360_000
    damaged.write_bytes(content)
    newer.write_bytes(backup.file.read_bytes())
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    rubbish.write_bytes(b"no database at all" * 1000)
    missing = tmp_path / "no"
    for wrong, error in (
        (damaged, ArchiveDamaged), (newer, NewerSchema), (rubbish, ArchiveDamaged), (missing, ArchiveUnavailable),
    ):  # fmt: skip
        with pytest.raises(error):
            restore_backup(file, wrong)
    assert file.read_bytes() == before


def test_only_the_newest_backups_are_kept(archive: Database, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    for hour in range(4):
        create_backup(archive, backup_path(folder, NOW + timedelta(hours=hour)))
    (folder / "evnews-mine.db").write_text("mine")
    kept = list_backups(folder)[-2:]
    assert len(delete_old_backups(folder, 2)) == 2
    assert list_backups(folder) == kept
    assert {path.name for path in folder.iterdir()} == {
        "evnews-mine.db", *(path.name for path in kept), *(path.name + WARC_LIST_SUFFIX for path in kept),
    }  # fmt: skip
    archive.close()


def test_missing_and_short_warc_files_are_listed(tmp_path: Path) -> None:
    backup, folder = tmp_path / "copy.db", tmp_path / "warc"
    folder.mkdir()
    (folder / "a.warc.gz").write_bytes(b"x" * 100)
    (folder / "b.warc.gz").write_bytes(b"x" * 99)
    backup.with_name(backup.name + WARC_LIST_SUFFIX).write_text("a.warc.gz\t100\nb.warc.gz\t100\nc.warc.gz\t1\n")
    assert find_missing_warc_files(backup, folder) == ["b.warc.gz", "c.warc.gz"]
    assert find_missing_warc_files(tmp_path / "other.db", folder) == []


def test_backup_of_postgresql_names_pg_dump(new_postgres: object, tmp_path: Path) -> None:
    database = open_database(new_postgres())  # type: ignore[operator]
    with pytest.raises(ArchiveUnavailable, match="pg_dump"):
        create_backup(database, tmp_path / "copy.db")
    database.close()
