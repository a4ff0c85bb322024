"""Lease ownership by lock file: each process has a token, and holds its lock file as long as it is alive."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path


class LeaseOwner:
    """Token of this process in leases, with a lock file that the system unlocks when the process ends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.token = f"{os.getpid()}-{secrets.token_hex(6)}"
        self._path = folder / f"{self.token}.lock"
        unlocked = folder / f"{self.token}.new"
        self._file = os.open(unlocked, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o644)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        unlocked.rename(self._path)  # other processes never see the file unlocked

    def close(self) -> None:
        """Delete the lock file. The process must hold no lease any more."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)

    def abandon(self) -> None:
        """Unlock the file and keep it, as a killed process does: the next start releases the remaining leases."""
        os.close(self._file)


def find_dead_owners(folder: Path) -> list[tuple[str, Path]]:
    """Return (token, lock file) of each process that ended without `LeaseOwner.close`."""
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
    """Return the tokens of running processes."""
    dead = {token for token, _ in find_dead_owners(folder)}
    return {path.stem for path in folder.glob("*.lock")} - dead
