"""The nouns of what is kept: an Article, the Decision about it, and what the library hands out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedText:
    """An article's title and text as the search index takes them, by a version of their preparation."""

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
    """What extraction made of a Page: a value, no id, no session, no row.

    Times are aware and in UTC. `published_date` is the calendar day as the page printed it
    (ISO), `published_raw` the text it was read from. `origins` tells for each field where its
    value came from, as (field, origin) pairs: `json-ld`, `meta`, `lead`, `html`, `trafilatura`.
    `canonical_url` is what the page declares, only where it lies in the page's own registrable
    domain, else empty. `html` is sanitised. `truncated` says that only the beginning of it may be
    read without paying. `dropped` are the paragraphs that were left out of text and html as the source's
    boilerplate, each with its place among the page's paragraphs, and `hints_version` the version of what
    was known of the source's boilerplate then.

    `variants` are paragraphs of the page that its own data (JSON-LD, the state of its scripts) has in
    other words than it shows, each with its place; `echoed` the places of all the paragraphs that its data has.
    `headlines` are what its heading, metas, data and tab call it, as (place, words).

    `original_url` is a canonical address that lies on another site; `credit` is whom the text names
    as its origin ("first published by ...", an agency's mark), as it is written there.

    What is made of the text beside it, for comparing: `signature` (near-duplicates), `terms` (stories,
    as `storage.stories.packed_terms` packs them), `topics`, `prepared` (search).
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
    """A topic of the catalogue that a text names: so often in its body, so often in its title."""

    name: str
    body_count: int = 0
    title_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a page did not become an article: a short stable `code`, and the reason in words."""

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
    """What is known of one state of an article at one time, less its text.

    `number` counts from 1, `title` is what its page is headed by, at any place.

    `kind` is the kind of edit that led to it from the one before (`storage.text.diff.EditKind`; empty for
    the first), `added` and `removed` are its characters, white space apart.
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
    """An edition with its text.

    `text` is the whole text of the page, boilerplate too; `stated` the same in the words of the page's own
    data, where these are others.
    """

    text: str
    text_in_page_data: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A revision as news: of which article, what kind of edit, when, how many characters."""

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
    """Where a change stands among all, in the order of their times."""

    at: datetime
    article_id: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptArticle:
    """An article as the library hands it out: the value, its id, and what the archive knows of it.

    `past` are the texts that it showed before, as (digest, text), where those are asked for.
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
    """An article in a story; `at` is when it was published (`dated`), or else first fetched."""

    article_id: int
    url: str
    source: str
    title: str
    at: datetime
    has_publication_time: bool
    copy_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Articles that tell the same news, who had it first first; copies are counted with their originals.

    `title` is that of the article which is most like all others.
    """

    id: int
    title: str
    first_at: datetime
    last_at: datetime
    source_count: int
    members: tuple[StoryMember, ...]
