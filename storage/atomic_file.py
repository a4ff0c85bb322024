"""Files that are on the disk when they are said to be: written whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4


@contextmanager
def atomic_write(path: Path, new_mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` when the block ends well; else the old one stays.

    It is on the disk when the block has ended. Raises OSError, at the start where it can be known. A file that was
    there keeps its mode, a new one has `new_mode`, less what the process's mask takes. What is not a regular file (a
    device, a pipe) is written as it is.
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
            if path.exists():  # whatever the mask took of it
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise
    fsync_path(path.parent)


def fsync_path(path: Path) -> None:
    """Return when a file's bytes, or a folder's names, are on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
