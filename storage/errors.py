"""What can go wrong with the archive that its user can mend.

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
    """Something about the archive that its user can mend; the message says what to do."""


class ArchiveUnavailable(ArchiveError):
    """The archive cannot be opened or reached."""


class ArchiveBusy(ArchiveError):
    """Another process held the archive for longer than a writer waits."""


class ArchiveFull(ArchiveError):
    """The disk has no room for what was to be kept; nothing of it was."""


class ArchiveDamaged(ArchiveError):
    """The file is not a database, or is corrupt."""


class WarcError(ArchiveError):
    """The tape could not keep a page, or cannot give one back; the message says where and why."""


class CaptureLost(WarcError):
    """A page's file is not there, or holds other bytes than were recorded."""


def is_archive_failure(error: BaseException) -> bool:
    """Whether an error is the archive's trouble, which the next page would meet too, and not one page's own."""
    return isinstance(error, ArchiveError) and (
        not isinstance(error, WarcError) or isinstance(error.__cause__, OSError)
    )


class NewerSchema(ArchiveError):
    """The archive was written by a newer version of this software."""


class OlderSchema(ArchiveError):
    """The archive was written by a version whose schema cannot be upgraded."""

    def __init__(self, archive: str) -> None:
        super().__init__(
            f"{archive} was written by an earlier version of evnews: run `evnews export jsonl -o"
            " archive.jsonl` with that"
            " version, then `evnews import jsonl archive.jsonl` with this one into an empty home"
        )
