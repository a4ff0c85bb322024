"""The options of a request, as texts, numbers, choices and times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.feeds.timestamps import parse_time
from storage.text.clean import clean

DEFAULT_ENTRIES, MAX_ENTRIES = 50, 200
MAX_QUERY_LENGTH = 1_000


class FeedNotFound(LookupError):
    """There is no feed at this path; the message says what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRequest:
    """A feed as it was asked for: `path` is `all`, `source/NAME`, `topic/NAME`, `search/NAME`, `query`, `changes`,
    `health` or `stories`; `words` are those of a query. With `full` entries have their texts. `order` is "arrival" or
    empty, for publication. `page` is the number of a page of its archive, from 1.
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
        """Whether it goes back to its first day in pages that stay: feeds with a name of articles do."""
        return self.path not in ("query", "changes", "stories", "health")


class InvalidParameter(ValueError):
    """An option that cannot be; the message says what can."""


@dataclass(frozen=True, slots=True)
class QueryParams:
    """The options of a request. What is no number, date or choice raises Wrong; numbers are clamped."""

    options: Mapping[str, str]
    path_id: int = 0

    def get_text(self, name: str, most: int = MAX_QUERY_LENGTH) -> str:
        """A text; empty where it is not given."""
        value = clean(self.options.get(name, "")).strip()
        if len(value) > most:
            raise InvalidParameter(f"{name} has at most {most} characters.")
        return value

    def get_number(self, name: str, default: int, most: int) -> int:
        """A number from 1 to `most`."""
        value = self.options.get(name, "")
        if not value:
            return default
        if not (value.isascii() and value.isdecimal()) or len(value) > 9:
            raise InvalidParameter(f"{name} is a number from 1 to {most}.")
        return min(max(int(value), 1), most)

    def get_choice(self, name: str, choices: Mapping[str, object] | tuple[str, ...]) -> str:
        """One of some words; the first where it is not given."""
        value = self.options.get(name, "") or next(iter(choices))
        if value not in choices:
            raise InvalidParameter(f"{name} is one of {', '.join(choices)}.")
        return value

    def is_on(self, name: str) -> bool:
        """Whether an option is 1 or true."""
        return self.options.get(name, "") in ("1", "true")

    def get_time(self, name: str, now: datetime) -> datetime | None:
        """A time; None where it is not given."""
        value = self.options.get(name, "")
        if not value:
            return None
        try:
            return parse_time(value, now)
        except ValueError:
            raise InvalidParameter(
                f"{name} is a date, 2026-01-31 or 2026-01-31T12:00:00Z, or a time ago: 12h, 7d."
            ) from None
