"""Record Pages in WARC files and replay them exactly.

Each process writes files of its own, named by time and a random token, never by anything from the web. `*.warc.gz.open`
is being written, or was when its process died. Captures always bear the name without `.open`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from storage.atomic_file import fsync_path
from storage.errors import CaptureLost
from storage.errors import WarcError as WarcError
from storage.model.crawl import Capture
from storage.model.page import Page
from storage.warc import file as warc_file
from storage.warc import record as warc_record
from storage.warc.file import WarcFile
from storage.warc.record import WarcRecordError


class WarcStore:
    """The WARC writer of a process; not thread-safe. Files are created on demand and rotated at `max_bytes`.

    A page is safe once `sync` or `close` has returned after its `record`.
    """

    def __init__(self, folder: Path, *, software: str, max_bytes: int = 10**9, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._software = software
        self._max_bytes = max_bytes
        self._clock = clock
        self._file: WarcFile | None = None
        self._names_changed = False
        self._sync_error = ""

    def record(self, page: Page) -> Capture:
        """Append a page's response, request and metadata records; return the location of the response.

        Raises WarcError if the page was not written; earlier pages stay, and the store remains usable.
        """
        try:
            file = self._current()
            response, rest = warc_record.encode_page(page, file.token)
            offset = file.append(response + rest)
        except WarcRecordError as error:
            raise WarcError(f"{page.url[:200]}: {error}") from None
        except OSError as error:
            raise WarcError(f"cannot write a WARC file in {self._folder}: {error}") from error
        return Capture(file=file.name, offset=offset, length=len(response), digest=_digest(response))

    def sync(self) -> None:
        """Return when everything recorded is on disk; raises WarcError if some of it may not be.

        After an error, the pages recorded since the last successful `sync` must be recorded again.
        """
        try:
            if self._file is not None:
                os.fsync(self._file.fd)
            if self._names_changed:
                fsync_path(self._folder)
                self._names_changed = False
        except OSError as error:
            self._abandon(error)
        if self._sync_error:
            message, self._sync_error = self._sync_error, ""
            raise WarcError(message)

    def close(self) -> None:
        """Sync, and give the file its final name; raises as `sync` does."""
        if self._file is not None:
            self._finish(self._file)
        self.sync()

    def _current(self) -> WarcFile:
        if self._file is not None and (self._file.is_broken or self._file.size >= self._max_bytes):
            self._finish(self._file)
        if self._file is None:
            if not self._folder.exists():
                self._folder.mkdir(parents=True, exist_ok=True)
                fsync_path(self._folder.parent)
            self._file = WarcFile(self._folder, self._software, self._clock().astimezone(UTC))
            self._names_changed = True
        return self._file

    def _finish(self, file: WarcFile) -> None:
        try:
            file.finish()
            self._file, self._names_changed = None, True
        except OSError as error:
            self._abandon(error)

    def _abandon(self, error: OSError) -> None:
        """Give up a file that could not be synced; the next `recover_files` closes it.

        After a failed fsync the kernel may have dropped the data and would report success the next time. Therefore the
        file is not used again, and the next `sync` raises.
        """
        file, self._file = self._file, None
        name = f" {file.name}" if file else ""
        self._sync_error = f"WARC file{name} in {self._folder} could not be synced to disk: {error}"
        if file:
            file.release()


def recover_files(folder: Path) -> list[str]:
    """Close the files that dead processes left open, truncated to their last whole page; return what was messages.

    Files of living processes and files with foreign names are left alone. A file that cannot be closed is reported and
    left for the next time.
    """
    results = [_close_abandoned(path) for path in sorted(folder.glob("*" + warc_file.OPEN_SUFFIX))]
    messages = [message for message in results if message]
    if messages:
        fsync_path(folder)
    return messages


def _close_abandoned(path: Path) -> str:
    try:
        return warc_file.close_abandoned(path)
    except OSError as error:
        return f"{path.name}: left as it is: {error}"


def replay_page(folder: Path, capture: Capture) -> Page:
    """Return the page of a capture exactly as it was recorded; raises WarcError, or CaptureLost if it is gone."""
    if not warc_file.FILE_NAME.fullmatch(capture.file):
        raise WarcError(f"not the name of a WARC file: {capture.file[:200]!r}")
    where = f"WARC file {capture.file} at byte {capture.offset}"
    try:
        with warc_file.open_for_reading(folder / capture.file) as fd:
            data = os.pread(fd, capture.length, capture.offset)
            if len(data) != capture.length or _digest(data) != capture.digest:
                raise CaptureLost(f"{where}: the record does not match its digest")
            return warc_file.read_page(fd, capture.offset)[0]
    except FileNotFoundError:
        raise CaptureLost(f"{where}: there is no such file") from None
    except (WarcRecordError, OSError, ValueError, OverflowError) as error:
        raise WarcError(f"{where}: {error}") from None


def replay_pages(path: Path) -> Iterator[Page]:
    """Yield every page of a WARC file in order; raises WarcError offset the first damaged page."""
    offset = 0
    try:
        with warc_file.open_for_reading(path) as fd:
            info, offset = warc_file.read_member(fd, 0)
            warc_record.parse_record(info)
            while offset < os.fstat(fd).st_size:
                page, offset = warc_file.read_page(fd, offset)
                yield page
    except (WarcRecordError, OSError) as error:
        raise WarcError(f"WARC file {path.name} at byte {offset}: {error}") from None


def _digest(data: bytes) -> str:
    return "sha256:" + sha256(data).hexdigest()
