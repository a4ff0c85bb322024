"""Kinds of pages, the input of classification (`ExtractedPage`) and its result (`Verdict`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aggregator.extraction.classify.page_features import PageFeatures
from aggregator.extraction.html_metadata import HeadMetadata
from aggregator.extraction.jsonld import JsonLdArticle
from aggregator.extraction.metadata.titles import normalize_words
from storage.model.article import Refusal
from storage.model.page import Page


class PageKind(StrEnum):
    """Kinds of pages; the value is the code of the refusal."""

    ARTICLE = "article"
    STUB = "stub"
    LISTING = "listing"
    CONSENT = "consent"
    CHALLENGE = "challenge"
    LOGIN = "login"
    PAYWALL = "paywall"
    NOT_FOUND = "not-found"
    SHELL = "shell"
    ERROR = "error"
    STRANGER = "stranger"
    EMPTY = "empty"
    THIN = "thin"


WALL_KINDS = (
    PageKind.CHALLENGE,
    PageKind.ERROR,
    PageKind.NOT_FOUND,
    PageKind.CONSENT,
    PageKind.LOGIN,
    PageKind.SHELL,
)
"""Pages that sites serve in place of an article ("walls"), in the order in which they are recognised."""

_DESCRIPTIONS = {
    PageKind.LISTING: "a list of other pages",
    PageKind.CONSENT: "a consent wall",
    PageKind.CHALLENGE: "a bot challenge",
    PageKind.LOGIN: "a login page",
    PageKind.PAYWALL: "behind a paywall, without free text",
    PageKind.NOT_FOUND: "a not-found page",
    PageKind.SHELL: "an empty shell that needs JavaScript",
    PageKind.ERROR: "an error page",
    PageKind.STRANGER: "not the page that the index listed",
    PageKind.EMPTY: "no text on the page",
    PageKind.THIN: "too little text and no article markup",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractedPage:
    """Everything that was extracted from a page, before the decision what kind of page it is.

    `link_share` is the share of the text inside links (0 to 1), `block_count` the number of paragraphs and similar
    blocks. `truncation_reason` says why the text is only the beginning of an article, and is empty for a complete text.
    """

    page: Page
    head: HeadMetadata
    jsonld: JsonLdArticle
    features: PageFeatures
    text: str
    word_count: int
    link_share: float = 0.0
    block_count: int = 0
    truncation_reason: str = ""

    @property
    def is_declared_article(self) -> bool:
        """True if the page's markup declares an article."""
        return (
            self.jsonld.is_article
            or self.head.meta("og:type").lower() in ("article", "newsarticle", "blog")
            or bool(self.head.meta("article:published_time"))
        )

    @property
    def expected_title(self) -> str:
        """The title in the index that listed the page, or an empty string."""
        return self.page.lead.title if self.page.lead else ""

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles and headings of the page."""
        return tuple(filter(None, (self.head.title, self.head.meta("og:title"), *self.head.headings)))

    @property
    def has_expected_title(self) -> bool:
        """True if the page has the title that its index listed."""
        expected = normalize_words(self.expected_title)
        own = [normalize_words(title) for title in self.titles]
        return len(expected) > 3 and any(
            expected == title or (len(expected) > 15 and expected in title) for title in own
        )

    @property
    def word_count_evidence(self) -> str:
        """The number of words as evidence in words."""
        return f"{self.word_count} words of text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Kind of a page, and the evidence: one fact per string, in words."""

    kind: PageKind
    evidence: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The description and evidence on one line."""
        description = _DESCRIPTIONS.get(self.kind, str(self.kind))
        return f"{description}: {'; '.join(self.evidence)}" if self.evidence else description

    @property
    def refusal(self) -> Refusal | None:
        """The refusal of a page without an article; None for an article and for the free beginning of one."""
        if self.kind in (PageKind.ARTICLE, PageKind.STUB):
            return None
        return Refusal(code=self.kind.value, reason=self.reason)
