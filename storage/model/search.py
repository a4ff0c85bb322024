"""Query, Answer, Hit, Facets, Timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from storage.model.article import KeptArticle


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A found article with the passage that shows why: marks are U+E000 and U+E001.

    `also` are the sources of its copies, where those were collapsed under it. `number` is the revision that the
    passage is of, where it stood in one that is no longer shown, from `since` to `until`.
    """

    article: KeptArticle
    snippet: str
    copy_sources: tuple[str, ...] = ()
    revision_number: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a reader asked for: words and filters; times are aware, `until` exclusive, all `topics` are named.

    `words` are in the grammar of searches, and what they say of the order goes before `order` ("new", "old", "best"
    or "changed"). `cursor` is where the page before ended. With `collapse` a copy is not found beside its original.
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
    """A page of what was found; `cursor` asks for the next and is empty after the last.

    An answer that stopped because time was up is not `complete`: it looked no further than `reached`. `notes` say
    what of the words was not understood.
    """

    hits: tuple[SearchHit, ...] = ()
    cursor: str = ""
    is_complete: bool = True
    scanned_until: datetime | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCount:
    """How many articles were found; at least so many where that is not `exact`."""

    number: int
    is_exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """How many articles of each day, week or month, oldest first, by its first day; empty ones are left out.

    Where time was up the oldest are missing: what was looked at goes back to `reached`.
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
