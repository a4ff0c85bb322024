"""Values of a search: query, results, counts, timeline and facets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from storage.model.article import KeptArticle

MAX_ID = 2**63 - 1
"""Largest id of a row in both databases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A found article with a snippet of the matching text, in which U+E000 and U+E001 mark the matches.

    `copy_sources` are the sources of its copies if copies are collapsed. If only a past revision matches,
    `revision_number` is its number, and it was shown from `since` to `until`.
    """

    article: KeptArticle
    snippet: str
    copy_sources: tuple[str, ...] = ()
    revision_number: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search: words and filters. Times are aware, `until` is exclusive, and an article must have all `topics`.

    `words` follow the search grammar; an order in them takes precedence over `order` ("new", "old", "best" or
    "changed"). `cursor` is the end of the previous page of results. With `collapse`, copies are left out if their
    original matches.
    """

    words: str = ""
    topics: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = 20
    order: str = "new"
    cursor: str = ""
    collapse: bool = False
    muted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResults:
    """A page of results; `cursor` continues with the next page and is empty after the last.

    If the time limit ended the search, `is_complete` is False and `scanned_until` is the time back to which articles
    were examined. `notes` say which of the words were not understood.
    """

    hits: tuple[SearchHit, ...] = ()
    cursor: str = ""
    is_complete: bool = True
    scanned_until: datetime | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCount:
    """Number of matching articles; a lower bound if it is not `is_exact`."""

    number: int
    is_exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Number of articles per day, week or month, by its first day, oldest first; periods without articles are left out.

    If the time limit ended the search, the oldest are missing: articles were examined back to `scanned_until`.
    """

    unit: str
    points: tuple[tuple[date, int], ...]
    is_complete: bool
    scanned_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """Sources, languages and topics of what was found, most first, counted in a sample spread over its time."""

    sampled: int
    sources: tuple[tuple[str, int], ...]
    languages: tuple[tuple[str, int], ...]
    topics: tuple[tuple[str, int], ...]
