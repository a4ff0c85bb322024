"""What a page is: every field from the most trusted witness that knows it, with that witness's name kept."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from aggregator.intake import dates
from aggregator.intake.addresses import is_home, joined, registrable, same_site
from aggregator.intake.jsonld import Declared
from aggregator.intake.people import people
from aggregator.intake.titles import without_site
from aggregator.intake.tree import line_of
from spiders.source import Hints
from storage.page import Lead
from storage.text import clean_line

Metas = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything about an article but its body."""

    canonical_url: str
    title: str
    authors: tuple[str, ...]
    published: datetime | None
    published_date: str
    published_raw: str
    zone_known: bool
    modified: datetime | None
    language: str
    summary: str
    image: str
    site_name: str
    tags: tuple[str, ...]
    origins: tuple[tuple[str, str], ...]


def metas(tree: HtmlElement) -> Metas:
    """The values of meta elements by their lower-case name, property or itemprop."""
    found: Metas = defaultdict(list)
    for count, meta in enumerate(tree.iter("meta")):
        if count > 500:
            break
        content = meta.get("content")
        if content:
            for attribute in ("name", "property", "itemprop", "http-equiv"):
                name = meta.get(attribute)
                if name and len(name) < 80:
                    found[name.strip().lower()].append(clean_line(content, 4096))
    return found


def facts(tree: HtmlElement, said: Declared, lead: Lead | None, hints: Hints, url: str, latest: datetime) -> Facts:
    meta = metas(tree)
    origins: list[tuple[str, str]] = []

    def first(field: str, *witnesses: tuple[str, str]) -> str:
        for origin, value in witnesses:
            if value:
                origins.append((field, origin))
                return value
        return ""

    def m(*names: str) -> str:
        return next((meta[name][0] for name in names if name in meta), "")

    host = urlsplit(url).hostname or ""
    site = first("site_name", ("json-ld", said.site), ("meta", m("og:site_name", "application-name")), ("hint", hints.site_name), ("url", registrable(host)))
    h1 = next((line_of(e) for e in tree.iter("h1") if line_of(e)), "")
    head = next((line_of(e) for e in tree.iter("title")), "")
    title = first(
        "title",
        ("json-ld", without_site(said.headline, site, host)),
        ("meta", without_site(m("og:title", "twitter:title"), site, host)),
        ("lead", lead.title if lead else ""),
        ("html", h1),
        ("html", without_site(head, site, host)),
    )
    authors = people(said.people, site=site) or people(meta.get("author", []), site=site) or (lead.authors if lead else ())
    published = None
    for origin, value in (("json-ld", said.published), ("meta", m("article:published_time", "date", "pubdate", "datepublished"))):
        published = dates.read(value, zone=hints.timezone, latest=latest)
        if published:
            origins.append(("published", origin))
            break
    at, day, raw, known = (published.at, published.day, published.raw, published.zone_known) if published else (None, "", "", False)
    if at is None and lead and lead.published:
        at, day, raw, known = lead.published, lead.published.date().isoformat(), lead.published_raw, lead.zone_known
    modified = dates.read(said.modified or m("article:modified_time"), zone=hints.timezone, latest=latest)
    canonical = next((e.get("href", "") for e in tree.iter("link") if (e.get("rel") or "").lower() == "canonical"), "")
    canonical = joined(url, canonical)
    if not canonical or not same_site(canonical, url) or (is_home(canonical) and not is_home(url)):
        canonical = ""
    return Facts(
        canonical_url=canonical, title=clean_line(title), authors=authors, published=at, published_date=day, published_raw=raw, zone_known=known,
        modified=modified.at if modified else None, language=said.language or tree.get("lang", ""), summary=m("og:description", "description") or said.summary,
        image=joined(url, said.image or m("og:image")), site_name=site, tags=said.tags, origins=tuple(origins),
    )
