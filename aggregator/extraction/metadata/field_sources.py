"""Hold the metadata sources of one page (JSON-LD, markup, lead, hints), and record which one each field came from."""

from __future__ import annotations

from functools import cached_property
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from aggregator.extraction import html_metadata
from aggregator.extraction.html_metadata import BodyMetadata
from aggregator.extraction.jsonld import JsonLdArticle
from aggregator.extraction.metadata import dates
from aggregator.extraction.metadata.dates import PageDate
from spiders.source import Hints
from storage.model.page import Lead, Page

_DAY_FIRST_HOSTS = (".uk", ".au", ".nz", ".ie", ".in", ".za")


class FieldSources:
    """The metadata sources of one page; `origins` maps each field to the source of its value."""

    def __init__(self, tree: HtmlElement, jsonld: JsonLdArticle, page: Page, hints: Hints) -> None:
        self.tree, self.jsonld, self.page, self.hints = tree, jsonld, page, hints
        self.head = html_metadata.read_head_metadata(tree)
        self.lead = page.lead or Lead(url="")
        self.host = urlsplit(page.url).hostname or ""
        self.origins: dict[str, str] = {}
        self.site_name = ""

    @cached_property
    def body(self) -> BodyMetadata:
        """Bylines and times in the body, read on first access: most pages do not need them."""
        return html_metadata.read_body_metadata(self.tree)

    def choose_first(self, field: str, *candidates: tuple[str, str]) -> str:
        """Return the first non-empty value of (origin, value) pairs, and record its origin."""
        for origin, value in candidates:
            if value:
                self.origins[field] = origin
                return value
        return ""

    def parse_date(self, value: str) -> PageDate | None:
        """Parse a date with the page's time zone and order of day and month; None for an invalid date."""
        if not value:
            return None
        return dates.parse_date(
            value, zone=self.hints.timezone, latest=self.page.fetched_at, day_first=self._is_day_first
        )

    @cached_property
    def _is_day_first(self) -> bool:
        """True if 03/04/2025 means the third of April, as on all pages but American ones."""
        language = (self.head.language or self.hints.language).lower()
        return not language.startswith("en-us") and (language not in ("en", "") or self.host.endswith(_DAY_FIRST_HOSTS))
