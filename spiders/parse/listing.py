"""Listing pages to leads: the links that a CSS selector picks, or whose address matches a pattern."""

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
"""How much of an address a pattern gets to see: its cost may grow with the square of that, or worse."""
MAX_LINKS = 50_000


def read_listing(body: bytes, url: str, listing: SourceListing, *, charset: str = "", limit: int = 1000) -> ParsedIndex:
    """The first `limit` article links of a page in its order, and the page that follows it as `more`; never raises.

    With `css`, a link is what the selector picks, or the first link within; with `pattern`,
    a link's absolute address must match it, anywhere. With both, both must agree.
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
    title = next((to_plain_text(one.text_content()[:4096], MAX_TITLE) for one in root.iter("title")), "")
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
    """The links that the selector picks, or all links."""
    found: Iterable[HtmlElement] = root.cssselect(css) if css else root.iter("a")
    return (link for one in found if (link := _find_link(one)) is not None)


def _find_link(element: HtmlElement) -> HtmlElement | None:
    if element.tag == "a":
        return element
    inner = next((link for link in element.iter("a") if link.get("href")), None)
    return inner if inner is not None else next(element.iterancestors("a"), None)


def _collect_titles(
    links: Iterable[HtmlElement], base: str, url: str, pattern: re.Pattern[str] | None
) -> dict[str, str]:
    """Each address once, with the longest text that links to it, since pictures link there too."""
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
