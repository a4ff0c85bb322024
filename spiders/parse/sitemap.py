"""Sitemaps to leads: an index names further sitemaps, a urlset or a text file names pages; pure and linear."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice

from lxml import etree

from spiders.parse.charset import decode
from spiders.parse.dates import newest_first, read_date
from spiders.parse.feed import MAX_CONSIDERED, read_feed
from spiders.parse.feed_entry import MAX_NAME, MAX_TAGS, MAX_TITLE, language_tag
from spiders.parse.html_text import plain
from spiders.parse.links import absolute
from spiders.parse.xml_names import key_of
from spiders.parse.xml_repair import Document, MarkupError, is_html, parse_xml, unzipped
from storage.model.page import ContentError, Index, Lead
from storage.text.clean import clean_line

MAX_CHILDREN = 100
"""How many sitemaps an index may name; the newest are taken."""

Facts = Mapping[str, str]
"""What one <url> or <sitemap> says, by key; the first of several wins."""

_LINE = re.compile(r"^[ \t]*(https?://\S+)", re.I | re.M)
_ROOTS = frozenset(("urlset", "sitemapindex"))
_FEEDS = frozenset(("rss", "feed", "atom:feed", "rdf"))
_GROUPS = frozenset(("news:news", "news:publication", "image:image"))
_DATED = frozenset(("lastmod", "news:publication_date"))


def read_sitemap(body: bytes, url: str, *, limit: int = 1000, now: datetime) -> Index:
    """The newest `limit` pages of a sitemap, or the newest of an index's children as `more`; never raises.

    A feed, which the protocol also allows as a sitemap, is read as one.
    """
    try:
        data = unzipped(body)
    except ContentError as error:
        return Index(kind="sitemap", problem=str(error))
    text = decode(data).lstrip("\ufeff\0 \t\r\n")
    if not text:
        return Index(kind="sitemap", problem="empty")
    if is_html(text):
        return Index(kind="sitemap", problem="an HTML page, not a sitemap")
    if "<" not in text[:4096] and _LINE.search(text):
        return _read_lines(text, limit)
    try:
        document = parse_xml(text, url)
    except MarkupError as error:
        return Index(kind="sitemap", problem=f"not a sitemap: {error}")
    root = next((one for one in document.root.iter(etree.Element) if key_of(str(one.tag)) in _ROOTS | _FEEDS), None)
    if root is None:
        name = key_of(str(document.root.tag)).lstrip("?:")[:40]
        return Index(kind="sitemap", problem=document.problem or f"XML, but not a sitemap: its root is <{name}>")
    if key_of(str(root.tag)) in _FEEDS:
        return read_feed(data, url, limit=limit, now=now)
    if key_of(str(root.tag)) == "sitemapindex":
        return _read_children(document, root, url, now)
    return _read_pages(document, root, url, limit, now)


def _read_lines(text: str, limit: int) -> Index:
    """A text sitemap: one absolute address a line."""
    lines = _LINE.findall(text)
    addresses = tuple(dict.fromkeys(filter(None, (absolute("", line) for line in lines[:limit]))))
    lost = len(lines[:limit]) - len(addresses)
    leads = tuple(Lead(url=address) for address in addresses)
    return Index(kind="sitemap", leads=leads, total=len(lines) - lost, notes=_lost(lost))


def _newest(root: etree._Element, name: str, limit: int, now: datetime) -> tuple[list[etree._Element], int]:
    """The newest entries of that name, and how many there are."""
    entries = list(islice(root.iterchildren(f"{{*}}{name}"), MAX_CONSIDERED))
    total = len(entries) if len(entries) < MAX_CONSIDERED else sum(1 for _ in root.iterchildren(f"{{*}}{name}"))
    order = newest_first([_moment(entry, now) for entry in entries])
    return [entries[place] for place in order[:limit]], total


def _moment(entry: etree._Element, now: datetime) -> datetime | None:
    """When a page appeared, for news sitemaps, or was last changed."""
    dates = {key: text for key, text in _said(entry, 1) if key in _DATED}
    stamp = read_date(dates.get("news:publication_date", ""), now) or read_date(dates.get("lastmod", ""), now)
    return stamp.at if stamp else None


def _said(entry: etree._Element, depth: int) -> Iterator[tuple[str, str]]:
    for child in entry.iterchildren(etree.Element):
        key = key_of(str(child.tag))
        if key in _GROUPS and depth < 4:
            yield from _said(child, depth + 1)
        elif child.text:
            yield key, child.text[:4096]


def _facts(entry: etree._Element) -> Facts:
    facts: dict[str, str] = {}
    for key, text in _said(entry, 1):
        if text.strip():
            facts.setdefault(key, text.strip())
    return facts


def _read_children(document: Document, root: etree._Element, url: str, now: datetime) -> Index:
    children, total = _newest(root, "sitemap", MAX_CHILDREN, now)
    addresses = (absolute(url, _facts(child).get("loc") or child.text or "") for child in children)
    more = tuple(dict.fromkeys(address for address in addresses if address and address != url))
    notes = (f"names {total} sitemaps, the newest {len(children)} are taken",) if total > len(children) else ()
    return Index(kind="sitemap", more=more, problem=document.problem, notes=document.notes + notes)


def _read_pages(document: Document, root: etree._Element, url: str, limit: int, now: datetime) -> Index:
    pages, total = _newest(root, "url", limit, now)
    read = [_lead(_facts(page), url, now) for page in pages]
    leads = tuple({lead.url: lead for lead in reversed(read) if lead}.values())[::-1]
    lost = len(read) - len(leads)
    facts = _facts(pages[0]) if pages else {}
    return Index(
        kind="sitemap", title=plain(facts.get("news:name", ""), MAX_TITLE),
        language=language_tag(facts.get("news:language", "")), leads=leads, total=total - lost,
        problem=document.problem, notes=document.notes + _lost(lost),
    )  # fmt: skip


def _lost(count: int) -> tuple[str, ...]:
    return (f"entries that repeat an address or have none: {count}",) if count else ()


def _lead(facts: Facts, url: str, now: datetime) -> Lead | None:
    address = absolute(url, facts.get("loc", ""))
    if not address:
        return None
    raw = facts.get("news:publication_date", "")
    published, updated = read_date(raw, now), read_date(facts.get("lastmod", ""), now)
    tags = (plain(tag, MAX_NAME) for tag in facts.get("news:keywords", "").split(","))
    return Lead(
        url=address,
        title=plain(facts.get("news:title", ""), MAX_TITLE),
        published=published.at if published else None,
        published_raw=clean_line(raw, 200),
        zone_known=published.zone_known if published else True,
        updated=updated.at if updated else None,
        language=language_tag(facts.get("news:language", "")),
        image=absolute(url, facts.get("image:loc", "")),
        tags=tuple(dict.fromkeys(filter(None, tags)))[:MAX_TAGS],
    )
