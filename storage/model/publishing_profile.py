"""A Rhythm: what was learned of how often, at what hours and on what days an index names something new."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

HOURS, WEEKDAYS = 24, 7


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishingProfile:
    """Counts that fade with time, as of `at` (POSIX seconds, as are `first_at`, when learning began, and `newest_at`).

    `entries` came in `days` of watching; `hours` and `weekdays` tell them apart by their UTC hour and weekday (Monday
    first). `lately` is what came in the last hours and `expected` what should have. `window` is how many entries the
    index holds at once. `named` and `new` are what the last dozen polls named, and how much of that was not known;
    `latest` is how many the very last one brought, `newest_at` when the newest of all was published.
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
        """As text for a column."""
        return json.dumps({name: _rounded(value) for name, value in asdict(self).items()}, separators=(",", ":"))


def parse_profile(text: str) -> PublishingProfile | None:
    """What `packed` wrote, or None where it says nothing that can be used."""
    try:
        read = json.loads(text)
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in read.items()
            if name in _FIELD_NAMES
        }
        rhythm = PublishingProfile(**known)
    except (ValueError, TypeError, AttributeError):
        return None
    return rhythm if len(rhythm.hours) == HOURS and len(rhythm.weekdays) == WEEKDAYS else None


def _rounded(value: float | int | tuple[float, ...]) -> object:
    """Numbers with as many digits as they are worth."""
    if isinstance(value, (tuple, list)):
        return [_rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


_FIELD_NAMES = frozenset(field.name for field in fields(PublishingProfile))
