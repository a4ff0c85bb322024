"""A feed as it is asked for, by its path and options."""

from __future__ import annotations

from dataclasses import dataclass

ENTRIES, MOST_ENTRIES = 50, 200
LONGEST_QUERY = 1_000


class NoFeed(LookupError):
    """There is no feed at this path; the message says what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAsked:
    """A feed as it was asked for: `path` is `all`, `source/NAME`, `topic/NAME`, `search/NAME`, `query`, `changes`,
    `health` or `stories`; `words` are those of a query. With `full` entries have their texts. `order` is "arrival" or
    empty, for publication. `page` is the number of a page of its archive, from 1.
    """

    path: str
    form: str
    words: str = ""
    full: bool = False
    limit: int = ENTRIES
    cursor: str = ""
    order: str = ""
    page: int = 0

    @property
    def is_archived(self) -> bool:
        """Whether it goes back to its first day in pages that stay: feeds with a name of articles do."""
        return self.path not in ("query", "changes", "stories", "health")
