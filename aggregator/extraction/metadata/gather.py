"""Gather a page's metadata: each field comes from the most trusted source that has it, with the source recorded.

Order of trust (see `titles` for the title). Authors: JSON-LD, meta elements, the page's byline, the lead, a byline in
the text, the publisher. Publication date: JSON-LD, meta elements, time elements, the lead, times in the text, the URL,
htmldate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from lxml.html import HtmlElement

from aggregator.extraction.html_metadata import HeadMetadata
from aggregator.extraction.jsonld import JsonLdArticle, clean_markup_line
from aggregator.extraction.metadata.authors import (
    find_byline_names,
    is_byline_label,
    is_login_name,
    matches_login,
    parse_authors,
)
from aggregator.extraction.metadata.chinese_bylines import find_chinese_byline
from aggregator.extraction.metadata.dates import PageDate
from aggregator.extraction.metadata.field_sources import FieldSources
from aggregator.extraction.metadata.publication_date import choose_publication_date
from aggregator.extraction.metadata.titles import choose_title, collect_headlines, normalize_words
from aggregator.extraction.urls import is_front_page, is_same_site, join_url, registrable_domain
from spiders.source import Hints
from storage.model.page import Page
from storage.text.clean import clean_line

_MODIFIED_METAS = (
    "article:modified_time",
    "article:modified:time",
    "og:updated_time",
    "datemodified",
    "dcterms.modified",
    "last-modified",
    "article:updated_time",
)
_AUTHOR_METAS = (
    "author",
    "article:author_name",
    "sailthru.author",
    "parsely-author",
    "byl",
    "dc.creator",
    "dcterms.creator",
    "article:author",
    "cxenseparse:author",
    "dc.creator.name",
    "creator",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMetadata:
    """Everything about an article except its body; `head` is the content of the page's head and headings."""

    canonical_url: str = ""
    original_url: str = ""
    title: str = ""
    headlines: tuple[tuple[str, str], ...] = ()
    authors: tuple[str, ...] = ()
    published: PageDate | None = None
    modified: datetime | None = None
    language: str = ""
    summary: str = ""
    image: str = ""
    site_name: str = ""
    tags: tuple[str, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()
    head: HeadMetadata = field(default_factory=HeadMetadata)


def gather_metadata(tree: HtmlElement, jsonld: JsonLdArticle, page: Page, hints: Hints) -> PageMetadata:
    """Gather the metadata of a page from its JSON-LD, its markup, its lead and, if these lack it, its text."""
    sources = FieldSources(tree, jsonld, page, hints)
    head = sources.head
    sources.site_name = sources.choose_first(
        "site_name",
        ("meta", head.meta("og:site_name", "application-name")[:200]),
        ("json-ld", jsonld.site),
        ("hint", hints.site_name),
        ("url", registrable_domain(sources.host)),
    )
    title = choose_title(sources)
    modified = next(
        filter(None, (sources.parse_date(value) for value in (jsonld.modified, head.meta(*_MODIFIED_METAS)))), None
    )
    return PageMetadata(
        canonical_url=_choose_canonical_url(sources),
        original_url=_find_original_url(sources),
        title=title,
        headlines=collect_headlines(sources),
        authors=_choose_authors(sources, title),
        published=choose_publication_date(sources),
        modified=modified.at if modified else sources.lead.updated,
        language=head.language or jsonld.language or head.meta("og:locale", "content-language", "language"),
        summary=_choose_summary(sources),
        image=_choose_image(sources),
        site_name=sources.site_name,
        tags=_choose_tags(sources),
        origins=tuple(sources.origins.items()),
        head=head,
    )


def _choose_authors(sources: FieldSources, title: str) -> tuple[str, ...]:
    jsonld, head = sources.jsonld, sources.head
    login: tuple[str, ...] = ()
    for origin, values in _list_author_candidates(sources):
        names = parse_authors(values, site=sources.site_name, title=title, host=sources.host)
        if login and not any(matches_login(login[0], name) for name in names):
            continue
        if names:
            sources.origins["authors"] = origin
            if not is_login_name(names):
                return names
            login = names
    if login:
        return login
    names = parse_authors(find_chinese_byline(sources.tree), site=sources.site_name, title=title, host=sources.host)
    if names:
        sources.origins["authors"] = "html"
        return names
    publishers = [
        *jsonld.organisation_authors,
        *jsonld.person_authors,
        *(
            value
            for value in head.metas.get("author", ())
            if normalize_words(value) == normalize_words(sources.site_name)
        ),
        *(
            value
            for rank, value in sources.body.bylines
            if rank < 3 and normalize_words(value) == normalize_words(sources.site_name)
        ),
    ]
    publisher_names = tuple(
        dict.fromkeys(
            clean_line(name, 80)
            for name in publishers
            if len(normalize_words(name)) > 2 and "://" not in name and "@" not in name
        )
    )[:3]
    if publisher_names:
        sources.origins["authors"] = "publisher"
    return publisher_names


def _list_author_candidates(sources: FieldSources) -> Iterator[tuple[str, list[str]]]:
    yield "json-ld", list(sources.jsonld.person_authors)
    for name in _AUTHOR_METAS:
        yield (
            "meta",
            [value for value in sources.head.metas.get(name, ()) if "://" not in value and not value.startswith("@")],
        )
    yield "meta", _read_twitter_authors(sources)
    for rank in range(4):
        bylines = (text for byline_rank, text in sources.body.bylines if byline_rank == rank)
        yield "html", find_byline_names(bylines, take_all=rank < 2, allow_single_word=rank < 3)
    yield "lead", list(sources.lead.authors)


def _read_twitter_authors(sources: FieldSources) -> list[str]:
    """Return the values behind a label such as "Written by" in the meta elements of a Twitter card."""
    head = sources.head
    pairs = [(head.meta(f"twitter:label{n}"), head.meta(f"twitter:data{n}")) for n in (1, 2)]
    return [value for label, value in pairs if value and is_byline_label(label)]


def _choose_canonical_url(sources: FieldSources) -> str:
    url = sources.page.url
    for origin, link in (
        ("html", sources.head.canonical),
        ("meta", sources.head.meta("og:url")),
        ("json-ld", sources.jsonld.url),
    ):
        address = join_url(url, link)
        if address and is_same_site(address, url) and (not is_front_page(address) or is_front_page(url)):
            sources.origins["canonical_url"] = origin
            return address
    return ""


def _find_original_url(sources: FieldSources) -> str:
    """Return the canonical URL on another site, which republished articles should declare; else an empty string."""
    url = sources.page.url
    address = join_url(url, sources.head.canonical)
    return "" if not address or is_same_site(address, url) or is_front_page(address) else address


def _choose_summary(sources: FieldSources) -> str:
    jsonld, head = sources.jsonld, sources.head
    value = sources.choose_first(
        "summary",
        ("meta", head.meta("og:description")),
        ("meta", head.meta("description", "twitter:description")),
        ("json-ld", jsonld.summary),
        ("lead", sources.lead.summary),
    )
    return clean_markup_line(value, 2000)


def _choose_image(sources: FieldSources) -> str:
    jsonld, head, url = sources.jsonld, sources.head, sources.page.url
    return sources.choose_first(
        "image",
        (
            "meta",
            join_url(
                url, head.meta("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src")
            ),
        ),
        ("json-ld", join_url(url, jsonld.image)),
        ("html", join_url(url, head.image)),
        ("lead", join_url(url, sources.lead.image)),
    )


def _choose_tags(sources: FieldSources) -> tuple[str, ...]:
    listed = sources.head.metas.get("article:tag", ())
    keywords = tuple(
        part.strip()
        for value in sources.head.metas.get("news_keywords", sources.head.metas.get("keywords", ()))[:1]
        for part in value.split(",")
    )
    for origin, tags in (
        ("json-ld", sources.jsonld.tags),
        ("meta", listed),
        ("meta", keywords),
        ("lead", sources.lead.tags),
    ):
        kept = tuple(dict.fromkeys(clean_line(tag, 80) for tag in tags if tag.strip()))[:30]
        if kept:
            sources.origins["tags"] = origin
            return kept
    return ()
