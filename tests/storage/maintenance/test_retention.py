"""Retention deletes whole WARC files, and every page that must be kept stays readable even after a kill."""

from __future__ import annotations

import errno
import os
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from storage.articles.store import record_article, record_capture
from storage.db.database import Database
from storage.db.tables import captures, key_values
from storage.duplicates.links import link_recorded
from storage.errors import WarcError
from storage.maintenance import retention
from storage.maintenance.check import check_archive
from storage.maintenance.retention import SizeLimits, delete_files, files_to_delete
from storage.model.article import Article
from storage.model.page import Page
from storage.warc.store import WarcStore, recover_files

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIZE = 3_000


class Killed(Exception):
    """Stands for a kill of the process."""


class WarcArchive:
    """An archive and its WARC folder; each new store is a second later than the one before."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder, self.now = database, folder, NOW

    def new_store(self) -> WarcStore:
        self.now += timedelta(seconds=1)
        return WarcStore(self.folder, software="test", clock=lambda: self.now)

    def put(self, *names: str, late: int = 0) -> None:
        """Record a page of each source in one file; the database does not know the last `late` pages yet."""
        with closing(self.new_store()) as store:
            for n, source in enumerate(names):
                url = f"https://{source}.example/{self.now.second}/{n}"
                page = Page(url=url, status=200, fetched_at=NOW, source=source, body=os.urandom(SIZE))
                capture = store.record(page)
                if n < len(names) - late:
                    with self.database.write() as tx:
                        row = record_capture(tx, capture, page)
                        link_recorded(
                            tx, record_article(tx, Article(url=url, title=url, text=f"text of {url}"), page, row, NOW)
                        )

    def prune(self, limits: SizeLimits) -> list[tuple[list[str], int]]:
        """Delete files; return the sources removed from each file and the number of pages copied."""
        with closing(self.new_store()) as store:
            return [
                (sorted(file.last_capture_ids), moved)
                for file, moved in delete_files(self.database, self.folder, store, limits, self.now)
            ]

    def pages(self) -> dict[str, int]:
        """Return the number of pages of each source, after checking that all can be read."""
        assert check_archive(self.database, self.folder) == []
        with self.database.read() as tx:
            rows = tx.execute(select(captures.c.source, func.count().label("pages")).group_by(captures.c.source))
            return {row.source: row.pages for row in rows}

    def files(self) -> int:
        return len(list(self.folder.iterdir()))

    def age(self) -> None:
        """Make every file two hours old."""
        for path in self.folder.iterdir():
            os.utime(path, (time.time() - 7_200, time.time() - 7_200))


@pytest.fixture
def archive(database: Database, tmp_path: Path) -> WarcArchive:
    return WarcArchive(database, tmp_path / "warc")


def test_pages_of_several_limited_sources_are_removed_from_a_file_at_once(archive: WarcArchive) -> None:
    archive.put(*"abc" * 6)
    limits = SizeLimits(by_source={"a": 3.0 * SIZE, "b": 4.0 * SIZE})
    (file,) = files_to_delete(archive.database, archive.folder, limits)
    assert (sorted(file.last_capture_ids), file.pages, file.kept_pages) == (["a", "b"], 18, 11)
    assert archive.prune(limits) == [(["a", "b"], 11)]
    assert archive.pages() == {"a": 2, "b": 3, "c": 6}
    assert archive.prune(limits) == []
    assert files_to_delete(archive.database, archive.folder, SizeLimits(total=9e9, by_source={"a": 9e9})) == []


def test_oldest_pages_and_files_are_deleted_first(archive: WarcArchive) -> None:
    archive.put("a", "b")
    archive.put("a", "b")
    archive.put("b", "a")
    with archive.database.read() as tx:
        newest = tx.execute(select(func.max(captures.c.id)).where(captures.c.source == "a")).scalar_one()
    assert archive.prune(SizeLimits(by_source={"a": 2.0 * SIZE})) == [(["a"], 1), (["a"], 1)]
    assert archive.pages() == {"a": 1, "b": 3}
    with archive.database.read() as tx:
        assert tx.execute(select(captures.c.id).where(captures.c.source == "a")).scalar_one() == newest
    archive.prune(SizeLimits(total=1.0))
    assert archive.pages() == {}
    assert archive.files() == 0


def test_file_with_an_unreadable_page_is_kept(archive: WarcArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.put(*"ab" * 4)
    archive.age()
    pread = os.pread

    def failing_pread(fd: int, count: int, offset: int) -> bytes:
        if count > 1_000 and offset > 4 * SIZE:
            raise OSError(errno.EIO, "Input/output error")
        return pread(fd, count, offset)

    limits = SizeLimits(by_source={"a": 2.0 * SIZE})
    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", failing_pread)
        with pytest.raises(WarcError, match="Input/output"):
            archive.prune(limits)
    assert archive.pages() == {"a": 4, "b": 4}
    assert archive.prune(limits) == [(["a"], 5)]
    assert archive.pages() == {"a": 1, "b": 4}


def test_damaged_page_does_not_stop_the_deletion(archive: WarcArchive) -> None:
    archive.put(*"abab")
    (file,) = archive.folder.iterdir()
    with archive.database.read() as tx:
        row = tx.execute(select(captures).where(captures.c.id == 2)).one()
    data = bytearray(file.read_bytes())
    data[row.offset + row.length // 2] ^= 1
    file.write_bytes(data)
    assert archive.prune(SizeLimits(by_source={"a": 1.0 * SIZE})) == [(["a"], 1)]
    assert archive.pages() == {"b": 1}


@pytest.mark.parametrize("at", ["_copy_pages", "fsync_path"])
def test_leftovers_of_a_killed_deletion_are_removed(
    archive: WarcArchive, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """A kill after the pages were copied, and after the database forgot the file."""
    archive.put(*"ab" * 4)
    limits = SizeLimits(by_source={"a": 2.0 * SIZE})
    original = getattr(retention, at)

    def killed(*args: object) -> object:
        if at == "_copy_pages":
            original(*args)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(retention, at, killed)
        if at == "fsync_path":
            patch.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(Killed):
            archive.prune(limits)
    recover_files(archive.folder)
    assert archive.files() == 2
    archive.prune(limits)
    archive.age()
    archive.prune(limits)
    assert archive.pages() == {"a": 1, "b": 4}
    assert archive.files() == 1
    with archive.database.read() as tx:
        assert tx.execute(select(key_values).where(key_values.c.name == retention._PRUNE_KEY)).first() is None


def test_file_with_pages_unknown_to_the_database_is_kept_for_an_hour(archive: WarcArchive) -> None:
    archive.put(*"aaaa", late=1)
    (file,) = archive.folder.iterdir()
    assert archive.prune(SizeLimits(total=1.0)) == []
    assert archive.prune(SizeLimits(by_source={"a": 1.0})) == []
    assert file.exists()
    archive.age()  # old enough that no crawl will record the page any more
    assert len(archive.prune(SizeLimits(total=1.0))) == 1
