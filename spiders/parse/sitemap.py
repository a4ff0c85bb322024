"""Parse sitemaps to leads, and sitemap indexes to the sitemaps they name; pure, in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice

from lxml import etree

from spiders.parse.charset import decode
from spiders.parse.dates import order_newest_first, parse_date
from spiders.parse.feed import MAX_CONSIDERED, read_feed
from spiders.parse.feed_entry import MAX_NAME, MAX_TAGS, MAX_TITLE, normalize_language
from spiders.parse.html_text import to_plain_text
from spiders.parse.links import resolve_url
from spiders.parse.xml_names import element_key
from spiders.parse.xml_repair import MarkupError, XmlDocument, gunzip, is_html, parse_xml
from storage.model.page import ContentError, Lead, ParsedIndex
from storage.text.clean import clean_line

MAX_CHILD_SITEMAPS = 100
"""Maximum number of sitemaps taken from an index, the newest ones."""

SitemapFields = Mapping[str, str]
"""Values of a <url> or <sitemap> element by key; the first of several wins."""

_URL_LINE = re.compile(r"^[ \t]*(https?://\S+)", re.I | re.M)
_SITEMAP_ROOTS = frozenset(("urlset", "sitemapindex"))
_FEED_ROOTS = frozenset(("rss", "feed", "atom:feed", "rdf"))
_GROUP_ELEMENTS = frozenset(("news:news", "news:publication", "image:image"))
_DATE_ELEMENTS = frozenset(("lastmod", "news:publication_date"))


def read_sitemap(body: bytes, url: str, *, limit: int = 1000, now: datetime) -> ParsedIndex:
    """Return the newest `limit` pages of a sitemap, or the newest sitemaps of an index in `child_urls`; never raises.

    A feed is parsed as such, since the protocol allows feeds as sitemaps.
    """
    try:
        data = gunzip(body)
    except ContentError as error:
        return ParsedIndex(kind="sitemap", problem=str(error))
    text = decode(data).lstrip("\ufeff\0 \t\r\n")
    if not text:
        return ParsedIndex(kind="sitemap", problem="empty")
    if is_html(text):
        return ParsedIndex(kind="sitemap", problem="an HTML page, not a sitemap")
    if "<" not in text[:4096] and _URL_LINE.search(text):
        return _read_lines(text, limit)
    try:
        document = parse_xml(text, url)
    except MarkupError as error:
        return ParsedIndex(kind="sitemap", problem=f"not a sitemap: {error}")
    root = next(
        (
            element
            for element in document.root.iter(etree.Element)
            if element_key(str(element.tag)) in _SITEMAP_ROOTS | _FEED_ROOTS
        ),
        None,
    )
    if root is None:
        name = element_key(str(document.root.tag)).lstrip("?:")[:40]
        return ParsedIndex(kind="sitemap", problem=document.problem or f"XML, but not a sitemap: its root is <{name}>")
    if element_key(str(root.tag)) in _FEED_ROOTS:
        return read_feed(data, url, limit=limit, now=now)
    if element_key(str(root.tag)) == "sitemapindex":
        return _read_children(document, root, url, now)
    return _read_pages(document, root, url, limit, now)


def _read_lines(text: str, limit: int) -> ParsedIndex:
    """Parse a text sitemap: one absolute URL per line."""
    lines = _URL_LINE.findall(text)
    addresses = tuple(dict.fromkeys(filter(None, (resolve_url("", line) for line in lines[:limit]))))
    skipped = len(lines[:limit]) - len(addresses)
    leads = tuple(Lead(url=address) for address in addresses)
    return ParsedIndex(kind="sitemap", leads=leads, total=len(lines) - skipped, notes=_note_skipped_entries(skipped))


def _select_newest(root: etree._Element, name: str, limit: int, now: datetime) -> tuple[list[etree._Element], int]:
    """Return the newest entries with a name, and their total number."""
    entries = list(islice(root.iterchildren(f"{{*}}{name}"), MAX_CONSIDERED))
    total = len(entries) if len(entries) < MAX_CONSIDERED else sum(1 for _ in root.iterchildren(f"{{*}}{name}"))
    order = order_newest_first([_find_page_time(entry, now) for entry in entries])
    return [entries[position] for position in order[:limit]], total


def _find_page_time(entry: etree._Element, now: datetime) -> datetime | None:
    """Return the publication time of a page (news sitemaps), or else its modification time."""
    dates = {key: text for key, text in _iter_fields(entry, 1) if key in _DATE_ELEMENTS}
    parsed = parse_date(dates.get("news:publication_date", ""), now) or parse_date(dates.get("lastmod", ""), now)
    return parsed.at if parsed else None


def _iter_fields(entry: etree._Element, depth: int) -> Iterator[tuple[str, str]]:
    for child in entry.iterchildren(etree.Element):
        key = element_key(str(child.tag))
        if key in _GROUP_ELEMENTS and depth < 4:
            yield from _iter_fields(child, depth + 1)
        elif child.text:
            yield key, child.text[:4096]


def _read_fields(entry: etree._Element) -> SitemapFields:
    fields: dict[str, str] = {}
    for key, text in _iter_fields(entry, 1):
        if text.strip():
            fields.setdefault(key, text.strip())
    return fields


def _read_children(document: XmlDocument, root: etree._Element, url: str, now: datetime) -> ParsedIndex:
    children, total = _select_newest(root, "sitemap", MAX_CHILD_SITEMAPS, now)
    addresses = (resolve_url(url, _read_fields(child).get("loc") or child.text or "") for child in children)
    child_urls = tuple(dict.fromkeys(address for address in addresses if address and address != url))
    notes = (f"names {total} sitemaps, the newest {len(children)} are taken",) if total > len(children) else ()
    return ParsedIndex(kind="sitemap", child_urls=child_urls, problem=document.problem, notes=document.notes + notes)


def _read_pages(document: XmlDocument, root: etree._Element, url: str, limit: int, now: datetime) -> ParsedIndex:
    pages, total = _select_newest(root, "url", limit, now)
    parsed = [_build_lead(_read_fields(page), url, now) for page in pages]
    leads = tuple({lead.url: lead for lead in reversed(parsed) if lead}.values())[::-1]
    skipped = len(parsed) - len(leads)
    fields = _read_fields(pages[0]) if pages else {}
    return ParsedIndex(
        kind="sitemap", title=to_plain_text(fields.get("news:name", ""), MAX_TITLE),
        language=normalize_language(fields.get("news:language", "")), leads=leads, total=total - skipped,
        problem=document.problem, notes=document.notes + _note_skipped_entries(skipped),
    )  # fmt: skip


def _note_skipped_entries(count: int) -> tuple[str, ...]:
    return (f"entries that repeat an address or have none: {count}",) if count else ()


def _build_lead(fields: SitemapFields, url: str, now: datetime) -> Lead | None:
    address = resolve_url(url, fields.get("loc", ""))
    if not address:
        return None
    raw = fields.get("news:publication_date", "")
    published, updated = parse_date(raw, now), parse_date(fields.get("lastmod", ""), now)
    tags = (to_plain_text(tag, MAX_NAME) for tag in fields.get("news:keywords", "").split(","))
    return Lead(
        url=address,
        title=to_plain_text(fields.get("news:title", ""), MAX_TITLE),
        published=published.at if published else None,
        published_raw=clean_line(raw, 200),
        zone_known=published.has_zone if published else True,
        updated=updated.at if updated else None,
        language=normalize_language(fields.get("news:language", "")),
        image=resolve_url(url, fields.get("image:loc", "")),
        tags=tuple(dict.fromkeys(filter(None, tags)))[:MAX_TAGS],
    )
