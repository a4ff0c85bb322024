"""Write a Channel as an Atom 1.0 feed (RFC 4287)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from aggregator.feeds.channel import Channel, FeedEntry, encode_web_url
from aggregator.feeds.timestamps import format_timestamp
from aggregator.feeds.xml import ATOM_NAMESPACE, HISTORY_NAMESPACE, MEDIA_NAMESPACE, XmlWriter, atom_name, stream_xml
from storage.text.clean import clean_line

_STATE_SCHEME = "http://www.google.com/reader/"
"""Scheme of the categories by which clients recognise read and starred entries."""
_EMPTY_FEED_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Update time of a feed without entries; the present time would change the feed with each request."""


def atom_feed(channel: Channel) -> Iterator[bytes]:
    """Yield the feed in pieces, with the entries in the channel's order."""
    nsmap: dict[str | None, str] = {None: ATOM_NAMESPACE, "media": MEDIA_NAMESPACE, "fh": HISTORY_NAMESPACE}
    entries = (partial(_write_entry, entry=entry) for entry in channel.entries)
    return stream_xml([(atom_name("feed"), {})], nsmap, partial(_write_head, channel=channel), entries)


def _write_head(writer: XmlWriter, channel: Channel) -> None:
    writer.write_element(atom_name("id"), channel.id)
    writer.write_element(atom_name("title"), clean_line(channel.title))
    if channel.description:
        writer.write_element(atom_name("subtitle"), clean_line(channel.description))
    writer.write_element(atom_name("updated"), format_timestamp(channel.updated or _EMPTY_FEED_TIME))
    writer.write_element(atom_name("generator"), "evnews")
    writer.write_element(atom_name("link"), rel="alternate", href=encode_web_url(channel.home))
    for relation, url in channel.links:
        kind = {} if relation == "hub" else {"type": "application/atom+xml"}
        writer.write_element(atom_name("link"), rel=relation, **kind, href=encode_web_url(url))
    if channel.current_url:
        writer.write_element(f"{{{HISTORY_NAMESPACE}}}archive")


def _write_entry(writer: XmlWriter, entry: FeedEntry) -> None:
    with writer.xml.element(atom_name("entry")):
        writer.write_element(atom_name("id"), entry.id)
        writer.write_element(atom_name("title"), entry.title)
        if entry.url:
            writer.write_element(atom_name("link"), rel="alternate", href=entry.url)
        writer.write_element(atom_name("updated"), format_timestamp(entry.updated))
        if entry.published:
            writer.write_element(atom_name("published"), format_timestamp(entry.published))
        for author in entry.authors or entry.publishers[:1] or ("unknown",):
            with writer.xml.element(atom_name("author")):
                writer.write_element(atom_name("name"), author)
        for tag in entry.tags:
            writer.write_element(atom_name("category"), term=tag)
        for term, label in entry.states:
            writer.write_element(atom_name("category"), term=term, label=label, scheme=_STATE_SCHEME)
        if entry.summary or not (entry.html or entry.url):
            writer.write_element(atom_name("summary"), entry.summary)
        if entry.html:
            writer.write_element(atom_name("content"), entry.html, type="html")
        if entry.image:
            writer.write_element(f"{{{MEDIA_NAMESPACE}}}content", url=entry.image, medium="image")
