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
from html import escape

from aggregator.feeds.channel import Channel, Entry
from aggregator.feeds.links import web_url
from aggregator.feeds.xml import ATOM, CONTENT, DC, MEDIA, Pieces, atom, written
from storage.text import clean_line


def rss(channel: Channel) -> Iterator[bytes]:
    """The feed in pieces, entries in the channel's order."""
    nsmap: dict[str | None, str] = {"content": CONTENT, "dc": DC, "atom": ATOM, "media": MEDIA}
    with written("rss", nsmap, version="2.0") as (pieces, out):
        with pieces.xml.element("channel"):
            _write_head(pieces, channel)
            for entry in channel.entries:
                _write_item(pieces, entry)
                yield pieces.taken()
        pieces.xml.flush()
    yield out.getvalue()


def _write_head(pieces: Pieces, channel: Channel) -> None:
    pieces.write("title", clean_line(channel.title))
    pieces.write("link", web_url(channel.home))
    pieces.write("description", clean_line(channel.description or channel.title))
    for relation, url in (("self", channel.self_url), ("next", channel.next_url)):
        if url:
            pieces.write(atom("link"), rel=relation, type="application/rss+xml", href=web_url(url))
    pieces.write("generator", "evnews")
    if channel.updated:
        pieces.write("lastBuildDate", _date(channel.updated))


def _write_item(pieces: Pieces, entry: Entry) -> None:
    with pieces.xml.element("item"):
        pieces.write("title", entry.title)
        if entry.url:
            pieces.write("link", entry.url)
        pieces.write("guid", entry.id, isPermaLink="false")
        if entry.published:
            pieces.write("pubDate", _date(entry.published))
        for author in entry.authors:
            pieces.write(f"{{{DC}}}creator", author)
        for tag in entry.tags:
            pieces.write("category", tag)
        # Readers take a description for HTML; a summary is plain text.
        if entry.summary:
            pieces.write("description", escape(entry.summary, quote=False))
        if entry.html:
            pieces.write(f"{{{CONTENT}}}encoded", entry.html)
        if entry.image:
            pieces.write(f"{{{MEDIA}}}content", url=entry.image, medium="image")


def _date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True)
