"""What files say, read again when they were changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_Read = TypeVar("_Read")


def reread(path: Path, load: Callable[[], _Read]) -> Callable[[], _Read]:
    """What a file says, read again when it was changed."""
    held: list[tuple[tuple[int, int] | None, _Read]] = []

    def read() -> _Read:
        try:
            status = path.stat()
            mark = (status.st_mtime_ns, status.st_size)
        except OSError:
            mark = None
        if not held or held[0][0] != mark:
            held[:] = [(mark, load())]
        return held[0][1]

    return read
