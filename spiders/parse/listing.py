"""Listing pages to leads: the links that a CSS selector picks, or whose address matches a pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urldefrag

from lxml.cssselect import SelectorError
from lxml.html import HtmlElement

from spiders.parse.feed_entry import MAX_TITLE, language_tag
from spiders.parse.html_text import plain
from spiders.parse.links import absolute, base_of, parse_html
from spiders.source import Listing
from storage.model.page import ContentError, Index, Lead

MAX_MATCHED = 500
"""How much of an address a pattern gets to see: its cost may grow with the square of that, or worse."""
MAX_LINKS = 50_000


def read_listing(body: bytes, url: str, listing: Listing, *, charset: str = "", limit: int = 1000) -> Index:
    """The first `limit` article links of a page in its order, and the page that follows it as `more`; never raises.

    With `css`, a link is what the selector picks, or the first link within; with `pattern`,
    a link's absolute address must match it, anywhere. With both, both must agree.
    """
    try:
        root = parse_html(body, charset)
        picked = _picked(root, listing.css) if root is not None else iter(())
        pattern = re.compile(listing.pattern) if listing.pattern else None
    except ContentError as error:
        return Index(kind="listing", problem=str(error))
    except (SelectorError, re.error) as error:
        return Index(kind="listing", problem=f"the catalogue's selector or pattern is wrong: {str(error)[:200]}")
    if root is None:
        return Index(kind="listing", problem="empty" if not body.strip() else "not an HTML page")
    base = base_of(root, url)
    titles = _titles(picked, base, url, pattern)
    leads = tuple(Lead(url=address, title=title) for address, title in list(titles.items())[:limit])
    title = next((plain(one.text_content()[:4096], MAX_TITLE) for one in root.iter("title")), "")
    return Index(
        kind="listing", title=title, home=url, language=language_tag(root.get("lang") or ""), leads=leads,
        total=len(titles), more=_next_page(root, base, url), problem="" if leads else "no link on the page is selected",
    )  # fmt: skip


def _picked(root: HtmlElement, css: str) -> Iterator[HtmlElement]:
    """The links that the selector picks, or all links."""
    found: Iterable[HtmlElement] = root.cssselect(css) if css else root.iter("a")
    return (link for one in found if (link := _link_of(one)) is not None)


def _link_of(element: HtmlElement) -> HtmlElement | None:
    if element.tag == "a":
        return element
    inner = next((link for link in element.iter("a") if link.get("href")), None)
    return inner if inner is not None else next(element.iterancestors("a"), None)


def _titles(picked: Iterable[HtmlElement], base: str, url: str, pattern: re.Pattern[str] | None) -> dict[str, str]:
    """Each address once, with the longest text that links to it, since pictures link there too."""
    titles: dict[str, str] = {}
    for _, link in zip(range(MAX_LINKS), picked, strict=False):
        address = urldefrag(absolute(base, link.get("href") or ""))[0]
        if not address or address == url or (pattern and not pattern.search(address[:MAX_MATCHED])):
            continue
        title = plain(link.text_content()[:4096], MAX_TITLE) or plain(link.get("title") or "", MAX_TITLE)
        titles[address] = max(titles.get(address, ""), title, key=len)
    return titles


def _next_page(root: HtmlElement, base: str, url: str) -> tuple[str, ...]:
    for link in root.iter("link", "a"):
        if "next" in (link.get("rel") or "").lower().split():
            address = absolute(base, link.get("href") or "")
            if address and address != url:
                return (address,)
    return ()
