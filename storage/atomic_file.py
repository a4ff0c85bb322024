"""Write files atomically and durably."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4


@contextmanager
def atomic_write(path: Path, new_mode: int = 0o666) -> Iterator[BinaryIO]:
    """Open a file that replaces `path` when the block ends without an exception; otherwise the old file stays.

    The file is synced to disk. Raises OSError, before the block where possible. An existing file keeps its mode; a new
    one gets `new_mode` less the umask. A device or a pipe is written directly.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    part = path.parent / f".evnews-{uuid4().hex}.part"
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else new_mode
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
            yield file
            file.flush()
            if path.exists():  # restores the bits that the umask removed
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise
    fsync_path(path.parent)


def fsync_path(path: Path) -> None:
    """Sync a file, or the directory entries of a folder, to disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
