"""Pages leave the tape by whole files, and whatever happens on the way, what is to stay can be read."""

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
from storage.errors import WarcError
from storage.maintenance import retention
from storage.maintenance.check import check_archive
from storage.maintenance.retention import SizeLimits, delete_files, files_to_delete
from storage.model.article import Article
from storage.model.page import Page
from storage.warc.store import WarcStore, recover_files

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIZE = 3_000


class Stopped(Exception):
    """A kill."""


class Shelf:
    """An archive and its tape; each tape is a second later than the one before."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder, self.now = database, folder, NOW

    def tape(self) -> WarcStore:
        self.now += timedelta(seconds=1)
        return WarcStore(self.folder, software="test", clock=lambda: self.now)

    def put(self, *names: str, late: int = 0) -> None:
        """A page of each of some sources, on one file; the archive does not know the last so many yet."""
        with closing(self.tape()) as tape:
            for n, source in enumerate(names):
                url = f"https://{source}.example/{self.now.second}/{n}"
                page = Page(url=url, status=200, fetched_at=NOW, source=source, body=os.urandom(SIZE))
                capture = tape.record(page)
                if n < len(names) - late:
                    with self.database.write() as tx:
                        row = record_capture(tx, capture, page)
                        record_article(tx, Article(url=url, title=url, text=f"text of {url}"), page, row, NOW)

    def prune(self, room: SizeLimits) -> list[tuple[list[str], int]]:
        """The sources that each file had to leave, and how many pages were carried over."""
        with closing(self.tape()) as tape:
            return [
                (sorted(one.last_capture_ids), moved)
                for one, moved in delete_files(self.database, self.folder, tape, room, self.now)
            ]

    def pages(self) -> dict[str, int]:
        """How many pages there are of each source; all of them can be read."""
        assert check_archive(self.database, self.folder) == []
        with self.database.read() as tx:
            rows = tx.execute(select(captures.c.source, func.count().label("many")).group_by(captures.c.source))
            return {row.source: row.many for row in rows}

    def files(self) -> int:
        return len(list(self.folder.iterdir()))

    def age(self) -> None:
        """Two hours pass."""
        for path in self.folder.iterdir():
            os.utime(path, (time.time() - 7_200, time.time() - 7_200))


@pytest.fixture
def shelf(database: Database, tmp_path: Path) -> Shelf:
    return Shelf(database, tmp_path / "warc")


def test_sources_with_limits_leave_a_file_together(shelf: Shelf) -> None:
    shelf.put(*"abc" * 6)
    room = SizeLimits(by_source={"a": 3.0 * SIZE, "b": 4.0 * SIZE})
    (told,) = files_to_delete(shelf.database, shelf.folder, room)
    assert (sorted(told.last_capture_ids), told.pages, told.kept_pages) == (["a", "b"], 18, 11)
    assert shelf.prune(room) == [(["a", "b"], 11)]
    assert shelf.pages() == {"a": 2, "b": 3, "c": 6}
    assert shelf.prune(room) == []
    assert files_to_delete(shelf.database, shelf.folder, SizeLimits(total=9e9, by_source={"a": 9e9})) == []


def test_the_oldest_go(shelf: Shelf) -> None:
    shelf.put("a", "b")
    shelf.put("a", "b")
    shelf.put("b", "a")
    with shelf.database.read() as tx:
        newest = tx.execute(select(func.max(captures.c.id)).where(captures.c.source == "a")).scalar_one()
    assert shelf.prune(SizeLimits(by_source={"a": 2.0 * SIZE})) == [(["a"], 1), (["a"], 1)]
    assert shelf.pages() == {"a": 1, "b": 3}
    with shelf.database.read() as tx:
        assert tx.execute(select(captures.c.id).where(captures.c.source == "a")).scalar_one() == newest
    shelf.prune(SizeLimits(total=1.0))
    assert shelf.pages() == {}
    assert shelf.files() == 0


def test_a_page_that_cannot_be_read_at_present_keeps_its_file(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.put(*"ab" * 4)
    shelf.age()
    pread = os.pread

    def stutters(fd: int, many: int, offset: int) -> bytes:
        if many > 1_000 and offset > 4 * SIZE:
            raise OSError(errno.EIO, "Input/output error")
        return pread(fd, many, offset)

    room = SizeLimits(by_source={"a": 2.0 * SIZE})
    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", stutters)
        with pytest.raises(WarcError, match="Input/output"):
            shelf.prune(room)
    assert shelf.pages() == {"a": 4, "b": 4}
    assert shelf.prune(room) == [(["a"], 5)]
    assert shelf.pages() == {"a": 1, "b": 4}


def test_a_page_that_is_damaged_is_lost_alone(shelf: Shelf) -> None:
    shelf.put(*"abab")
    (file,) = shelf.folder.iterdir()
    with shelf.database.read() as tx:
        row = tx.execute(select(captures).where(captures.c.id == 2)).one()
    data = bytearray(file.read_bytes())
    data[row.offset + row.length // 2] ^= 1
    file.write_bytes(data)
    assert shelf.prune(SizeLimits(by_source={"a": 1.0 * SIZE})) == [(["a"], 1)]
    assert shelf.pages() == {"b": 1}


@pytest.mark.parametrize("at", ["_copy_pages", "fsync_path"])
def test_a_kill_in_between_leaves_nothing_for_good(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    """After pages were carried over, and after the file was forgotten."""
    shelf.put(*"ab" * 4)
    room = SizeLimits(by_source={"a": 2.0 * SIZE})
    done = getattr(retention, at)

    def killed(*given: object) -> object:
        if at == "_copy_pages":
            done(*given)
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(retention, at, killed)
        if at == "fsync_path":
            patch.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(Stopped):
            shelf.prune(room)
    recover_files(shelf.folder)
    assert shelf.files() == 2
    shelf.prune(room)
    shelf.age()
    shelf.prune(room)
    assert shelf.pages() == {"a": 1, "b": 4}
    assert shelf.files() == 1
    with shelf.database.read() as tx:
        assert tx.execute(select(key_values).where(key_values.c.name == "tape-prune")).first() is None


def test_a_file_of_which_pages_are_still_to_be_written_down_stays(shelf: Shelf) -> None:
    shelf.put(*"aaaa", late=1)
    (file,) = shelf.folder.iterdir()
    assert shelf.prune(SizeLimits(total=1.0)) == []
    assert shelf.prune(SizeLimits(by_source={"a": 1.0})) == []
    assert file.exists()
    shelf.age()  # then nobody writes them down any more
    assert len(shelf.prune(SizeLimits(total=1.0))) == 1
