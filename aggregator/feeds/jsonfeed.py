"""Write a Channel as JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from aggregator.feeds.channel import Channel, FeedEntry, encode_web_url
from aggregator.feeds.timestamps import format_timestamp
from storage.text.clean import clean_line


def json_feed(channel: Channel) -> Iterator[bytes]:
    """Yield the feed in pieces, with the entries in the channel's order."""
    head: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": clean_line(channel.title) or "evnews",
        "home_page_url": encode_web_url(channel.home),
        "feed_url": encode_web_url(channel.self_url),
        "next_url": encode_web_url(channel.next_url),
        "description": clean_line(channel.description),
    }
    if channel.hub:
        head["hubs"] = [{"type": "WebSub", "url": encode_web_url(channel.hub)}]
    yield _encode_json({name: value for name, value in head.items() if value})[:-1] + b', "items": ['
    for number, entry in enumerate(channel.entries):
        yield (b",\n" if number else b"\n") + _encode_json(_item_fields(entry))
    yield b"\n]}\n"


def _item_fields(entry: FeedEntry) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "image": entry.image,
        "date_published": format_timestamp(entry.published) if entry.published else "",
        "date_modified": format_timestamp(entry.updated),
        "authors": [{"name": name} for name in entry.authors],
        "tags": list(entry.tags),
        "language": entry.language,
    }
    known = {name: value for name, value in item.items() if value}
    # The format requires content_html or content_text, even if it is empty.
    return {**known, "content_html": entry.html} if entry.html else {**known, "content_text": entry.summary}


def _encode_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
