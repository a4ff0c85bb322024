"""Ages that articles may reach, as people write them: "90 days", "18 months", "5y", "forever"."""

from __future__ import annotations

import math
import re

FOREVER = math.inf
AGES = 'an age such as "90 days", "18 months" or "5y", or "forever"'
"""What may be written, in words."""
_AGE = re.compile(r"(\d{1,4}(?:\.\d{1,2})?)\s*(d|days?|w|weeks?|months?|y|years?)", re.IGNORECASE)
_DAY = 86_400.0
_UNITS = {"d": _DAY, "w": 7 * _DAY, "m": 365.25 / 12 * _DAY, "y": 365.25 * _DAY}


def age(value: object) -> float:
    """The seconds that an age takes, a day at least. Raises ValueError."""
    text = value.strip().lower() if isinstance(value, str) else ""
    if text == "forever":
        return FOREVER
    found = _AGE.fullmatch(text)
    seconds = float(found[1]) * _UNITS[found[2][0]] if found else 0.0
    if seconds < _DAY:
        raise ValueError(f"{AGES} is expected")
    return seconds
