"""How times, numbers, sizes and quotations are written where the archive speaks in sentences."""

from __future__ import annotations

from datetime import UTC, datetime

_MAX_QUOTE = 160


def format_time(at: datetime) -> str:
    """A time in a sentence: 2026-01-31 12:00:00 UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def format_count(number: int, noun: str) -> str:
    """A number of things: 1 source, 2 sources."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def format_times(number: int) -> str:
    """How often: once, twice, 3 times."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def format_size(count: float) -> str:
    """A number of bytes: 34 B, 5.2 KB."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def format_share(similarity: float) -> str:
    """A part of a whole: 92%, or all where it is all of it."""
    return "all" if similarity >= 1 else f"{min(similarity, 0.99):.0%}"


def format_quote(text: str) -> str:
    """A text in quotes, its end left off where it is long."""
    short = " ".join(text[: 4 * _MAX_QUOTE].split())
    return f'"{short}"' if len(short) <= _MAX_QUOTE else f'"{short[:_MAX_QUOTE].rstrip()} …"'


def format_duration(seconds: float) -> str:
    """A span in one unit, with no more digits than anybody needs: "40 min", "2.5 h", "3 d"."""
    for size, name, until in ((1.0, "s", 90.0), (60.0, "min", 90 * 60.0), (3600.0, "h", 36 * 3600.0)):
        if seconds < until:
            many = seconds / size
            return f"{round(many, 1 if size == 3600 or many < 10 else 0):g} {name}"
    return f"{round(seconds / 86_400, 1):g} d"


def format_percent(share: float) -> str:
    """A share of one, in whole percent."""
    return f"{share * 100:.0f} %"
