"""Parse quantities from settings: an age ("18 months", "5y"), a size ("200 GB"), or no limit."""

from __future__ import annotations

import math
import re

FOREVER = UNLIMITED = math.inf
AGE_FORMAT = 'an age such as "90 days", "18 months" or "5y", or "forever"'
SIZE_FORMAT = 'true, false or a size such as "200 GB"'
"""Descriptions of the accepted forms, for error messages."""
_AGE = re.compile(r"(\d{1,4}(?:\.\d{1,2})?)\s*(d|days?|w|weeks?|months?|y|years?)", re.IGNORECASE)
_DAY = 86_400.0
_DAYS = {"d": _DAY, "w": 7 * _DAY, "m": 365.25 / 12 * _DAY, "y": 365.25 * _DAY}
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([MGT]B)", re.IGNORECASE)
_BYTES = {"MB": 1e6, "GB": 1e9, "TB": 1e12}


def parse_age(value: object) -> float:
    """Return an age in seconds, at least one day; infinite for "forever". Raises ValueError."""
    text = value.strip().lower() if isinstance(value, str) else ""
    if text == "forever":
        return FOREVER
    match = _AGE.fullmatch(text)
    seconds = float(match[1]) * _DAYS[match[2][0]] if match else 0.0
    if seconds < _DAY:
        raise ValueError(f"{AGE_FORMAT} is expected")
    return seconds


def parse_size(value: object) -> float:
    """Return a size in bytes; infinite for true, 0 for false. Raises ValueError."""
    if isinstance(value, bool):
        return UNLIMITED if value else 0.0
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or not float(match[1]):
        raise ValueError(f"{SIZE_FORMAT} is expected")
    return float(match[1]) * _BYTES[match[2].upper()]
