"""Who holds leases: a token a process, alive as long as its lock file is held."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path


class LeaseOwner:
    """This process's name in leases; the lock dies with the process, however it dies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.token = f"{os.getpid()}-{secrets.token_hex(6)}"
        self._path = folder / f"{self.token}.lock"
        unlocked = folder / f"{self.token}.new"
        self._file = os.open(unlocked, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o644)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        unlocked.rename(self._path)  # only now can others see it, and never without its lock

    def close(self) -> None:
        """Leave; only once this process holds no lease any more."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)

    def abandon(self) -> None:
        """Leave as a dead process does: the next start gives back what is still leased."""
        os.close(self._file)


def find_dead_owners(folder: Path) -> list[tuple[str, Path]]:
    """The tokens of processes that died without leaving, with their lock files."""
    dead = []
    for path in sorted(folder.glob("*.lock")):
        try:
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            dead.append((path.stem, path))
        except BlockingIOError:
            pass
        finally:
            os.close(handle)
    return dead


def find_live_owners(folder: Path) -> set[str]:
    """The tokens of processes that are alive."""
    dead = {token for token, _ in find_dead_owners(folder)}
    return {path.stem for path in folder.glob("*.lock")} - dead
