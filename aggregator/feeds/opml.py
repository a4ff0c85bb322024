"""Read subscription lists in OPML, and write feeds as OPML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from lxml import etree

from aggregator.feeds.channel import encode_web_url
from spiders.parse.html_text import to_plain_text
from spiders.parse.links import resolve_url
from spiders.parse.xml_names import element_key
from storage.text.clean import clean_line

if TYPE_CHECKING:
    from spiders.source import Source

MAX_BYTES = 2**20
MAX_OUTLINES = 20_000
MAX_DEPTH = 32


class OpmlError(ValueError):
    """Raised for a file that is not OPML or is too large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlineFeed:
    """A feed of a subscription list; `category` is the path of its outlines, joined by /.

    `problem` says why an outline, or the whole list, gives no feed; `xml_url` is empty then.
    """

    title: str
    xml_url: str
    html_url: str = ""
    language: str = ""
    category: str = ""
    problem: str = ""


def read_opml(body: bytes) -> tuple[OutlineFeed, ...]:
    """Return every feed of an OPML document once by URL, then the problems; raises OpmlError.

    Only http and https URLs are accepted. Limits: 1 MB, 20,000 outlines, a depth of 32 elements; deeper elements are
    ignored.
    """
    if len(body) > MAX_BYTES:
        raise OpmlError(f"larger than {MAX_BYTES} bytes")
    from spiders.parse.charset import decode
    from spiders.parse.xml_repair import MarkupError, parse_xml

    try:
        document = parse_xml(decode(body), "")
    except MarkupError as error:
        raise OpmlError(str(error)) from None
    name = element_key(str(document.root.tag))
    if name not in ("opml", "outline", "body"):
        raise OpmlError(f"not OPML: the root element is <{name.lstrip('?:')[:40]}>")
    feeds: dict[str, OutlineFeed] = {}
    for feed in _walk_outlines(document.root):
        feeds.setdefault(feed.xml_url or feed.problem, feed)
    damage = (OutlineFeed(title="", xml_url="", problem=document.problem),) if document.problem else ()
    return (*sorted(feeds.values(), key=lambda feed: bool(feed.problem)), *damage)


def _walk_outlines(root: etree._Element) -> Iterator[OutlineFeed]:
    waiting: list[tuple[etree._Element, str, int]] = [(root, "", 0)]
    seen = 0
    while waiting:
        element, category, depth = waiting.pop()
        if element_key(str(element.tag)) == "outline":
            seen += 1
            if seen > MAX_OUTLINES:
                raise OpmlError(f"more than {MAX_OUTLINES} outlines")
            title = to_plain_text(
                _read_first_attribute(element, "title") or _read_first_attribute(element, "text"), 1024
            )
            address = _read_first_attribute(element, "xmlUrl", "xmlurl", "xmlURL", "XMLURL").strip()
            if address:
                yield _read_outline(element, title, address, category)
            elif title:
                category = clean_line(f"{category}/{title}" if category else title)
        if depth < MAX_DEPTH:
            children = list(element.iterchildren(etree.Element))
            waiting += [(child, category, depth + 1) for child in reversed(children)]


def _read_first_attribute(element: etree._Element, *names: str) -> str:
    """Return the first existing attribute. It is looked up by name, because listing very many attributes is slow."""
    return next((value for name in names if (value := element.get(name))), "")


def _read_outline(element: etree._Element, title: str, address: str, category: str) -> OutlineFeed:
    url = resolve_url("", address)
    if not url or _read_first_attribute(element, "type").strip().lower() == "include":
        reason = "another list, which is not followed" if url else "not an http or https URL"
        return OutlineFeed(title=title, xml_url="", problem=f'xmlUrl = "{clean_line(address, 200)}": {reason}')
    from spiders.parse.feed_entry import normalize_language

    return OutlineFeed(
        title=title,
        xml_url=url,
        html_url=resolve_url("", _read_first_attribute(element, "htmlUrl", "htmlurl", "htmlURL", "HTMLURL")),
        language=normalize_language(_read_first_attribute(element, "language")),
        category=category or clean_line(_read_first_attribute(element, "category").lstrip("/"), 200),
    )


def write_opml(sources: Sequence[Source], title: str, now: datetime) -> bytes:
    """Return the feeds of sources as OPML 2.0, one outline per feed."""
    feeds = [
        OutlineFeed(title=source.title, xml_url=feed, html_url=source.home, language=source.language)
        for source in sources
        for feed in source.feeds
    ]
    return write_outlines(feeds, title, now)


def write_outlines(feeds: Sequence[OutlineFeed], title: str, now: datetime | None = None) -> bytes:
    """Return feeds as OPML 2.0 with one outline per category; without `now`, equal feeds give equal bytes."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = clean_line(title)
    if now is not None:
        etree.SubElement(head, "dateCreated").text = format_datetime(now.astimezone(UTC), usegmt=True)
    body = etree.SubElement(root, "body")
    folders: dict[str, etree._Element] = {"": body}
    for feed in feeds:
        if feed.category not in folders:
            name = clean_line(feed.category)
            folders[feed.category] = etree.SubElement(body, "outline", {"text": name, "title": name})
        etree.SubElement(folders[feed.category], "outline", _outline_attributes(feed))
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def _outline_attributes(feed: OutlineFeed) -> dict[str, str]:
    title = clean_line(feed.title)
    facts = {
        "type": "rss", "text": title, "title": title, "xmlUrl": encode_web_url(feed.xml_url),
        "htmlUrl": encode_web_url(feed.html_url), "language": clean_line(feed.language, 40),
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value}
