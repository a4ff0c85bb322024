"""A Channel as an Atom 1.0 feed (RFC 4287)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from aggregator.feeds.channel import Channel, Entry, web_url
from aggregator.feeds.timestamps import spelled
from aggregator.feeds.xml import ATOM, HISTORY, MEDIA, Writer, atom, streamed
from storage.text.clean import clean_line

_STATES = "http://www.google.com/reader/"
"""The scheme by which readers' apps know what was read and starred."""
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a feed without entries was updated: the present time would make it another one each time."""


def atom_feed(channel: Channel) -> Iterator[bytes]:
    """The feed in pieces, entries in the channel's order."""
    nsmap: dict[str | None, str] = {None: ATOM, "media": MEDIA, "fh": HISTORY}
    entries = (partial(_write_entry, entry=entry) for entry in channel.entries)
    return streamed([(atom("feed"), {})], nsmap, partial(_write_head, channel=channel), entries)


def _write_head(writer: Writer, channel: Channel) -> None:
    writer.write(atom("id"), channel.id)
    writer.write(atom("title"), clean_line(channel.title))
    if channel.description:
        writer.write(atom("subtitle"), clean_line(channel.description))
    writer.write(atom("updated"), spelled(channel.updated or _NEVER))
    writer.write(atom("generator"), "evnews")
    writer.write(atom("link"), rel="alternate", href=web_url(channel.home))
    for relation, url in channel.links:
        kind = {} if relation == "hub" else {"type": "application/atom+xml"}
        writer.write(atom("link"), rel=relation, **kind, href=web_url(url))
    if channel.current_url:
        writer.write(f"{{{HISTORY}}}archive")


def _write_entry(writer: Writer, entry: Entry) -> None:
    with writer.xml.element(atom("entry")):
        writer.write(atom("id"), entry.id)
        writer.write(atom("title"), entry.title)
        if entry.url:
            writer.write(atom("link"), rel="alternate", href=entry.url)
        writer.write(atom("updated"), spelled(entry.updated))
        if entry.published:
            writer.write(atom("published"), spelled(entry.published))
        for author in entry.authors or entry.publishers[:1] or ("unknown",):
            with writer.xml.element(atom("author")):
                writer.write(atom("name"), author)
        for tag in entry.tags:
            writer.write(atom("category"), term=tag)
        for term, label in entry.states:
            writer.write(atom("category"), term=term, label=label, scheme=_STATES)
        if entry.summary or not (entry.html or entry.url):
            writer.write(atom("summary"), entry.summary)
        if entry.html:
            writer.write(atom("content"), entry.html, type="html")
        if entry.image:
            writer.write(f"{{{MEDIA}}}content", url=entry.image, medium="image")
