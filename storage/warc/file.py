"""A WARC file on disk: append pages, lock the file, close files of dead processes, read pages by offset.

While its owner lives, the file is locked with flock and named `*.warc.gz.open`. Unlike fcntl locks, a flock survives
when the same process closes another descriptor of the file. Forked children release it right after the fork.
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
"""Suffix of the file's name while its owner lives."""
FILE_NAME = re.compile(r"evnews-\d{14}-(?P<token>[0-9a-f]{32})\.warc\.gz")
"""Name of a WARC file: its creation time in UTC, and the random id of its warcinfo record."""

_CHUNK = 2**16


class WarcFile:
    """An open file of this process that only grows; methods raise OSError.

    `size` and `pages` count the complete writes. If `is_broken`, the file may end with a part of a page and must not be
    written to any more.
    """

    def __init__(self, folder: Path, software: str, at: datetime) -> None:
        while True:
            self.token = uuid4().hex
            self.name = f"evnews-{at:%Y%m%d%H%M%S}-{self.token}.warc.gz"
            self.path = folder / (self.name + OPEN_SUFFIX)
            self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            # Between creation and lock, another process that closes abandoned files may have removed the empty file.
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
        """Write the records of a page and return their offset; a failed write leaves nothing in the file."""
        start = self.size
        self._write(page)
        self.pages += 1
        return start

    def finish(self) -> None:
        """Sync the file and give it its final name; a file without pages is removed."""
        os.fsync(self.fd)
        if not self.pages:
            self.path.unlink()
        elif not self.is_broken:
            self.path.rename(self.path.with_suffix(""))
        self.release()

    def release(self) -> None:
        """Close the descriptor, which releases the lock."""
        fd, self.fd = self.fd, -1
        _open_files.discard(self)
        if fd >= 0:
            os.close(fd)

    def _write(self, data: bytes) -> None:
        offset, remaining = self.size, memoryview(data)
        try:
            while remaining:
                written = os.pwrite(self.fd, remaining, offset)
                offset, remaining = offset + written, remaining[written:]
        except OSError:
            try:
                os.ftruncate(self.fd, self.size)
            except OSError:
                self.is_broken = True
            raise
        self.size = offset


_open_files: weakref.WeakSet[WarcFile] = weakref.WeakSet()


def _release_all() -> None:
    for file in list(_open_files):
        file.release()


os.register_at_fork(after_in_child=_release_all)


def close_abandoned(path: Path) -> str:
    """Close the file of a dead process after truncating it to its last whole page; return what was done.

    Returns an empty string if the owner lives or another process was faster.
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
        size, page_end = os.fstat(fd).st_size, _end_of_last_page(fd, record.record_urn(match["token"]))
        if page_end == 0:
            path.unlink()
            return f"{name}: held no whole page ({size} bytes); removed"
        os.ftruncate(fd, page_end)
        os.fsync(fd)
        path.rename(path.with_name(name))
    finally:
        os.close(fd)
    result = f"cut off {size - page_end} bytes after the last whole page" if page_end < size else "whole"
    return f"{name}: {result}; closed"


def _end_of_last_page(fd: int, info_id: str) -> int:
    """Return the offset at which the last whole page ends, or 0; searches backwards, so that only the tail is read.

    A payload may contain bytes that look like records, but not the random id of this file's warcinfo record, which each
    real record names.
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
    """Open a WARC file by its final name, whether it is closed or still written; raises FileNotFoundError."""
    fd = _open_by_either_name(path)
    try:
        yield fd
    finally:
        os.close(fd)


def read_page(fd: int, offset: int) -> tuple[Page, int]:
    """Return the page whose response begins at `offset`, and the end of its last record; raises WarcRecordError."""
    records = []
    for _ in range(3):
        data, offset = read_member(fd, offset)
        records.append(record.parse_record(data))
    return record.decode_page(*records), offset


def read_member(fd: int, offset: int) -> tuple[bytes, int]:
    """Decompress the gzip member at `offset`; return its bytes and its end. Raises WarcRecordError."""
    stream, data = zlib.decompressobj(zlib.MAX_WBITS | 16), bytearray()
    while not stream.eof:
        chunk = os.pread(fd, _CHUNK, offset)
        if not chunk:
            raise WarcRecordError("the file ends inside a page")
        try:
            data += stream.decompress(chunk, 2 * record.MAX_BLOCK_BYTES - len(data))
        except zlib.error as error:
            raise WarcRecordError(f"damaged record: {error}") from None
        if stream.unconsumed_tail:
            raise WarcRecordError("a record is too large")
        offset += len(chunk) - len(stream.unused_data)
    return bytes(data), offset


def _open_by_either_name(path: Path) -> int:
    # The last attempt is for a file that was renamed between the first two.
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
    """Return whether the path still names the opened file."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
