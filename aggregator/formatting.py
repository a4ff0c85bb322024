"""Format counts, times, sizes, durations and percentages for people."""

from __future__ import annotations

from datetime import UTC, datetime

_MAX_QUOTE = 160


def format_time(at: datetime) -> str:
    """Return a time such as "2026-01-31 12:00:00 UTC"."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def format_minute(at: datetime) -> str:
    """Return a time without seconds, such as "2026-01-31 12:00 UTC"."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def format_count(number: int, noun: str) -> str:
    """Return a number with a noun, such as "1 source" or "2 sources"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def format_times(number: int) -> str:
    """Return "once", "twice" or a number such as "3 times"."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def format_size(count: float) -> str:
    """Return a number of bytes such as "34 B" or "5.2 KB"."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def format_share(similarity: float) -> str:
    """Return a share such as "92%", or "all" for 1; never 100% for less."""
    return "all" if similarity >= 1 else f"{min(similarity, 0.99):.0%}"


def format_quote(text: str) -> str:
    """Return a text in quotes, cut if it is long."""
    short = " ".join(text[: 4 * _MAX_QUOTE].split())
    return f'"{short}"' if len(short) <= _MAX_QUOTE else f'"{short[:_MAX_QUOTE].rstrip()} …"'


def format_duration(seconds: float) -> str:
    """Return a duration in one unit, such as "40 min", "2.5 h" or "3 d"."""
    for size, name, until in ((1.0, "s", 90.0), (60.0, "min", 90 * 60.0), (3600.0, "h", 36 * 3600.0)):
        if seconds < until:
            amount = seconds / size
            return f"{round(amount, 1 if size == 3600 or amount < 10 else 0):g} {name}"
    return f"{round(seconds / 86_400, 1):g} d"


def format_percent(share: float) -> str:
    """Return a share in whole percent, such as "92 %"."""
    return f"{share * 100:.0f} %"
