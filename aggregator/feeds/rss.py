"""A Channel as an RSS 2.0 feed.

Follows the RSS Board's specification (https://www.rssboard.org/rss-specification), with
dc:creator for authors, since RSS's own author is an e-mail address, and content:encoded for the
body. The same channel always gives the same bytes: no time but the articles' own is in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from io import BytesIO
from typing import Any

from lxml import etree

from aggregator.feeds.links import web_url
from storage.article import Channel, KeptArticle
from storage.text import clean, clean_line

_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"


def rss(channel: Channel) -> Iterator[bytes]:
    """The feed in pieces, entries in the channel's order. Raises ValueError unless its home is an http(s) URL."""
    home = web_url(channel.home)
    if not home:
        raise ValueError(f"a feed's home must be an http or https URL, not {channel.home!r}")
    return _pieces(channel, home)


def _pieces(channel: Channel, home: str) -> Iterator[bytes]:
    out = BytesIO()
    with etree.xmlfile(out, encoding="utf-8") as xml:
        xml.write_declaration()
        with xml.element("rss", version="2.0", nsmap={"content": _CONTENT, "dc": _DC}), xml.element("channel"):
            _write_head(xml, channel, home)
            for entry in channel.entries:
                _write_item(xml, entry)
                xml.flush()
                yield _taken(out)
    yield _taken(out)


def _write_head(xml: Any, channel: Channel, home: str) -> None:
    _write(xml, "title", clean_line(channel.title))
    _write(xml, "link", home)
    _write(xml, "description", clean_line(channel.description or channel.title))
    _write(xml, "generator", "evnews")
    changes = [at for entry in channel.entries for at in (entry.first_seen, entry.updated) if at]
    if changes:
        _write(xml, "lastBuildDate", _date(max(changes)))


def _write_item(xml: Any, entry: KeptArticle) -> None:
    link = web_url(entry.url)
    with xml.element("item"):
        _write(xml, "title", clean_line(entry.title) or link or f"Article {entry.id}")
        if link:
            _write(xml, "link", link)
        _write(xml, "guid", f"urn:evnews:article:{entry.id}", isPermaLink="false")
        if entry.published:
            _write(xml, "pubDate", _date(entry.published))
        for author in filter(None, map(clean_line, entry.authors)):
            _write(xml, f"{{{_DC}}}creator", author)
        for tag in filter(None, map(clean_line, entry.tags)):
            _write(xml, "category", tag)
        # Readers take a description for HTML; a summary is plain text.
        if summary := clean(entry.summary):
            _write(xml, "description", escape(summary, quote=False))
        if body := clean(entry.html) or _paragraphs(clean(entry.text)):
            _write(xml, f"{{{_CONTENT}}}encoded", body)


def _write(xml: Any, name: str, text: str, **attributes: str) -> None:
    with xml.element(name, attributes):
        xml.write(text)


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(line.strip(), quote=False)}</p>" for line in text.split("\n") if line.strip())


def _date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True)


def _taken(out: BytesIO) -> bytes:
    piece = out.getvalue()
    out.seek(0)
    out.truncate()
    return piece
