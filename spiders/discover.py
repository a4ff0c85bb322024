"""Discover a site's feeds from its pages and its sitemaps from robots.txt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml.html import HtmlElement

from spiders.parse.charset import decode
from spiders.parse.feed_entry import MAX_TITLE
from spiders.parse.html_text import to_plain_text
from spiders.parse.links import find_base_url, parse_html, resolve_url
from storage.model.page import ContentError

MAX_FEEDS = 50
MAX_ROBOTS_BYTES = 500 * 1024
MAX_SITEMAPS = 100

COMMON_FEED_PATHS: tuple[str, ...] = (
    "/feed/", "/feed", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/index.rdf", "/feed.json",
    "/news/feed/", "/blog/feed/", "/rss/news", "/news/rss", "/feeds/posts/default",
)  # fmt: skip
"""Common paths of feeds that no page links to, the most frequent first."""

_FEED_TYPES = {
    "application/rss+xml": "rss", "application/rdf+xml": "rss", "application/rss": "rss", "text/rss+xml": "rss",
    "text/rss": "rss", "application/xml": "rss", "text/xml": "rss", "application/atom+xml": "atom",
    "application/x.atom+xml": "atom", "application/x-atom+xml": "atom", "text/atom+xml": "atom",
    "application/feed+json": "json", "application/json": "json",
}  # fmt: skip
_FEED_URL = re.compile(
    r"(?:^|[/.?=_-])(?:rss|feeds?|atom|rdf)(?:\.(?:xml|rss|php|aspx?|json))?(?:[/?#&]|$)"
    r"|\.(?:rss|rdf|atom)(?:[?#]|$)|/index\.xml$|feeds\.",
    re.I,
)
_COMMENT_FEED_URL = re.compile(r"/comments?/|[?&]cat=|/wp-json/|oembed", re.I)
_SITEMAP_LINE = re.compile(r"^\s*sitemap\s*:\s*(\S+)", re.I | re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveredFeed:
    """A feed that a page links to; `kind` is rss, atom, json, or empty if unknown."""

    url: str
    title: str = ""
    kind: str = ""


def find_feeds(body: bytes, url: str, *, charset: str = "") -> tuple[DiscoveredFeed, ...]:
    """Return the feeds declared in a page's head, then links that look like feeds; never raises."""
    try:
        root = parse_html(body, charset)
    except ContentError:
        return ()
    if root is None:
        return ()
    base = find_base_url(root, url)
    feeds: dict[str, DiscoveredFeed] = {}
    for feed in (*_find_declared_feeds(root, base), *_find_linked_feeds(root, base)):
        feeds.setdefault(feed.url, feed)
        if len(feeds) == MAX_FEEDS:
            break
    # comment feeds come last: they are never the feed that is wanted
    return tuple(sorted(feeds.values(), key=lambda feed: bool(_COMMENT_FEED_URL.search(feed.url))))


def _find_declared_feeds(root: HtmlElement, base: str) -> Iterator[DiscoveredFeed]:
    for link in root.iter("link"):
        relations = (link.get("rel") or "").lower().split()
        kind = _FEED_TYPES.get((link.get("type") or "").partition(";")[0].strip().lower(), "")
        is_feed = "feed" in relations or ("alternate" in relations and kind and "stylesheet" not in relations)
        if is_feed and (address := resolve_url(base, link.get("href") or "")):
            yield DiscoveredFeed(url=address, title=to_plain_text(link.get("title") or "", MAX_TITLE), kind=kind)


def _find_linked_feeds(root: HtmlElement, base: str) -> Iterator[DiscoveredFeed]:
    for link in root.iter("a"):
        href = (link.get("href") or "")[:2083]
        kind = _FEED_TYPES.get((link.get("type") or "").strip().lower(), "")
        if (kind or _FEED_URL.search(href)) and (address := resolve_url(base, href)):
            yield DiscoveredFeed(url=address, title=to_plain_text(link.text_content()[:4096], MAX_TITLE), kind=kind)


def parse_robots_sitemaps(body: bytes) -> tuple[str, ...]:
    """Return the URLs of the Sitemap lines of robots.txt, in order and without duplicates."""
    text = decode(body[:MAX_ROBOTS_BYTES])
    urls = (resolve_url("", line[1]) for line in _SITEMAP_LINE.finditer(text))
    return tuple(dict.fromkeys(filter(None, urls)))[:MAX_SITEMAPS]
