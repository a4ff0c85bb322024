"""A copy of the archive as it is at one moment, taken while others write; and its way back.

The copy is one file of SQLite's. Beside it lies a list of the tape's files that its captures lead to, each with how
many of its bytes belong to it: the tape only grows, so a copy of these files taken later serves too.
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
    """A copy: where it lies, its bytes, and how many files of the tape it leads to, of how many bytes."""

    file: Path
    size: int
    warc_files: int
    warc_bytes: int


def create_backup(
    database: Database, target: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> Backup:
    """Copy an archive in SQLite to a file that is not there yet: whole, or not at all. Raises ArchiveError."""
    source = database.file
    if source is None:
        raise ArchiveUnavailable(POSTGRES_HINT)
    return back_up_file(source, target, progress)


def back_up_file(source: Path, target: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> Backup:
    """The same of an archive's file, of whatever version of evnews it is."""
    if target.exists():
        raise ArchiveUnavailable(f"{target} is there already; name another file, or a folder")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        tape = _copy_database(source, unfinished, progress)
        with atomic_write(target.with_name(target.name + WARC_LIST_SUFFIX)) as listed:
            listed.writelines(f"{name}\t{size}\n".encode() for name, size in tape)
        fsync_path(unfinished)
        unfinished.rename(target)
        fsync_path(target.parent)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
            raise ArchiveFull(f"no room for a backup in {target.parent}; nothing was left there") from error
        raise ArchiveUnavailable(f"the archive cannot be copied: {error}") from error
    except OSError as error:
        raise ArchiveUnavailable(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        for left in (unfinished, unfinished.with_name(unfinished.name + "-journal")):
            with suppress(OSError):
                left.unlink(missing_ok=True)
    return Backup(
        file=target, size=target.stat().st_size, warc_files=len(tape), warc_bytes=sum(size for _, size in tape)
    )


def _copy_database(source: Path, target: Path, progress: Callable[[int, int], None]) -> list[tuple[str, int]]:
    """Copy page by page within one snapshot, so that no writer makes it begin anew; returns the tape's files."""
    with closing(sqlite3.connect(source, isolation_level=None)) as reading, closing(sqlite3.connect(target)) as writing:
        reading.execute("BEGIN")
        tape = [(str(name), int(size)) for name, size in reading.execute(_SELECT_WARC_FILES)]
        reading.backup(
            writing, pages=_PAGES_PER_STEP, progress=lambda _, left, total: progress(total - left, total), sleep=0
        )
        reading.execute("ROLLBACK")
        writing.execute("PRAGMA journal_mode = DELETE")  # one file, which may be read where nothing can be written
    return tape


def backup_path(folder: Path, now: datetime) -> Path:
    """The name of a backup in a folder: by its time, so that names sort as times do."""
    return folder / f"{BACKUP_PREFIX}{now:%Y%m%dT%H%M%SZ}{BACKUP_SUFFIX}"


def list_backups(folder: Path) -> list[Path]:
    """The backups in a folder that `dated` named, oldest first."""
    return sorted(folder.glob(f"{BACKUP_PREFIX}????????T??????Z{BACKUP_SUFFIX}")) if folder.is_dir() else []


def delete_old_backups(folder: Path, keep: int, exclude: Path | None = None) -> list[Path]:
    """Remove all but the newest, and `spare`; returns what was removed."""
    gone = [one for one in list_backups(folder)[: -keep if keep > 0 else None] if one != exclude]
    for one in gone:
        one.unlink(missing_ok=True)
        one.with_name(one.name + WARC_LIST_SUFFIX).unlink(missing_ok=True)
    return gone


def restore_backup(database_file: Path, copy: Path) -> Path | None:
    """Put a backup in an archive's place; returns where the archive that was there lies now. Raises ArchiveError."""
    _verify_backup(copy)
    beside = database_file.with_name(f".{database_file.name}.{os.getpid()}")
    try:
        database_file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as reading, \
                closing(sqlite3.connect(beside)) as writing:  # fmt: skip
            reading.backup(writing)
        fsync_path(beside)
        before = _set_aside(database_file)
        beside.rename(database_file)
        fsync_path(database_file.parent)
    except (OSError, sqlite3.Error) as error:
        raise ArchiveUnavailable(f"{copy} cannot be put in place: {error}") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return before


def _verify_backup(copy: Path) -> None:
    """Raise where a file is no whole archive that this version can read."""
    if not copy.is_file():
        raise ArchiveUnavailable(f"{copy} is no file")
    try:
        with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as reading:
            problems = [row[0] for row in reading.execute("PRAGMA quick_check(3)")]
            step = reading.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise ArchiveDamaged(f"{copy} is no archive of evnews ({error})") from error
    if problems != ["ok"]:
        raise ArchiveDamaged(f"{copy} is damaged: {problems[0]}")
    if step is not None and is_older_version(step[0]):
        raise OlderSchema(str(copy))
    if step is None or step[0] not in SCHEMA_VERSIONS:
        raise NewerSchema(f"{copy} was written by a newer version; update evnews")


def _set_aside(database_file: Path) -> Path | None:
    """Move an archive out of the way, its log joined to it before; raises ArchiveBusy while anybody uses it."""
    if not database_file.exists():
        return None
    with closing(sqlite3.connect(database_file, timeout=1, isolation_level=None)) as connection:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        try:
            # Only who is alone may leave the write-ahead log.
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
        except sqlite3.OperationalError:
            mode = "wal"
    if busy or mode != "delete":
        raise ArchiveBusy("the archive is in use; stop evnews up, evnews serve and every crawl first")
    aside = database_file.with_name(f"{database_file.name}.before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    database_file.rename(aside)
    return aside


def find_missing_warc_files(copy: Path, folder: Path) -> list[str]:
    """The files of the tape that a backup's list names and that are not in a folder, or not whole."""
    listed = copy.with_name(copy.name + WARC_LIST_SUFFIX)
    if not listed.exists():
        return []
    missing = []
    for line in listed.read_text(encoding="utf-8").splitlines():
        name, _, size = line.rpartition("\t")
        path = folder / Path(name).name
        if not path.is_file() or path.stat().st_size < int(size):
            missing.append(name)
    return missing
