"""What a page is: every field from the most trusted witness that knows it, with that witness's name kept.

The order of trust, in one place (the title's: see `headlines`). Authors: JSON-LD, meta, the page's
byline, the feed, a byline in the text, at last the publisher itself. Published: JSON-LD, meta, marked
times, the feed, times in the text, the address, htmldate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from lxml.html import HtmlElement

from aggregator.extraction.html_metadata import Markup
from aggregator.extraction.jsonld import Declared, plain
from aggregator.extraction.metadata.authors import bylined, bylines, is_label, is_login, people, spells
from aggregator.extraction.metadata.dates import Moment
from aggregator.extraction.metadata.field_sources import Trust
from aggregator.extraction.metadata.publication_date import published
from aggregator.extraction.metadata.titles import headlines, key, title_of
from aggregator.extraction.urls import is_home, joined, registrable, same_site
from spiders.source import Hints
from storage.model.page import Page
from storage.text.clean import clean_line

_MODIFIED = (
    "article:modified_time",
    "article:modified:time",
    "og:updated_time",
    "datemodified",
    "dcterms.modified",
    "last-modified",
    "article:updated_time",
)
_AUTHORS = (
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
class Facts:
    """Everything about an article but its body; `head` is what the page's own head and headings say."""

    canonical_url: str = ""
    original_url: str = ""
    title: str = ""
    headlines: tuple[tuple[str, str], ...] = ()
    authors: tuple[str, ...] = ()
    published: Moment | None = None
    modified: datetime | None = None
    language: str = ""
    summary: str = ""
    image: str = ""
    site_name: str = ""
    tags: tuple[str, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()
    head: Markup = field(default_factory=Markup)


def gather(tree: HtmlElement, said: Declared, page: Page, hints: Hints) -> Facts:
    """The facts of a page, from its JSON-LD, its markup, its lead and, where these are silent, its text."""
    trust = Trust(tree, said, page, hints)
    signs = trust.head
    trust.site = trust.first(
        "site_name",
        ("meta", signs.meta("og:site_name", "application-name")[:200]),
        ("json-ld", said.site),
        ("hint", hints.site_name),
        ("url", registrable(trust.host)),
    )
    title = title_of(trust)
    modified = next(filter(None, (trust.moment(value) for value in (said.modified, signs.meta(*_MODIFIED)))), None)
    return Facts(
        canonical_url=_canonical(trust),
        original_url=_original(trust),
        title=title,
        headlines=headlines(trust),
        authors=_authors(trust, title),
        published=published(trust),
        modified=modified.at if modified else trust.lead.updated,
        language=signs.language or said.language or signs.meta("og:locale", "content-language", "language"),
        summary=_summary(trust),
        image=_image(trust),
        site_name=trust.site,
        tags=_tags(trust),
        origins=tuple(trust.origins.items()),
        head=signs,
    )


def _authors(trust: Trust, title: str) -> tuple[str, ...]:
    said, signs = trust.said, trust.head
    login: tuple[str, ...] = ()
    for origin, values in _author_witnesses(trust):
        found = people(values, site=trust.site, title=title, host=trust.host)
        if login and not any(spells(login[0], name) for name in found):
            continue
        if found:
            trust.origins["authors"] = origin
            if not is_login(found):
                return found
            login = found
    if login:
        return login
    found = people(bylined(trust.tree), site=trust.site, title=title, host=trust.host)
    if found:
        trust.origins["authors"] = "html"
        return found
    publishers = [
        *said.organisations,
        *said.people,
        *(value for value in signs.metas.get("author", ()) if key(value) == key(trust.site)),
        *(value for rank, value in trust.signs.bylines if rank < 3 and key(value) == key(trust.site)),
    ]
    named = tuple(
        dict.fromkeys(
            clean_line(name, 80) for name in publishers if len(key(name)) > 2 and "://" not in name and "@" not in name
        )
    )[:3]
    if named:
        trust.origins["authors"] = "publisher"
    return named


def _author_witnesses(trust: Trust) -> Iterator[tuple[str, list[str]]]:
    yield "json-ld", list(trust.said.people)
    for name in _AUTHORS:
        yield (
            "meta",
            [value for value in trust.head.metas.get(name, ()) if "://" not in value and not value.startswith("@")],
        )
    yield "meta", _labelled(trust)
    for rank in range(4):
        marked = (text for at, text in trust.signs.bylines if at == rank)
        yield "html", bylines(marked, every=rank < 2, alone=rank < 3)
    yield "lead", list(trust.lead.authors)


def _labelled(trust: Trust) -> list[str]:
    """What stands beside a label such as "Written by" in the metas of a Twitter card."""
    signs = trust.head
    pairs = [(signs.meta(f"twitter:label{n}"), signs.meta(f"twitter:data{n}")) for n in (1, 2)]
    return [value for label, value in pairs if value and is_label(label)]


def _canonical(trust: Trust) -> str:
    url = trust.page.url
    for origin, link in (
        ("html", trust.head.canonical),
        ("meta", trust.head.meta("og:url")),
        ("json-ld", trust.said.url),
    ):
        address = joined(url, link)
        if address and same_site(address, url) and (not is_home(address) or is_home(url)):
            trust.origins["canonical_url"] = origin
            return address
    return ""


def _original(trust: Trust) -> str:
    """The page of another site that this one declares to be the canonical one, as who reprints an article should."""
    url = trust.page.url
    address = joined(url, trust.head.canonical)
    return "" if not address or same_site(address, url) or is_home(address) else address


def _summary(trust: Trust) -> str:
    said, signs = trust.said, trust.head
    value = trust.first(
        "summary",
        ("meta", signs.meta("og:description")),
        ("meta", signs.meta("description", "twitter:description")),
        ("json-ld", said.summary),
        ("lead", trust.lead.summary),
    )
    return plain(value, 2000)


def _image(trust: Trust) -> str:
    said, signs, url = trust.said, trust.head, trust.page.url
    return trust.first(
        "image",
        (
            "meta",
            joined(
                url, signs.meta("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src")
            ),
        ),
        ("json-ld", joined(url, said.image)),
        ("html", joined(url, signs.image)),
        ("lead", joined(url, trust.lead.image)),
    )


def _tags(trust: Trust) -> tuple[str, ...]:
    listed = trust.head.metas.get("article:tag", ())
    spoken = tuple(
        part.strip()
        for value in trust.head.metas.get("news_keywords", trust.head.metas.get("keywords", ()))[:1]
        for part in value.split(",")
    )
    for origin, tags in (("json-ld", trust.said.tags), ("meta", listed), ("meta", spoken), ("lead", trust.lead.tags)):
        kept = tuple(dict.fromkeys(clean_line(tag, 80) for tag in tags if tag.strip()))[:30]
        if kept:
            trust.origins["tags"] = origin
            return kept
    return ()
