"""A Channel as an Atom 1.0 feed (RFC 4287)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from aggregator.feeds.channel import Channel, Entry
from aggregator.feeds.links import web_url
from aggregator.feeds.xml import ATOM, MEDIA, Pieces, atom, written
from storage.text import clean_line

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a feed without entries was updated: the present time would make it another one each time."""


def atom_feed(channel: Channel) -> Iterator[bytes]:
    """The feed in pieces, entries in the channel's order."""
    nsmap: dict[str | None, str] = {None: ATOM, "media": MEDIA}
    with written(atom("feed"), nsmap) as (pieces, out):
        _write_head(pieces, channel)
        for entry in channel.entries:
            _write_entry(pieces, entry)
            yield pieces.taken()
        pieces.xml.flush()
    yield out.getvalue()


def _write_head(pieces: Pieces, channel: Channel) -> None:
    pieces.write(atom("id"), channel.id)
    pieces.write(atom("title"), clean_line(channel.title))
    if channel.description:
        pieces.write(atom("subtitle"), clean_line(channel.description))
    pieces.write(atom("updated"), _date(channel.updated or _NEVER))
    pieces.write(atom("generator"), "evnews")
    pieces.write(atom("link"), rel="alternate", href=web_url(channel.home))
    for relation, url in (("self", channel.self_url), ("next", channel.next_url)):
        if url:
            pieces.write(atom("link"), rel=relation, type="application/atom+xml", href=web_url(url))


def _write_entry(pieces: Pieces, entry: Entry) -> None:
    with pieces.xml.element(atom("entry")):
        pieces.write(atom("id"), entry.id)
        pieces.write(atom("title"), entry.title)
        if entry.url:
            pieces.write(atom("link"), rel="alternate", href=entry.url)
        pieces.write(atom("updated"), _date(entry.updated))
        if entry.published:
            pieces.write(atom("published"), _date(entry.published))
        for author in entry.authors or entry.publishers[:1] or ("unknown",):
            with pieces.xml.element(atom("author")):
                pieces.write(atom("name"), author)
        for tag in entry.tags:
            pieces.write(atom("category"), term=tag)
        if entry.summary or not (entry.html or entry.url):
            pieces.write(atom("summary"), entry.summary)
        if entry.html:
            pieces.write(atom("content"), entry.html, type="html")
        if entry.image:
            pieces.write(f"{{{MEDIA}}}content", url=entry.image, medium="image")


def _date(at: datetime) -> str:
    moment = at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    return f"{moment.isoformat()}Z"
