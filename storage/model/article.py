"""Values of articles: extracted, decided about, stored, and grouped into stories."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedText:
    """Title and text of an article prepared for the search index; `version` is that of the preparation."""

    version: int
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDigests:
    """Digests of an article's whole text, boilerplate included, by which snapshots are compared.

    `text` tells texts apart, `reading` texts with their titles and page data. `comparable` covers the wording only
    (no counters, no relative times), `comparable_page_data` the wording as the page's data has it. `blocks` holds one
    short digest for each block of the text.
    """

    text: str
    reading: str
    comparable: str
    comparable_page_data: str
    blocks: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """An article as extracted from a page.

    Times are aware and in UTC. `published_date` is the calendar day as the page prints it (ISO), `published_raw` the
    text that it was read from. `origins` holds (field, origin) pairs that say where a value came from: `json-ld`,
    `meta`, `lead`, `html`, `trafilatura`. `canonical_url` is the declared URL if it lies in the page's own registrable
    domain, else empty; `original_url` is one on another site. `html` is sanitised. `truncated` says that only the
    beginning is readable without paying. `credit` is the origin that the text names ("first published by ...", the
    mark of an agency), as printed.

    `removed_boilerplate` holds the paragraphs that were left out of text and html, each with its position among the
    page's paragraphs; `boilerplate_version` is the version of the known boilerplate that they were found with.
    `differs_in_page_data` holds the paragraphs that the page's data (JSON-LD, state of scripts) words differently from
    what is shown, each with its position; `in_page_data` the positions of all paragraphs that the data has.
    `headlines` are the titles in heading, meta elements, data and document title, as (place, text).

    Derived from the text for comparisons: `signature` (duplicates), `terms` (stories, packed by
    `storage.stories.packed_terms`), `topics`, `prepared_text` (search) and `text_digests` (revisions).
    """

    url: str
    canonical_url: str = ""
    title: str
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    published_date: str = ""
    published_raw: str = ""
    zone_known: bool = False
    modified: datetime | None = None
    language: str = ""
    summary: str = ""
    text: str
    html: str = ""
    image: str = ""
    site_name: str = ""
    tags: tuple[str, ...] = ()
    words: int = 0
    extractor: str = ""
    origins: tuple[tuple[str, str], ...] = ()
    original_url: str = ""
    credit: str = ""
    truncated: bool = False
    removed_boilerplate: tuple[tuple[int, str], ...] = ()
    boilerplate_version: int = 0
    differs_in_page_data: tuple[tuple[int, str], ...] = ()
    in_page_data: tuple[int, ...] = ()
    headlines: tuple[tuple[str, str], ...] = ()
    signature: bytes = b""
    terms: bytes = b""
    topics: tuple[Topic, ...] = ()
    prepared_text: PreparedText | None = field(default=None, compare=False, repr=False)
    text_digests: TextDigests | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic of the catalogue with the number of its mentions in a body and in a title."""

    name: str
    body_count: int = 0
    title_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Reason why a page is no article: a short stable `code`, and the `reason` in words."""

    code: str
    reason: str


class DecisionKind(StrEnum):
    """Kind of decision about an article that came in."""

    NEW = "new"
    SAME = "same"
    REVISED = "revised"
    COPY = "copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Decision about an article that came in, with the reason in words and the id of the stored article.

    `merged_ids` are the articles that proved to be this one and no longer exist. `has_new_shown_text` says that its
    shown title or text changed. `changed_digests` are the digests of the texts whose articles must be linked again.
    """

    kind: DecisionKind
    reason: str
    article_id: int
    merged_ids: tuple[int, ...] = ()
    has_new_shown_text: bool = False
    changed_digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionSummary:
    """A revision of an article without its text.

    `number` counts from 1. `kind` is the kind of edit since the previous revision (`storage.text.diff.EditKind`, empty
    for the first); `added` and `removed` are its characters without white space.
    """

    number: int
    fetched_at: datetime
    title: str
    digest: str
    kind: str = ""
    added: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision(RevisionSummary):
    """A revision with its text.

    `text` is the whole text of the page, boilerplate included; `text_in_page_data` is the same text as the page's data
    words it, or empty if that does not differ.
    """

    text: str
    text_in_page_data: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A revision in the list of changes, with the article that it belongs to."""

    article_id: int
    url: str
    source: str
    title: str
    revision: int
    kind: str
    at: datetime
    added: int
    removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCursor:
    """Position of a change in the list of all changes, which is ordered by time."""

    at: datetime
    article_id: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptArticle:
    """A stored article with its id, links, topics, story and revisions.

    `past_texts` are texts that it showed before, as (digest, text); they are loaded on request only.
    """

    id: int
    url: str
    canonical_url: str
    source: str
    title: str
    authors: tuple[str, ...]
    published: datetime | None
    published_date: str
    published_raw: str
    zone_known: bool
    updated: datetime | None
    language: str
    summary: str
    text: str
    html: str
    image: str
    site_name: str
    tags: tuple[str, ...]
    words: int
    first_seen: datetime
    revision: int
    copy_of: int | None
    truncated: bool = False
    withdrawn: datetime | None = None
    extractor: str = ""
    origins: tuple[tuple[str, str], ...] = ()
    aliases: tuple[str, ...] = ()
    reason: str = ""
    topics: tuple[str, ...] = ()
    original_url: str = ""
    credit: str = ""
    story: int | None = None
    revisions: tuple[RevisionSummary, ...] = ()
    past_texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryMember:
    """An article in a story; `at` is its publication time if `has_publication_time`, else that of the first fetch."""

    article_id: int
    url: str
    source: str
    title: str
    at: datetime
    has_publication_time: bool
    copy_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Articles about the same event, the earliest first; copies are counted with their originals.

    `title` is the title of the article that is most similar to all others.
    """

    id: int
    title: str
    first_at: datetime
    last_at: datetime
    source_count: int
    members: tuple[StoryMember, ...]
