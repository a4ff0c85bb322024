"""Write a Channel as an RSS 2.0 feed.

Follows the RSS Board's specification (https://www.rssboard.org/rss-specification) and its profile of best practices,
with dc:creator for authors, since RSS's own author is an e-mail address, content:encoded for the body, media:content
for the image and atom:link for the URL of the feed. Equal channels give equal bytes: the feed contains no times but
those of its entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from html import escape

from aggregator.feeds.channel import Channel, FeedEntry, encode_web_url
from aggregator.feeds.xml import (
    ATOM_NAMESPACE,
    CONTENT_NAMESPACE,
    DC_NAMESPACE,
    HISTORY_NAMESPACE,
    MEDIA_NAMESPACE,
    XmlWriter,
    atom_name,
    stream_xml,
)
from storage.text.clean import clean_line


def rss_feed(channel: Channel) -> Iterator[bytes]:
    """Yield the feed in pieces, with the entries in the channel's order."""
    nsmap: dict[str | None, str] = {
        "content": CONTENT_NAMESPACE,
        "dc": DC_NAMESPACE,
        "atom": ATOM_NAMESPACE,
        "media": MEDIA_NAMESPACE,
        "fh": HISTORY_NAMESPACE,
    }
    items = (partial(_write_item, entry=entry) for entry in channel.entries)
    elements = [("rss", {"version": "2.0"}), ("channel", {})]
    return stream_xml(elements, nsmap, partial(_write_head, channel=channel), items)


def _write_head(writer: XmlWriter, channel: Channel) -> None:
    writer.write_element("title", clean_line(channel.title))
    writer.write_element("link", encode_web_url(channel.home))
    writer.write_element("description", clean_line(channel.description or channel.title))
    for relation, url in channel.links:
        kind = {} if relation == "hub" else {"type": "application/rss+xml"}
        writer.write_element(atom_name("link"), rel=relation, **kind, href=encode_web_url(url))
    if channel.current_url:
        writer.write_element(f"{{{HISTORY_NAMESPACE}}}archive")
    writer.write_element("generator", "evnews")
    if channel.updated:
        writer.write_element("lastBuildDate", _format_date(channel.updated))


def _write_item(writer: XmlWriter, entry: FeedEntry) -> None:
    with writer.xml.element("item"):
        writer.write_element("title", entry.title)
        if entry.url:
            writer.write_element("link", entry.url)
        writer.write_element("guid", entry.id, isPermaLink="false")
        if entry.published:
            writer.write_element("pubDate", _format_date(entry.published))
        for author in entry.authors:
            writer.write_element(f"{{{DC_NAMESPACE}}}creator", author)
        for tag in entry.tags:
            writer.write_element("category", tag)
        # Readers interpret a description as HTML; a summary is plain text.
        if entry.summary:
            writer.write_element("description", escape(entry.summary, quote=False))
        if entry.html:
            writer.write_element(f"{{{CONTENT_NAMESPACE}}}encoded", entry.html)
        if entry.image:
            writer.write_element(f"{{{MEDIA_NAMESPACE}}}content", url=entry.image, medium="image")


def _format_date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True)
