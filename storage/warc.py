"""The tape: records Pages in WARC files that are whole or repaired, and replays them.

A file is named by time and a random token, never by anything from the web. While its process
lives it is called `*.warc.gz.open` and locked; it loses the suffix when it is closed, by its
process or, after a crash, by `recover`. A Capture names it without the suffix at any time.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import re
import weakref
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from storage import warcrecord
from storage.page import Page
from storage.state import Capture
from storage.warcrecord import RecordError

_OPEN = ".open"
_NAME = re.compile(r"evnews-\d{14}-(?P<token>[0-9a-f]{32})\.warc\.gz")
_MEMBER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
"""How each gzip member of a tape begins: deflate, no flags, no time."""
_CHUNK = 2**16


class TapeError(Exception):
    """The tape could not keep a page, or cannot give one back; the message says which file and why."""


class WarcTape:
    """One process's tape; not thread-safe. Files are made when first needed and rotated at `max_bytes`.

    A page is safe when `sync` has returned after its `record`, not before.
    """

    def __init__(self, folder: Path, *, software: str, max_bytes: int = 10**9, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._software = software
        self._max_bytes = max_bytes
        self._clock = clock
        self._file: _TapeFile | None = None
        self._renamed = False
        self._lost = ""

    def record(self, page: Page) -> Capture:
        """Append a page's response, request and metadata records; says where the response lies.

        Raises TapeError when the page was not written; what was recorded before stays, and the
        tape may be used again.
        """
        file = self._current()
        try:
            response, rest = warcrecord.exchange(page, file.token)
        except RecordError as error:
            raise TapeError(f"{page.url[:200]}: {error}") from None
        offset = file.append(response + rest)
        return Capture(file=file.name, offset=offset, length=len(response), digest=_digest(response))

    def sync(self) -> None:
        """Return when all that was recorded is on the disk; raises TapeError if some of it may not be.

        After an error, pages recorded since the last good `sync` must be recorded again.
        """
        if self._file is not None:
            try:
                os.fsync(self._file.fd)
                if self._file.fresh or self._renamed:
                    _sync_folder(self._folder)
                self._file.fresh = self._renamed = False
            except OSError as error:
                # After a failed fsync the kernel may have dropped the bytes and would report success next time.
                self._leave(error)
        elif self._renamed:
            _sync_folder(self._folder)
            self._renamed = False
        if self._lost:
            lost, self._lost = self._lost, ""
            raise TapeError(lost)

    def close(self) -> None:
        """Bring all to the disk and give the file its final name; the tape may be used again after."""
        if self._file is not None:
            self._finish(self._file)
        self.sync()

    def _current(self) -> _TapeFile:
        file = self._file
        if file is not None and (file.broken or file.size >= self._max_bytes):
            self._finish(file)
        if self._file is None:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = _TapeFile(self._folder, self._software, self._clock().astimezone(UTC))
            except OSError as error:
                raise TapeError(f"cannot open a tape file in {self._folder}: {error}") from error
        return self._file

    def _finish(self, file: _TapeFile) -> None:
        try:
            file.finish()
            self._renamed = True
            self._file = None
        except OSError as error:
            self._leave(error)

    def _leave(self, error: OSError) -> None:
        """Let go of a file that cannot be brought to the disk: the next start's `recover` looks after it."""
        assert self._file is not None
        self._lost = f"tape file {self._file.name} could not be brought to the disk: {error}"
        self._file.let_go()
        self._file = None


class _TapeFile:
    """One open file: locked by this process, written only at its end."""

    def __init__(self, folder: Path, software: str, at: datetime) -> None:
        while True:
            self.token = uuid4().hex
            self.name = f"evnews-{at:%Y%m%d%H%M%S}-{self.token}.warc.gz"
            self.path = folder / (self.name + _OPEN)
            self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            # Between the creation and the lock another process's `recover` may have taken the empty file.
            if _lock(self.fd) and _is_at(self.fd, self.path):
                break
            os.close(self.fd)
        self.size = 0
        self.pages = 0
        self.fresh = True
        self.broken = False
        _open_files.add(self)
        try:
            self.append(warcrecord.about(name=self.name, token=self.token, software=software, at=at))
        except TapeError:
            self.path.unlink()
            self.let_go()
            raise
        self.pages = 0

    def append(self, data: bytes) -> int:
        """Write at the end and say where; on an error the file is cut back to what it was."""
        start, rest = self.size, memoryview(data)
        try:
            while rest:
                written = os.pwrite(self.fd, rest, self.size)
                self.size, rest = self.size + written, rest[written:]
        except OSError as error:
            self.size = start
            self._cut()
            raise TapeError(f"cannot write to tape file {self.name}: {error}") from error
        self.pages += 1
        return start

    def finish(self) -> None:
        """Bring the file to the disk and give it its final name; a file without pages is removed."""
        if self.pages:
            os.fsync(self.fd)
            if not self.broken:
                self.path.rename(self.path.with_suffix(""))
        else:
            self.path.unlink()
        self.let_go()

    def let_go(self) -> None:
        """Close the descriptor and with it the lock."""
        fd, self.fd = self.fd, -1
        _open_files.discard(self)
        if fd >= 0:
            os.close(fd)

    def _cut(self) -> None:
        try:
            os.ftruncate(self.fd, self.size)
        except OSError:
            self.broken = True


_open_files: weakref.WeakSet[_TapeFile] = weakref.WeakSet()


def _forget() -> None:
    """A forked worker must not hold its parent's lock: it may outlive the parent."""
    for file in list(_open_files):
        file.let_go()


os.register_at_fork(after_in_child=_forget)


def recover(folder: Path) -> list[str]:
    """Close the files that dead processes left open, cut back to their last whole page; says what it did.

    Files whose process lives are left alone, and so is what bears a name that is not ours.
    """
    done = [said for path in sorted(folder.glob("*.warc.gz" + _OPEN)) if (said := _recover_file(path))]
    if done:
        _sync_folder(folder)
    return done


def _recover_file(path: Path) -> str:
    name = _NAME.fullmatch(path.with_suffix("").name)
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        if name is None or not _lock(fd) or not _is_at(fd, path):
            return ""
        return _close_left_file(fd, path, name["token"])
    finally:
        os.close(fd)


def _close_left_file(fd: int, path: Path, token: str) -> str:
    size, end = os.fstat(fd).st_size, _end_of_last_page(fd, warcrecord.urn(token))
    name = path.with_suffix("").name
    if end == 0:
        path.unlink()
        return f"{name}: held no whole page ({size} bytes); removed"
    if end < size:
        os.ftruncate(fd, end)
    os.fsync(fd)
    path.rename(path.with_suffix(""))
    return (
        f"{name}: " + (f"cut off {size - end} bytes after the last whole page" if end < size else "whole") + "; closed"
    )


def _end_of_last_page(fd: int, info_id: str) -> int:
    """Where the last whole page ends, or 0. Looks from the end, so that only the tail is read.

    A payload may hold bytes that look like a page's records; they cannot name this file's
    warcinfo record, whose id is random.
    """
    size = os.fstat(fd).st_size
    if size == 0:
        return 0
    with mmap.mmap(fd, size, access=mmap.ACCESS_READ) as data:
        start = data.rfind(_MEMBER)
        while start >= 0:
            with suppress(RecordError):
                if warcrecord.parse(_member(fd, start)[0]).field("WARC-Warcinfo-ID") == info_id:
                    return _read_page(fd, start)[1]
            start = data.rfind(_MEMBER, 0, start)
    return 0


def replay(folder: Path, capture: Capture) -> Page:
    """The page that a capture names, exactly as it was recorded; raises TapeError."""
    if not _NAME.fullmatch(capture.file):
        raise TapeError(f"not the name of a tape file: {capture.file[:200]!r}")
    fd = _open_to_read(folder, capture.file)
    try:
        data = os.pread(fd, capture.length, capture.offset)
        if len(data) != capture.length or _digest(data) != capture.digest:
            raise TapeError(f"{_place(capture.file, capture.offset)}: the record does not match its digest")
        return _read_page(fd, capture.offset)[0]
    except (RecordError, OSError, ValueError) as error:
        raise TapeError(f"{_place(capture.file, capture.offset)}: {error}") from None
    finally:
        os.close(fd)


def replay_all(path: Path) -> Iterator[Page]:
    """Every page of one tape file in order; raises TapeError at the first damage, and never gives a part of a page."""
    with path.open("rb") as file:
        fd, size, at = file.fileno(), os.fstat(file.fileno()).st_size, 0
        try:
            if warcrecord.parse(_member(fd, 0)[0]).type == "warcinfo":
                at = _member(fd, 0)[1]
            while at < size:
                page, at = _read_page(fd, at)
                yield page
        except (RecordError, OSError) as error:
            raise TapeError(f"{_place(path.name, at)}: {error}") from None


def _read_page(fd: int, offset: int) -> tuple[Page, int]:
    """The page whose response begins at the offset, and where its last record ends."""
    records = []
    for _ in range(3):
        data, offset = _member(fd, offset)
        records.append(warcrecord.parse(data))
    return warcrecord.page_of(*records), offset


def _member(fd: int, offset: int) -> tuple[bytes, int]:
    """The bytes of the gzip member that begins at the offset, and where it ends; raises RecordError."""
    stream, out = zlib.decompressobj(zlib.MAX_WBITS | 16), bytearray()
    while not stream.eof:
        chunk = os.pread(fd, _CHUNK, offset)
        if not chunk:
            raise RecordError("the file ends inside a page")
        try:
            out += stream.decompress(chunk, 2 * warcrecord.LARGEST - len(out))
        except zlib.error as error:
            raise RecordError(f"damaged record: {error}") from None
        if stream.unconsumed_tail:
            raise RecordError("a record is too large")
        offset += len(chunk) - len(stream.unused_data)
    return bytes(out), offset


def _open_to_read(folder: Path, name: str) -> int:
    # The last try is for a file that was closed, and so renamed, between the first and the second.
    for candidate in (name, name + _OPEN, name):
        with suppress(FileNotFoundError):
            return os.open(folder / candidate, os.O_RDONLY | os.O_CLOEXEC)
    raise TapeError(f"tape file {name} is not in {folder}")


def _digest(data: bytes) -> str:
    return "sha256:" + sha256(data).hexdigest()


def _place(name: str, offset: int) -> str:
    return f"tape file {name} at byte {offset}"


def _lock(fd: int) -> bool:
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


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
