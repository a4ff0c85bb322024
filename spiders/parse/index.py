"""The one door to the index readers: a fetched Page and what it was asked as, to an Index."""

from __future__ import annotations

from datetime import datetime

from spiders.parse.charset import label_in
from spiders.parse.feed import read_feed
from spiders.parse.listing import read_listing
from spiders.parse.sitemap import read_sitemap
from spiders.source import Listing
from storage.model.page import ContentError, Index, Page


def read_index(page: Page, kind: str, listing: Listing | None, limit: int, now: datetime) -> Index:
    """Read a page as the `feed`, `sitemap` or `listing` that it is polled as; whatever its bytes, an Index comes."""
    try:
        body = page.content()
    except ContentError as error:
        return Index(kind=kind, problem=str(error))
    if not body.strip():
        return Index(kind=kind, problem="empty")
    charset = label_in(page.header("content-type"))
    if kind == "sitemap":
        return read_sitemap(body, page.url, limit=limit, now=now)
    if kind == "listing":
        return read_listing(body, page.url, listing or Listing(url=page.url), charset=charset, limit=limit)
    return read_feed(body, page.url, charset=charset, media_type=page.media_type, limit=limit, now=now)
