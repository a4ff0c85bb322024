"""A Channel as an RSS 2.0 feed.

Follows the RSS Board's specification (https://www.rssboard.org/rss-specification) and its profile of best practices,
with dc:creator for authors, since RSS's own author is an e-mail address, content:encoded for the body, media:content
for the image and atom:link for where the feed lies. The same channel always gives the same bytes: no time but the
entries' own is in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from html import escape

from aggregator.feeds.channel import Channel, Entry, web_url
from aggregator.feeds.xml import ATOM, CONTENT, DC, HISTORY, MEDIA, Writer, atom, streamed
from storage.text.clean import clean_line


def rss(channel: Channel) -> Iterator[bytes]:
    """The feed in pieces, entries in the channel's order."""
    nsmap: dict[str | None, str] = {"content": CONTENT, "dc": DC, "atom": ATOM, "media": MEDIA, "fh": HISTORY}
    items = (partial(_write_item, entry=entry) for entry in channel.entries)
    elements = [("rss", {"version": "2.0"}), ("channel", {})]
    return streamed(elements, nsmap, partial(_write_head, channel=channel), items)


def _write_head(writer: Writer, channel: Channel) -> None:
    writer.write("title", clean_line(channel.title))
    writer.write("link", web_url(channel.home))
    writer.write("description", clean_line(channel.description or channel.title))
    for relation, url in channel.links:
        kind = {} if relation == "hub" else {"type": "application/rss+xml"}
        writer.write(atom("link"), rel=relation, **kind, href=web_url(url))
    if channel.current_url:
        writer.write(f"{{{HISTORY}}}archive")
    writer.write("generator", "evnews")
    if channel.updated:
        writer.write("lastBuildDate", _date(channel.updated))


def _write_item(writer: Writer, entry: Entry) -> None:
    with writer.xml.element("item"):
        writer.write("title", entry.title)
        if entry.url:
            writer.write("link", entry.url)
        writer.write("guid", entry.id, isPermaLink="false")
        if entry.published:
            writer.write("pubDate", _date(entry.published))
        for author in entry.authors:
            writer.write(f"{{{DC}}}creator", author)
        for tag in entry.tags:
            writer.write("category", tag)
        # Readers take a description for HTML; a summary is plain text.
        if entry.summary:
            writer.write("description", escape(entry.summary, quote=False))
        if entry.html:
            writer.write(f"{{{CONTENT}}}encoded", entry.html)
        if entry.image:
            writer.write(f"{{{MEDIA}}}content", url=entry.image, medium="image")


def _date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True)
