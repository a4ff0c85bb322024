"""Parse a fetched index by its kind: feed, sitemap or listing."""

from __future__ import annotations

from datetime import datetime

from spiders.parse.charset import find_charset_label
from spiders.parse.feed import read_feed
from spiders.parse.listing import read_listing
from spiders.parse.sitemap import read_sitemap
from spiders.source import SourceListing
from storage.model.page import ContentError, Page, ParsedIndex


def read_index(page: Page, kind: str, listing: SourceListing | None, limit: int, now: datetime) -> ParsedIndex:
    """Parse a page as a `feed`, `sitemap` or `listing`; never raises, whatever its bytes."""
    try:
        body = page.decode_content()
    except ContentError as error:
        return ParsedIndex(kind=kind, problem=str(error))
    if not body.strip():
        return ParsedIndex(kind=kind, problem="empty")
    charset = find_charset_label(page.header("content-type"))
    if kind == "sitemap":
        return read_sitemap(body, page.url, limit=limit, now=now)
    if kind == "listing":
        return read_listing(body, page.url, listing or SourceListing(url=page.url), charset=charset, limit=limit)
    return read_feed(body, page.url, charset=charset, media_type=page.media_type, limit=limit, now=now)
