"""Back up an SQLite archive while other processes write to it, and restore a backup.

A backup is one SQLite file, with a list of the WARC files that its captures need and the size of each. WARC files only
grow, so a copy of them that is taken later contains everything the backup needs.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storage.archive import SCHEMA_VERSIONS, is_older_version
from storage.atomic_file import atomic_write, fsync_path
from storage.db.database import Database
from storage.errors import ArchiveBusy, ArchiveDamaged, ArchiveFull, ArchiveUnavailable, NewerSchema, OlderSchema

BACKUP_PREFIX, BACKUP_SUFFIX, WARC_LIST_SUFFIX = "evnews-", ".db", ".warcs.txt"
POSTGRES_HINT = "PostgreSQL backs itself up: pg_dump --format=custom --file=evnews.dump DATABASE"
_PAGES_PER_STEP = 4_000
_SELECT_WARC_FILES = 'SELECT file, max("offset" + length) FROM captures GROUP BY file ORDER BY file'


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup file, its size in bytes, and the number and total size of the WARC files that it refers to."""

    file: Path
    size: int
    warc_files: int
    warc_bytes: int


def create_backup(
    database: Database, target: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> Backup:
    """Copy an SQLite archive to the file `target`, which must not exist. A failed backup leaves no file.

    Raises ArchiveError, for a PostgreSQL archive as well.
    """
    source = database.file
    if source is None:
        raise ArchiveUnavailable(POSTGRES_HINT)
    return back_up_file(source, target, progress)


def back_up_file(source: Path, target: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> Backup:
    """Copy an SQLite archive file of any schema version; otherwise like `create_backup`."""
    if target.exists():
        raise ArchiveUnavailable(f"{target} already exists; name another file, or a folder")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        warc_files = _copy_database(source, unfinished, progress)
        with atomic_write(target.with_name(target.name + WARC_LIST_SUFFIX)) as list_file:
            list_file.writelines(f"{name}\t{size}\n".encode() for name, size in warc_files)
        fsync_path(unfinished)
        unfinished.rename(target)
        fsync_path(target.parent)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
            raise ArchiveFull(f"no room for a backup in {target.parent}; no file was written") from error
        raise ArchiveUnavailable(f"the archive cannot be copied: {error}") from error
    except OSError as error:
        raise ArchiveUnavailable(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        for path in (unfinished, unfinished.with_name(unfinished.name + "-journal")):
            with suppress(OSError):
                path.unlink(missing_ok=True)
    warc_bytes = sum(size for _, size in warc_files)
    return Backup(file=target, size=target.stat().st_size, warc_files=len(warc_files), warc_bytes=warc_bytes)


def _copy_database(source: Path, target: Path, progress: Callable[[int, int], None]) -> list[tuple[str, int]]:
    """Copy the database within one read transaction; return (name, bytes) of the WARC files that its captures need.

    The read transaction keeps SQLite from restarting the copy when another connection writes.
    """
    with closing(sqlite3.connect(source, isolation_level=None)) as reader, closing(sqlite3.connect(target)) as writer:
        reader.execute("BEGIN")
        warc_files = [(str(name), int(size)) for name, size in reader.execute(_SELECT_WARC_FILES)]
        reader.backup(
            writer, pages=_PAGES_PER_STEP, progress=lambda _, left, total: progress(total - left, total), sleep=0
        )
        reader.execute("ROLLBACK")
        writer.execute("PRAGMA journal_mode = DELETE")  # a single file that can be opened in a read-only folder
    return warc_files


def backup_path(folder: Path, now: datetime) -> Path:
    """Return the path of a new backup; names sort by time."""
    return folder / f"{BACKUP_PREFIX}{now:%Y%m%dT%H%M%SZ}{BACKUP_SUFFIX}"


def list_backups(folder: Path) -> list[Path]:
    """Return the backups in a folder that `backup_path` named, oldest first."""
    return sorted(folder.glob(f"{BACKUP_PREFIX}????????T??????Z{BACKUP_SUFFIX}")) if folder.is_dir() else []


def delete_old_backups(folder: Path, keep: int, exclude: Path | None = None) -> list[Path]:
    """Delete all but the newest `keep` backups, never `exclude`; return the deleted paths."""
    deleted = [backup for backup in list_backups(folder)[: -keep if keep > 0 else None] if backup != exclude]
    for backup in deleted:
        backup.unlink(missing_ok=True)
        backup.with_name(backup.name + WARC_LIST_SUFFIX).unlink(missing_ok=True)
    return deleted


def restore_backup(database_file: Path, backup: Path) -> Path | None:
    """Replace an archive by a backup; return the new path of the old archive, or None. Raises ArchiveError."""
    _verify_backup(backup)
    unfinished = database_file.with_name(f".{database_file.name}.{os.getpid()}")
    try:
        database_file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(f"file:{backup}?mode=ro", uri=True)) as reader, \
                closing(sqlite3.connect(unfinished)) as writer:  # fmt: skip
            reader.backup(writer)
        fsync_path(unfinished)
        old_archive = _set_aside(database_file)
        unfinished.rename(database_file)
        fsync_path(database_file.parent)
    except (OSError, sqlite3.Error) as error:
        raise ArchiveUnavailable(f"{backup} cannot be restored: {error}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return old_archive


def _verify_backup(backup: Path) -> None:
    """Raise ArchiveError unless the file is a sound archive that this version can read."""
    if not backup.is_file():
        raise ArchiveUnavailable(f"{backup} is not a file")
    try:
        with closing(sqlite3.connect(f"file:{backup}?mode=ro", uri=True)) as connection:
            problems = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
            schema_version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise ArchiveDamaged(f"{backup} is not an archive of evnews ({error})") from error
    if problems != ["ok"]:
        raise ArchiveDamaged(f"{backup} is damaged: {problems[0]}")
    if schema_version is not None and is_older_version(schema_version[0]):
        raise OlderSchema(str(backup))
    if schema_version is None or schema_version[0] not in SCHEMA_VERSIONS:
        raise NewerSchema(f"{backup} was written by a newer version; update evnews")


def _set_aside(database_file: Path) -> Path | None:
    """Rename an archive and return its new path; raises ArchiveBusy while another process uses the archive."""
    if not database_file.exists():
        return None
    with closing(sqlite3.connect(database_file, timeout=1, isolation_level=None)) as connection:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        try:
            # SQLite leaves WAL mode only if no other connection is open.
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
        except sqlite3.OperationalError:
            mode = "wal"
    if busy or mode != "delete":
        raise ArchiveBusy("the archive is in use; stop evnews up, evnews serve and every crawl first")
    aside = database_file.with_name(f"{database_file.name}.before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    database_file.rename(aside)
    return aside


def find_missing_warc_files(backup: Path, folder: Path) -> list[str]:
    """Return the names from a backup's WARC list that are missing from a folder or shorter than listed."""
    list_file = backup.with_name(backup.name + WARC_LIST_SUFFIX)
    if not list_file.exists():
        return []
    missing = []
    for line in list_file.read_text(encoding="utf-8").splitlines():
        name, _, size = line.rpartition("\t")
        path = folder / Path(name).name
        if not path.is_file() or path.stat().st_size < int(size):
            missing.append(name)
    return missing
