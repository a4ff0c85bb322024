"""Parse the parameters of requests: texts, numbers, choices and times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.feeds.timestamps import parse_time
from storage.model.search import MAX_ID
from storage.text.clean import clean
from storage.timestamps import from_microseconds, to_microseconds

DEFAULT_ENTRIES, MAX_ENTRIES = 50, 200
MAX_QUERY_LENGTH = 1_000


class FeedNotFound(LookupError):
    """Raised for a path without a feed; the message names what exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRequest:
    """A requested feed.

    `path` is `all`, `source/NAME`, `topic/NAME`, `search/NAME`, `query`, `changes`, `health` or `stories`; `query` are
    the words of a query. With `full` entries contain their texts. `order` is "arrival", or empty for the order of
    publication. `page` is the number of an archive page from 1, or 0 for the feed itself.
    """

    path: str
    format: str
    query: str = ""
    full: bool = False
    limit: int = DEFAULT_ENTRIES
    cursor: str = ""
    order: str = ""
    page: int = 0

    @property
    def is_archived(self) -> bool:
        """True if the feed has archive pages back to its first article, as named feeds of articles have."""
        return self.path not in ("query", "changes", "stories", "health")


def format_position(at: datetime, *numbers: int) -> str:
    """Return a position in a list as text that `parse_position` reads: a time and the numbers that break ties."""
    return ".".join(map(str, (to_microseconds(at), *numbers)))


def parse_position(pattern: re.Pattern[str], text: str) -> tuple[datetime, list[int]] | None:
    """Return the time and numbers of a position, or None for any other text.

    `pattern` has one group for the microseconds and one for each number.
    """
    match = pattern.fullmatch(text)
    if match is None:
        return None
    microseconds, *numbers = map(int, match.groups())
    at = from_microseconds(microseconds)
    return None if at is None or max(numbers) > MAX_ID else (at, numbers)


class InvalidParameter(ValueError):
    """Raised for an invalid parameter; the message names the valid values."""


@dataclass(frozen=True, slots=True)
class QueryParams:
    """The parameters of a request. Getters raise InvalidParameter; numbers are clamped."""

    options: Mapping[str, str]
    path_id: int = 0

    def get_text(self, name: str, most: int = MAX_QUERY_LENGTH) -> str:
        """Return a text of at most `most` characters; empty if it is missing."""
        value = clean(self.options.get(name, "")).strip()
        if len(value) > most:
            raise InvalidParameter(f"{name} can have at most {most} characters.")
        return value

    def get_number(self, name: str, default: int, most: int) -> int:
        """Return a number from 1 to `most`."""
        value = self.options.get(name, "")
        if not value:
            return default
        if not (value.isascii() and value.isdecimal()) or len(value) > 9:
            raise InvalidParameter(f"{name} must be a number from 1 to {most}.")
        return min(max(int(value), 1), most)

    def get_choice(self, name: str, choices: Mapping[str, object] | tuple[str, ...]) -> str:
        """Return one of the choices; the first if it is missing."""
        value = self.options.get(name, "") or next(iter(choices))
        if value not in choices:
            raise InvalidParameter(f"{name} must be one of {', '.join(choices)}.")
        return value

    def is_on(self, name: str) -> bool:
        """Return whether a parameter is 1 or true."""
        return self.options.get(name, "") in ("1", "true")

    def get_time(self, name: str, now: datetime) -> datetime | None:
        """Return a time, or None if it is missing."""
        value = self.options.get(name, "")
        if not value:
            return None
        try:
            return parse_time(value, now)
        except ValueError:
            raise InvalidParameter(
                f"{name} must be a date (2026-01-31 or 2026-01-31T12:00:00Z) or an age (12h, 7d)."
            ) from None
