"""The tape: records Pages in WARC files that are whole or repaired, and replays them exactly.

Each process writes files of its own, named by time and a random token, never by anything from
the web. `*.warc.gz.open` is being written, or was when its process died; the first names are
also the ones that Captures bear, whether the file is still open or not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from storage.atomic_file import sync
from storage.errors import PageLost
from storage.errors import TapeError as TapeError
from storage.model.crawl import Capture
from storage.model.page import Page
from storage.warc import file as warcfile
from storage.warc import record as warcrecord
from storage.warc.file import TapeFile
from storage.warc.record import RecordError


class WarcTape:
    """One process's tape; not thread-safe. Files are made when first needed and rotated at `max_bytes`.

    A page is safe when `sync` or `close` has returned after its `record`, not before.
    """

    def __init__(self, folder: Path, *, software: str, max_bytes: int = 10**9, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._software = software
        self._max_bytes = max_bytes
        self._clock = clock
        self._file: TapeFile | None = None
        self._names_changed = False
        self._lost = ""

    def record(self, page: Page) -> Capture:
        """Append a page's response, request and metadata records; says where the response lies.

        Raises TapeError when the page was not written; what was recorded before stays, and the
        tape may be used again.
        """
        try:
            file = self._current()
            response, rest = warcrecord.exchange(page, file.token)
            offset = file.append(response + rest)
        except RecordError as error:
            raise TapeError(f"{page.url[:200]}: {error}") from None
        except OSError as error:
            raise TapeError(f"cannot write to the tape in {self._folder}: {error}") from error
        return Capture(file=file.name, offset=offset, length=len(response), digest=_digest(response))

    def sync(self) -> None:
        """Return when all that was recorded is on the disk; raises TapeError if some of it may not be.

        After an error, pages recorded since the last good `sync` must be recorded again.
        """
        try:
            if self._file is not None:
                os.fsync(self._file.fd)
            if self._names_changed:
                sync(self._folder)
                self._names_changed = False
        except OSError as error:
            self._leave(error)
        if self._lost:
            lost, self._lost = self._lost, ""
            raise TapeError(lost)

    def close(self) -> None:
        """Bring all to the disk and give the file its final name; raises as `sync` does."""
        if self._file is not None:
            self._finish(self._file)
        self.sync()

    def _current(self) -> TapeFile:
        if self._file is not None and (self._file.broken or self._file.size >= self._max_bytes):
            self._finish(self._file)
        if self._file is None:
            if not self._folder.exists():
                self._folder.mkdir(parents=True, exist_ok=True)
                sync(self._folder.parent)
            self._file = TapeFile(self._folder, self._software, self._clock().astimezone(UTC))
            self._names_changed = True
        return self._file

    def _finish(self, file: TapeFile) -> None:
        try:
            file.finish()
            self._file, self._names_changed = None, True
        except OSError as error:
            self._leave(error)

    def _leave(self, error: OSError) -> None:
        """Let go of a file that would not go to the disk; the next `recover` looks after it.

        After a failed fsync the kernel may have dropped the bytes, and would report success next
        time: so the file is not used again, and the next `sync` fails.
        """
        file, self._file = self._file, None
        name = f" {file.name}" if file else ""
        self._lost = f"tape file{name} in {self._folder} could not be brought to the disk: {error}"
        if file:
            file.let_go()


def recover(folder: Path) -> list[str]:
    """Close the files that dead processes left open, cut back to their last whole page; says what it did.

    Files whose process lives are left alone, and so is what bears a name that is not the tape's.
    A file that cannot be closed is left for the next time, and said.
    """
    said = [_closed(path) for path in sorted(folder.glob("*" + warcfile.OPEN))]
    done = [words for words in said if words]
    if done:
        sync(folder)
    return done


def _closed(path: Path) -> str:
    try:
        return warcfile.close_left(path)
    except OSError as error:
        return f"{path.name}: left as it is: {error}"


def replay(folder: Path, capture: Capture) -> Page:
    """The page that a capture names, exactly as it was recorded; raises TapeError, PageLost."""
    if not warcfile.NAME.fullmatch(capture.file):
        raise TapeError(f"not the name of a tape file: {capture.file[:200]!r}")
    where = f"tape file {capture.file} at byte {capture.offset}"
    try:
        with warcfile.reading(folder / capture.file) as fd:
            data = os.pread(fd, capture.length, capture.offset)
            if len(data) != capture.length or _digest(data) != capture.digest:
                raise PageLost(f"{where}: the record does not match its digest")
            return warcfile.read_page(fd, capture.offset)[0]
    except FileNotFoundError:
        raise PageLost(f"{where}: there is no such file") from None
    except (RecordError, OSError, ValueError, OverflowError) as error:
        raise TapeError(f"{where}: {error}") from None


def replay_all(path: Path) -> Iterator[Page]:
    """Every page of one tape file in order; raises TapeError at the first damage, and never gives a part of a page."""
    at = 0
    try:
        with warcfile.reading(path) as fd:
            info, at = warcfile.member(fd, 0)
            warcrecord.parse(info)
            while at < os.fstat(fd).st_size:
                page, at = warcfile.read_page(fd, at)
                yield page
    except (RecordError, OSError) as error:
        raise TapeError(f"tape file {path.name} at byte {at}: {error}") from None


def _digest(data: bytes) -> str:
    return "sha256:" + sha256(data).hexdigest()
