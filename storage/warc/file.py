"""One tape file on the disk: written by its owner alone, closed for the dead, read by place.

While its owner lives the file is locked and called `*.warc.gz.open`. The lock tells the living
from the dead, so it must not pass to forked workers, and must not be lost when the same process
reads the file: flock it is, released in a child at the fork.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import re
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from storage.model.page import Page
from storage.warc import record
from storage.warc.record import WarcRecordError

OPEN_SUFFIX = ".open"
"""What a file's name ends in while its owner lives."""
FILE_NAME = re.compile(r"evnews-\d{14}-(?P<token>[0-9a-f]{32})\.warc\.gz")
"""A tape file's name: its time in UTC, and the random id of its warcinfo record."""

_CHUNK = 2**16


class WarcFile:
    """An open file of this process, written only at its end; methods raise OSError.

    `size` and `pages` count what was written well. A `broken` file may hold the start of a page
    after its last whole one, and must not be written to.
    """

    def __init__(self, folder: Path, software: str, at: datetime) -> None:
        while True:
            self.token = uuid4().hex
            self.name = f"evnews-{at:%Y%m%d%H%M%S}-{self.token}.warc.gz"
            self.path = folder / (self.name + OPEN_SUFFIX)
            self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            # Between creation and lock another process, tidying up after the dead, may have taken the empty file.
            if _try_lock(self.fd) and _is_at(self.fd, self.path):
                break
            os.close(self.fd)
        self.size = 0
        self.pages = 0
        self.is_broken = False
        _open_files.add(self)
        try:
            self._write(record.encode_warcinfo(name=self.name, token=self.token, software=software, at=at))
        except OSError:
            self.path.unlink()
            self.release()
            raise

    def append(self, page: bytes) -> int:
        """Write one page's records and say where they begin; on an error nothing of them stays."""
        start = self.size
        self._write(page)
        self.pages += 1
        return start

    def finish(self) -> None:
        """Bring the file to the disk and give it its final name; a file without pages is removed."""
        os.fsync(self.fd)
        if not self.pages:
            self.path.unlink()
        elif not self.is_broken:
            self.path.rename(self.path.with_suffix(""))
        self.release()

    def release(self) -> None:
        """Close the descriptor, and with it release the lock."""
        fd, self.fd = self.fd, -1
        _open_files.discard(self)
        if fd >= 0:
            os.close(fd)

    def _write(self, data: bytes) -> None:
        at, rest = self.size, memoryview(data)
        try:
            while rest:
                written = os.pwrite(self.fd, rest, at)
                at, rest = at + written, rest[written:]
        except OSError:
            try:
                os.ftruncate(self.fd, self.size)
            except OSError:
                self.is_broken = True
            raise
        self.size = at


_open_files: weakref.WeakSet[WarcFile] = weakref.WeakSet()


def _release_all() -> None:
    for file in list(_open_files):
        file.release()


os.register_at_fork(after_in_child=_release_all)


def close_abandoned(path: Path) -> str:
    """Close a file whose owner is dead, cut back to its last whole page; says what was done.

    Empty when there was nothing to do: the owner lives, or another process was quicker.
    """
    name = path.name.removesuffix(OPEN_SUFFIX)
    match = FILE_NAME.fullmatch(name)
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        if match is None or not _try_lock(fd) or not _is_at(fd, path):
            return ""
        size, end = os.fstat(fd).st_size, _end_of_last_page(fd, record.record_urn(match["token"]))
        if end == 0:
            path.unlink()
            return f"{name}: held no whole page ({size} bytes); removed"
        os.ftruncate(fd, end)
        os.fsync(fd)
        path.rename(path.with_name(name))
    finally:
        os.close(fd)
    return f"{name}: {f'cut off {size - end} bytes after the last whole page' if end < size else 'whole'}; closed"


def _end_of_last_page(fd: int, info_id: str) -> int:
    """Where the last whole page ends, or 0. Looks from the end, so that only the tail is read.

    A payload may hold bytes that look like a page's records; it cannot know the random id of
    this file's warcinfo record, which each true record names.
    """
    size = os.fstat(fd).st_size
    if size == 0:
        return 0
    with mmap.mmap(fd, size, access=mmap.ACCESS_READ) as data:
        start = data.rfind(record.MEMBER_START)
        while start >= 0:
            with suppress(WarcRecordError):
                if record.parse_record(read_member(fd, start)[0]).field("WARC-Warcinfo-ID") == info_id:
                    return read_page(fd, start)[1]
            start = data.rfind(record.MEMBER_START, 0, start + len(record.MEMBER_START) - 1)
    return 0


@contextmanager
def open_for_reading(path: Path) -> Iterator[int]:
    """A descriptor of a tape file, be it closed or still open; raises FileNotFoundError."""
    fd = _open_by_either_name(path)
    try:
        yield fd
    finally:
        os.close(fd)


def read_page(fd: int, offset: int) -> tuple[Page, int]:
    """The page whose response begins at the offset, and where its last record ends; raises RecordError."""
    records = []
    for _ in range(3):
        data, offset = read_member(fd, offset)
        records.append(record.parse_record(data))
    return record.decode_page(*records), offset


def read_member(fd: int, offset: int) -> tuple[bytes, int]:
    """The bytes that the gzip member at the offset holds, and where it ends; raises RecordError."""
    stream, out = zlib.decompressobj(zlib.MAX_WBITS | 16), bytearray()
    while not stream.eof:
        chunk = os.pread(fd, _CHUNK, offset)
        if not chunk:
            raise WarcRecordError("the file ends inside a page")
        try:
            out += stream.decompress(chunk, 2 * record.MAX_BLOCK_BYTES - len(out))
        except zlib.error as error:
            raise WarcRecordError(f"damaged record: {error}") from None
        if stream.unconsumed_tail:
            raise WarcRecordError("a record is too large")
        offset += len(chunk) - len(stream.unused_data)
    return bytes(out), offset


def _open_by_either_name(path: Path) -> int:
    # The last try is for a file that was closed, and so renamed, between the first and the second.
    for candidate in (path, path.with_name(path.name + OPEN_SUFFIX)):
        with suppress(FileNotFoundError):
            return os.open(candidate, os.O_RDONLY | os.O_CLOEXEC)
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(fd: int, path: Path) -> bool:
    """Whether the path still names the file that was opened."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
