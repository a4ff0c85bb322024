"""Collect garbage rarely while a short command runs: a tenth of its CPU time is spent on cycles made by imports."""

from __future__ import annotations

import gc

_OBJECTS = 200_000
_usual = gc.get_threshold()


def collect_rarely() -> None:
    """Let a command that ends soon allocate many objects between collections."""
    gc.set_threshold(_OBJECTS, *_usual[1:])


def collect_as_usual() -> None:
    """Restore Python's thresholds, for crawls and servers, whose memory must stay small."""
    gc.set_threshold(*_usual)
