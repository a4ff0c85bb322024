"""The nouns of an account: all that the archive knows of an article or an address, as the facts that its words rest on.

Values only: they are gathered in `storage.provenance.gather` and put into words above.
"""

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
    """A lead: that a source's index named an address, what it last said of it, and how the lead stands.

    `indexes` were being read when the lead was written down, and named something new: one of them named it.
    `attempts` counts the failures since it was last taken up; `again` how often it was taken up once more
    because its index moved its date. `next_poll_at` is when the source is due; `parked_until` and
    `parked_reason` tell of the address's host, where it asked to be left alone.
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
    """What the tape says of a fetch: the body's bytes as sent, whether it was asked conditionally, where it led.

    `trouble` says in words why the tape does not give it.
    """

    size: int | None = None
    is_conditional: bool | None = None
    location: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One exchange with a server, and what it came to.

    `status` is 0 where it is not known, since the page was not kept. A fetch that gave a text has the
    `sighting` that it left; one that asked again for a kept article and gave none has the look's `outcome`
    (`storage.model.crawl.CheckResult`), and `is_sure`. `verdict` and `reason` are those of the captured page.
    `revision_number` is the number of the revision that it began.
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
    """A text of an article: what its page called its canonical address, and whether it bore an index's id."""

    text_id: int
    title: str
    text_digest: str
    canonical: tuple[tuple[str, str], ...] = ()
    has_index_id: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedBoilerplate:
    """Paragraphs that are no part of the shown text, as boilerplate of `source`, by a version of what was learned."""

    source: str
    version: int
    learned_at: datetime | None
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedArticle:
    """Another article that tells the same text, or was measured to be like it; `kind` is same, near or part.

    `similarity` is the share of the shorter text that stands in the other. `told_at` is when it was published, or
    else first fetched.
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
    """A paragraph that came or went on many pages of a source at once, on this article's too: no edit."""

    source: str
    text: str
    held_at: datetime
    articles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """All that is known of what was `asked` for: a kept article, or an address that never became one.

    Without an article, only `namings`, `fetches` and `claimed_by` can hold something: the last are articles whose
    pages call the address their canonical one. `moved_from` is the number that was asked for, where the article
    with that number proved to be this one. `tellers` are the articles of its story, the newest 100, and `frequencies`
    what their words weigh. `fetches` are in the order of time, and so are the rest.
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
        """Whether the archive has anything to say of it."""
        return bool(self.article or self.discoveries or self.fetches or self.claimed_by)
