"""Publishing profile of an index: how often, at which hours and on which days it lists something new."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

HOURS, WEEKDAYS = 24, 7


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishingProfile:
    """Counts of new entries that decay over time, as of `at`. All times are POSIX seconds; `first_at` is the start.

    `entries` is the number of new entries in `days` of observation; `hours` and `weekdays` divide it by UTC hour and
    weekday (Monday first). `lately` is the number of the last hours and `expected` the number expected for them.
    `window` is the number of entries that the index holds at once. `named` and `new` are the numbers of listed and of
    unknown entries in about the last dozen polls, `latest` is the number of new entries in the last poll, and
    `newest_at` the publication time of the newest entry.
    """

    first_at: float
    at: float
    days: float = 0.0
    entries: float = 0.0
    hours: tuple[float, ...] = (0.0,) * HOURS
    weekdays: tuple[float, ...] = (0.0,) * WEEKDAYS
    lately: float = 0.0
    expected: float = 0.0
    window: int = 0
    named: float = 0.0
    new: float = 0.0
    newest_at: float = 0.0
    latest: int = 0

    def to_json(self) -> str:
        """Return the profile as JSON with rounded numbers."""
        return json.dumps({name: _rounded(value) for name, value in asdict(self).items()}, separators=(",", ":"))


def parse_profile(text: str) -> PublishingProfile | None:
    """Return the profile that `to_json` wrote, or None if the text is invalid."""
    try:
        values = json.loads(text)
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
            if name in _FIELD_NAMES
        }
        profile = PublishingProfile(**known)
    except (ValueError, TypeError, AttributeError):
        return None
    return profile if len(profile.hours) == HOURS and len(profile.weekdays) == WEEKDAYS else None


def _rounded(value: float | int | tuple[float, ...]) -> object:
    if isinstance(value, (tuple, list)):
        return [_rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


_FIELD_NAMES = frozenset(field.name for field in fields(PublishingProfile))
