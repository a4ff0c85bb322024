"""Failures of the archive that a user can fix.

ArchiveError
├── ArchiveUnavailable   cannot be opened or reached
├── ArchiveBusy          another process held it for too long
├── ArchiveFull          the disk has no room
├── ArchiveDamaged       the file is not a database, or is corrupt
├── WarcError            a WARC file cannot be written or read
├── NewerSchema          written by a newer version of this software
└── OlderSchema          written by a version that used another schema
"""

from __future__ import annotations


class ArchiveError(Exception):
    """A failure of the archive that a user can fix; the message says how."""


class ArchiveUnavailable(ArchiveError):
    """The archive cannot be opened or reached."""


class ArchiveBusy(ArchiveError):
    """Another process held the archive longer than a writer waits."""


class ArchiveFull(ArchiveError):
    """The disk has no room; the operation stored nothing."""


class ArchiveDamaged(ArchiveError):
    """The file is not a database, or is corrupt."""


class WarcError(ArchiveError):
    """A page cannot be written to or read from a WARC file; the message says where and why."""


class CaptureLost(WarcError):
    """A captured page is missing, or its bytes differ from the recorded digest."""


def is_archive_failure(error: BaseException) -> bool:
    """Return whether an error concerns the archive as a whole, so that the next page would fail too."""
    return isinstance(error, ArchiveError) and (
        not isinstance(error, WarcError) or isinstance(error.__cause__, OSError)
    )


class NewerSchema(ArchiveError):
    """The archive was written by a newer version of this software."""


class OlderSchema(ArchiveError):
    """The archive was written by a version whose schema cannot be upgraded."""

    def __init__(self, archive: str) -> None:
        super().__init__(
            f"{archive} was written by an earlier version of evnews: run `evnews export jsonl -o archive.jsonl` with"
            " that version, then `evnews import jsonl archive.jsonl` with this one into an empty home"
        )
