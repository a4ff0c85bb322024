"""Parse listing pages to leads: links selected by CSS or by a pattern of their URL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urldefrag

from lxml.cssselect import SelectorError
from lxml.html import HtmlElement

from spiders.parse.feed_entry import MAX_TITLE, normalize_language
from spiders.parse.html_text import to_plain_text
from spiders.parse.links import find_base_url, parse_html, resolve_url
from spiders.source import SourceListing
from storage.model.page import ContentError, Lead, ParsedIndex

MAX_MATCHED_LENGTH = 500
"""Part of a URL that a pattern is matched against: its cost may grow with the square of the length, or worse."""
MAX_LINKS = 50_000


def read_listing(body: bytes, url: str, listing: SourceListing, *, charset: str = "", limit: int = 1000) -> ParsedIndex:
    """Return the first `limit` article links of a page in order, and the next page in `child_urls`; never raises.

    With `css`, a link is the selected element or the first link in it; with `pattern`, the absolute URL must match
    anywhere. With both, both must match.
    """
    try:
        root = parse_html(body, charset)
        picked = _select_links(root, listing.css) if root is not None else iter(())
        pattern = re.compile(listing.pattern) if listing.pattern else None
    except ContentError as error:
        return ParsedIndex(kind="listing", problem=str(error))
    except (SelectorError, re.error) as error:
        return ParsedIndex(kind="listing", problem=f"the catalogue's selector or pattern is wrong: {str(error)[:200]}")
    if root is None:
        return ParsedIndex(kind="listing", problem="empty" if not body.strip() else "not an HTML page")
    base = find_base_url(root, url)
    titles = _collect_titles(picked, base, url, pattern)
    leads = tuple(Lead(url=address, title=title) for address, title in list(titles.items())[:limit])
    title = next((to_plain_text(element.text_content()[:4096], MAX_TITLE) for element in root.iter("title")), "")
    return ParsedIndex(
        kind="listing",
        title=title,
        home=url,
        language=normalize_language(root.get("lang") or ""),
        leads=leads,
        total=len(titles),
        child_urls=_find_next_page(root, base, url),
        problem="" if leads else "no link on the page is selected",
    )


def _select_links(root: HtmlElement, css: str) -> Iterator[HtmlElement]:
    """Return the links that the selector selects, or all links."""
    elements: Iterable[HtmlElement] = root.cssselect(css) if css else root.iter("a")
    return (link for element in elements if (link := _find_link(element)) is not None)


def _find_link(element: HtmlElement) -> HtmlElement | None:
    if element.tag == "a":
        return element
    inner = next((link for link in element.iter("a") if link.get("href")), None)
    return inner if inner is not None else next(element.iterancestors("a"), None)


def _collect_titles(
    links: Iterable[HtmlElement], base: str, url: str, pattern: re.Pattern[str] | None
) -> dict[str, str]:
    """Return the longest text of the links to each URL, since images link there as well."""
    titles: dict[str, str] = {}
    for _, link in zip(range(MAX_LINKS), links, strict=False):
        address = urldefrag(resolve_url(base, link.get("href") or ""))[0]
        if not address or address == url or (pattern and not pattern.search(address[:MAX_MATCHED_LENGTH])):
            continue
        title = to_plain_text(link.text_content()[:4096], MAX_TITLE) or to_plain_text(
            link.get("title") or "", MAX_TITLE
        )
        titles[address] = max(titles.get(address, ""), title, key=len)
    return titles


def _find_next_page(root: HtmlElement, base: str, url: str) -> tuple[str, ...]:
    for link in root.iter("link", "a"):
        if "next" in (link.get("rel") or "").lower().split():
            address = resolve_url(base, link.get("href") or "")
            if address and address != url:
                return (address,)
    return ()
