"""Parse an entry of an RSS or Atom feed to a Lead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice

from lxml import etree

from spiders.parse.dates import ParsedDate, parse_date
from spiders.parse.html_text import to_plain_text
from spiders.parse.links import resolve_url
from spiders.parse.xml_names import element_key
from storage.model.page import Lead
from storage.text.clean import clean_line

MAX_TITLE = 1024
MAX_SUMMARY = 2000
MAX_NAME = 200
MAX_AUTHORS = 20
MAX_TAGS = 32

EntryFields = Mapping[str, list[etree._Element]]
"""An entry's children by element key, in document order."""

_TITLES = ("title", "atom:title", "dc:title", "media:title", "itunes:title")
_SUMMARIES = ("description", "summary", "atom:summary", "itunes:summary", "dc:description", "media:description")
_PUBLISHED = (
    "pubdate", "published", "atom:published", "issued", "atom:issued", "dc:date", "dc:created", "dc:issued", "created",
    "atom:created", "date",
)  # fmt: skip
_UPDATED = ("updated", "atom:updated", "modified", "atom:modified", "dc:modified", "lastmod")
_IDS = ("guid", "id", "atom:id", "dc:identifier")
_TAGS = ("category", "atom:category", "dc:subject", "media:category")
_PEOPLE = ("author", "atom:author", "dc:creator", "dc:author", "itunes:author")
_LINKS = ("link", "atom:link")
_MEDIA_ELEMENTS = ("media:group", "media:content", "media:thumbnail")
_IMAGE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif)(?:[?#]|$)", re.I)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}")
_ADDRESS = re.compile(r"[^\s@()<>\"]{1,200}@[^\s@()<>\"]{1,200}")
_NON_ARTICLE_RELATIONS = {
    "self", "edit", "edit-media", "enclosure", "replies", "hub", "next", "prev", "previous", "first", "last", "license",
    "icon",
}  # fmt: skip


def read_feed_metadata(feed: etree._Element, url: str) -> tuple[str, str, str]:
    """Return a feed's title, the URL of its site, and its language."""
    channel = next(iter(_fields(feed).get("channel", ())), feed)
    fields = _fields(channel)
    title = next((_title(element) for name in _TITLES for element in fields.get(name, ())), "")
    home = next(_addresses(fields, url), "")
    language = _first(fields, ("language", "dc:language")) or _inherited_language(channel)
    return title, home, normalize_language(language)


def find_entry_time(entry: etree._Element, now: datetime) -> datetime | None:
    """Return the publication time of an entry, or else its modification time."""
    children = {element_key(str(child.tag)): child for child in entry.iterchildren(etree.Element)}
    for names in (_PUBLISHED, _UPDATED):
        for name in names:
            if name in children and (parsed := parse_date(_text(children[name], 120), now)):
                return parsed.at
    return None


def read_entry(entry: etree._Element, url: str, now: datetime) -> Lead | None:
    """Return the lead of an entry, or None if it has no valid URL."""
    fields = _fields(entry)
    address = next(_entry_addresses(entry, fields, url), "")
    if not address:
        return None
    raw, published = _date(fields, _PUBLISHED, now)
    updated = _date(fields, _UPDATED, now)[1]
    return Lead(
        url=address,
        id=clean_line(_first(fields, _IDS) or _rdf_about(entry), 2048),
        title=next((title for name in _TITLES for element in fields.get(name, ()) if (title := _title(element))), ""),
        summary=next(
            (text for name in _SUMMARIES for element in fields.get(name, ()) if (text := _summary(element))), ""
        ),
        authors=_authors(fields),
        published=published.at if published else None,
        published_raw=clean_line(raw, 200),
        zone_known=published.has_zone if published else True,
        updated=updated.at if updated else None,
        language=normalize_language(_first(fields, ("language", "dc:language")) or _own_language(entry)),
        image=_image(fields, entry, url),
        tags=_tags(fields),
    )


def _fields(element: etree._Element) -> EntryFields:
    fields: dict[str, list[etree._Element]] = {}
    for child in element.iterchildren(etree.Element):
        fields.setdefault(element_key(str(child.tag)), []).append(child)
    return fields


def _text(element: etree._Element, limit: int) -> str:
    """Return the text of an element and its descendants, reading at most `limit` characters."""
    if not len(element):
        return (element.text or "")[:limit]
    parts, length = [], 0
    for part in element.itertext(etree.Element, with_tail=True):
        parts.append(str(part))
        length += len(part)
        if length >= limit:
            break
    return "".join(parts)[:limit]


def _first(fields: EntryFields, names: Iterable[str]) -> str:
    return next((text for name in names for child in fields.get(name, ()) if (text := _text(child, 4096).strip())), "")


def _is_markup(element: etree._Element) -> bool:
    """Return whether an element's text is HTML: in Atom if its type says so, elsewhere unless its type is XHTML."""
    kind = (element.get("type") or "text").strip().lower()
    if "www.w3.org/2005/Atom" not in str(element.tag):
        return "xhtml" not in kind
    return kind.endswith("html") and "xhtml" not in kind


def _title(element: etree._Element) -> str:
    return to_plain_text(_text(element, 8 * MAX_TITLE), MAX_TITLE, is_markup=_is_markup(element))


def _summary(element: etree._Element) -> str:
    return to_plain_text(_text(element, 8 * MAX_SUMMARY), MAX_SUMMARY, is_markup=_is_markup(element))


def _date(fields: EntryFields, names: Iterable[str], now: datetime) -> tuple[str, ParsedDate | None]:
    """Return the first text that is a date, or else the first text, and the parsed date."""
    texts = [_text(element, 200).strip() for name in names for element in fields.get(name, ())]
    for text in texts:
        if parsed := parse_date(text, now):
            return text, parsed
    return next(filter(None, texts), ""), None


def _entry_addresses(entry: etree._Element, fields: EntryFields, url: str) -> Iterator[str]:
    for element in fields.get("feedburner:origlink", ()):
        yield from filter(None, (resolve_url(url, _text(element, 4096)),))
    yield from _addresses(fields, url)
    for element in fields.get("guid", ()):
        if (element.get("isPermaLink") or "true").strip().lower() != "false":
            yield from _absolute_urls(_text(element, 4096))
    for element in (*fields.get("content", ()), *fields.get("atom:content", ())):
        yield from filter(None, (resolve_url(_base_url(element, url), element.get("src") or ""),))
    for element in (*fields.get("id", ()), *fields.get("atom:id", ())):
        yield from _absolute_urls(_text(element, 4096))
    yield from _absolute_urls(_rdf_about(entry))


def _absolute_urls(text: str) -> Iterator[str]:
    """Yield the text if it is an absolute URL."""
    if text.strip().lower().startswith(("http://", "https://")):
        yield from filter(None, (resolve_url("", text),))


def _addresses(fields: EntryFields, url: str) -> Iterator[str]:
    """Yield the link targets of an entry or a feed, HTML pages first."""
    links = [link for name in _LINKS for link in fields.get(name, ())]
    for is_wanted in (_is_text_link, _is_page_link, _is_alternate_link, _is_other_link):
        for link in links:
            if is_wanted(link) and (
                address := resolve_url(_base_url(link, url), link.get("href") or _text(link, 4096))
            ):
                yield address


def _is_text_link(link: etree._Element) -> bool:
    return not link.get("href") and bool((link.text or "").strip())


def _is_page_link(link: etree._Element) -> bool:
    return _is_alternate_link(link) and "html" in (link.get("type") or "html").lower()


def _is_alternate_link(link: etree._Element) -> bool:
    return bool(link.get("href")) and (link.get("rel") or "alternate").strip().lower().rpartition("/")[2] == "alternate"


def _is_other_link(link: etree._Element) -> bool:
    return (
        bool(link.get("href"))
        and (link.get("rel") or "").strip().lower().rpartition("/")[2] not in _NON_ARTICLE_RELATIONS
    )


def _base_url(element: etree._Element, url: str) -> str:
    """Return the base of an element's relative URLs: the nearest xml:base that is a web URL, or the feed's URL."""
    try:
        base = element.base or url
    except ValueError:
        return url
    return base if base.startswith(("http://", "https://")) else url


def _rdf_about(entry: etree._Element) -> str:
    names = ("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about", "rdf:about", "about")
    return next(filter(None, map(entry.get, names)), "")


def _own_language(element: etree._Element) -> str:
    return element.get("{http://www.w3.org/XML/1998/namespace}lang") or ""


def normalize_language(text: str) -> str:
    """Return a valid language tag (en_US becomes en-US), or an empty string."""
    tag = text.strip().replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else ""


def _inherited_language(element: etree._Element) -> str:
    return next(filter(None, map(_own_language, (element, *element.iterancestors()))), "")


def _authors(fields: EntryFields) -> tuple[str, ...]:
    names = (_person(element) for name in _PEOPLE for element in fields.get(name, ())[:MAX_AUTHORS])
    return tuple(dict.fromkeys(filter(None, names)))[:MAX_AUTHORS]


def _person(element: etree._Element) -> str:
    fields = _fields(element)
    text = _first(fields, ("name", "atom:name", "itunes:name")) if fields else _text(element, 4096)
    return parse_person(text)


def parse_person(text: str) -> str:
    """Return the name in `mail@host (Name)`, `Name <mail@host>` or a plain name; empty for a bare mail address."""
    text = to_plain_text(text.replace("<", " <"), 4 * MAX_NAME)
    if "@" in text:
        inner = re.search(r"\(([^()]{1,300})\)", text)
        text = inner[1] if inner and "@" not in inner[1] else _ADDRESS.sub(" ", text)
        text = re.sub(r"mailto:|[<>()\"\[\]]", " ", text)
    return clean_line(text, MAX_NAME).strip(" ,;-")


def _tags(fields: EntryFields) -> tuple[str, ...]:
    tags: dict[str, None] = {}
    for name in _TAGS:
        for element in fields.get(name, ())[: 4 * MAX_TAGS]:
            tag = to_plain_text(element.get("label") or element.get("term") or _text(element, 4096), MAX_NAME)
            if tag:
                tags.setdefault(tag)
    return tuple(tags)[:MAX_TAGS]


def _image(fields: EntryFields, entry: etree._Element, url: str) -> str:
    """Return the entry's image from media elements, enclosures or iTunes, in that order."""
    return next((address for href in _pictures(fields) if (address := resolve_url(_base_url(entry, url), href))), "")


def _pictures(fields: EntryFields) -> Iterator[str]:
    media = [element for name in _MEDIA_ELEMENTS for element in fields.get(name, ())][:50]
    nested = [inner for element in media for inner in islice(element.iter(etree.Element), 50)]
    for element in nested:
        if element_key(str(element.tag)) == "media:content" and _is_picture(element):
            yield element.get("url") or ""
    for element in nested:
        if element_key(str(element.tag)) == "media:thumbnail":
            yield element.get("url") or ""
    links = [link for name in _LINKS for link in fields.get(name, ()) if link.get("rel") == "enclosure"]
    for element in (*fields.get("enclosure", ()), *links):
        if _is_picture(element):
            yield element.get("url") or element.get("href") or ""
    for element in fields.get("itunes:image", ()):
        yield element.get("href") or ""
    for element in fields.get("image", ()):
        yield _first(_fields(element), ("url",)) or _text(element, 4096)


def _is_picture(element: etree._Element) -> bool:
    medium, kind = (element.get("medium") or "").lower(), (element.get("type") or "").lower()
    if medium or kind:
        return medium == "image" or kind.startswith("image")
    return bool(_IMAGE.search((element.get("url") or element.get("href") or "")[:4096]))
