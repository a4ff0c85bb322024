"""How every record and feed of ours spells a time: UTC to the second, 2026-01-31T12:00:00Z."""

from __future__ import annotations

from datetime import UTC, datetime


def spelled(at: datetime) -> str:
    """An aware time."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
