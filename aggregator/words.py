"""Spans and shares as people say them."""

from __future__ import annotations


def about(seconds: float) -> str:
    """A span in one unit, with no more digits than anybody needs: "40 min", "2.5 h", "3 d"."""
    for size, name, until in ((1.0, "s", 90.0), (60.0, "min", 90 * 60.0), (3600.0, "h", 36 * 3600.0)):
        if seconds < until:
            many = seconds / size
            return f"{round(many, 1 if size == 3600 or many < 10 else 0):g} {name}"
    return f"{round(seconds / 86_400, 1):g} d"


def percent(share: float) -> str:
    """A share of one, in whole percent."""
    return f"{share * 100:.0f} %"
