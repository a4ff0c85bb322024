"""Provenance of an article or a URL: values collected by `storage.provenance.gather`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.articles.derive import Alias, Snapshot
from storage.model.article import KeptArticle, Story, Topic
from storage.model.crawl import Capture, LeadState
from storage.stories.membership import StoryArticle
from storage.stories.term_frequencies import TermFrequencies


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadDiscovery:
    """A lead: a URL that a source's index listed, what the index said about it, and its state.

    `indexes` are the indexes in whose polls the lead was recorded: one of them listed the URL. `attempts` counts
    failures since the lead was last opened, `renewals` how often it was reopened because its index changed its date.
    `next_poll_at` is when the source is due; `parked_until` and `parked_reason` are set if the URL's host is parked.
    """

    source: str
    url: str
    url_digest: str
    title: str = ""
    published: datetime | None = None
    id: str = ""
    recorded_at: datetime
    indexes: tuple[str, ...] = ()
    state: LeadState
    reason: str = ""
    attempts: int = 0
    due_at: datetime | None = None
    ended_at: datetime | None = None
    renewals: int = 0
    next_poll_at: datetime | None = None
    parked_until: datetime | None = None
    parked_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedExchange:
    """Details of a fetch from its WARC records: size of the body in bytes as sent, conditional request, redirect.

    `error` says why the records cannot be read.
    """

    size: int | None = None
    is_conditional: bool | None = None
    location: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """An HTTP exchange and its outcome.

    `status` is 0 if it is unknown because the page was not captured. A fetch that gave a text has a `snapshot`; a
    revisit that gave none has the check's `outcome` (`storage.model.crawl.CheckResult`) and `is_certain`. `verdict` and
    `reason` belong to the capture. `revision_number` is the number of the revision that this fetch began.
    """

    at: datetime
    url: str
    status: int = 0
    source: str = ""
    verdict: str = ""
    reason: str = ""
    capture: Capture | None = None
    exchange: ArchivedExchange | None = None
    snapshot: Snapshot | None = None
    alias_id: int = 0
    outcome: str = ""
    is_certain: bool = False
    revision_number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextClaims:
    """A text of an article: the canonical URLs that its page declared, and whether an index gave its id."""

    text_id: int
    title: str
    text_digest: str
    canonical: tuple[tuple[str, str], ...] = ()
    has_index_id: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedBoilerplate:
    """Paragraphs removed from the current text as boilerplate of `source`, and the version of the boilerplate."""

    source: str
    version: int
    learned_at: datetime | None
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedArticle:
    """An article with the same or a similar text; `kind` is same, near or part.

    `similarity` is the share of the shorter text that occurs in the longer one. `published_or_seen_at` is the
    publication time, or the time of the first fetch if that is unknown.
    """

    id: int
    url: str
    source: str
    title: str
    copy_of: int | None
    reason: str
    published: datetime | None
    published_or_seen_at: datetime
    similarity: float | None
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBlock:
    """A paragraph that changed on many pages of a source at once, including this article's, and so is not an edit."""

    source: str
    text: str
    held_at: datetime
    articles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Everything known about `requested`: an article, or a URL that never became one.

    Without an article, only `discoveries`, `fetches` and `claimed_by` are set; the last lists articles whose pages
    declare the URL as canonical. `moved_from` is the requested id if that article was merged into this one.
    `story_members` are the newest articles of its story, and `term_frequencies` weight their words. All tuples are in
    the order of time.
    """

    requested: str
    article: KeptArticle | None = None
    moved_from: int | None = None
    published_or_seen_at: datetime | None = None
    discoveries: tuple[LeadDiscovery, ...] = ()
    fetches: tuple[Fetch, ...] = ()
    claimed_by: tuple[int, ...] = ()
    aliases: tuple[Alias, ...] = ()
    shown_alias_id: int = 0
    declared_digests: frozenset[str] = frozenset()
    text_claims: tuple[TextClaims, ...] = ()
    merged_ids: tuple[int, ...] = ()
    boilerplate: RemovedBoilerplate | None = None
    related_articles: tuple[RelatedArticle, ...] = ()
    story: Story | None = None
    story_members: tuple[StoryArticle, ...] = ()
    term_frequencies: TermFrequencies | None = None
    held_blocks: tuple[HeldBlock, ...] = ()
    topics: tuple[Topic, ...] = ()
    catalogue_digest: str = ""

    @property
    def is_known(self) -> bool:
        """Return whether anything is known about what was requested."""
        return bool(self.article or self.discoveries or self.fetches or self.claimed_by)
