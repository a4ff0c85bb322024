"""Parse JSON Feed 1.0 and 1.1 to leads; every value is validated."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime

from spiders.parse.dates import ParsedDate, order_newest_first, parse_date
from spiders.parse.feed_entry import (
    MAX_AUTHORS,
    MAX_NAME,
    MAX_SUMMARY,
    MAX_TAGS,
    MAX_TITLE,
    normalize_language,
    parse_person,
)
from spiders.parse.html_text import to_plain_text
from spiders.parse.links import resolve_url
from storage.model.page import Lead, ParsedIndex
from storage.text.clean import clean_line

JsonObject = Mapping[str, object]


def read_json(text: str, url: str, *, limit: int, now: datetime) -> ParsedIndex:
    """Return the newest `limit` items of a JSON Feed; never raises."""
    try:
        feed = json.loads(text)
    except RecursionError:
        return ParsedIndex(kind="feed", problem="JSON that is nested too deeply")
    except ValueError as error:
        return ParsedIndex(kind="feed", problem=f"damaged JSON: {str(error)[:100]}")
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(feed, dict) or not isinstance(items, list):
        return ParsedIndex(kind="feed", problem="JSON, but not a JSON Feed: it has no list of items")
    entries = [item for item in items if isinstance(item, dict)]
    chosen = order_newest_first([_moment(item, now) for item in entries])[:limit]
    parsed = [_read_item(entries[position], url, now) for position in chosen]
    leads = tuple(lead for lead in parsed if lead is not None)
    skipped = len(parsed) - len(leads)
    return ParsedIndex(
        kind="feed",
        title=to_plain_text(_text(feed, "title"), MAX_TITLE),
        home=resolve_url(url, _text(feed, "home_page_url")),
        language=normalize_language(_text(feed, "language")),
        leads=leads,
        total=len(entries) - skipped,
        notes=(f"entries without an address: {skipped}",) if skipped else (),
    )


def _read_item(item: JsonObject, url: str, now: datetime) -> Lead | None:
    addresses = (resolve_url(url, _text(item, name)) for name in ("url", "external_url"))
    address = next(filter(None, addresses), "") or _permalink(item)
    if not address:
        return None
    published, updated = _date(item, "date_published", now), _date(item, "date_modified", now)
    return Lead(
        url=address,
        id=clean_line(_identifier(item), 2048),
        title=to_plain_text(_text(item, "title"), MAX_TITLE, is_markup=False),
        summary=to_plain_text(_text(item, "summary"), MAX_SUMMARY),
        authors=_authors(item),
        published=published.at if published else None,
        published_raw=clean_line(_text(item, "date_published"), 200),
        zone_known=published.has_zone if published else True,
        updated=updated.at if updated else None,
        language=normalize_language(_text(item, "language")),
        image=next(filter(None, (resolve_url(url, _text(item, name)) for name in ("image", "banner_image"))), ""),
        tags=_tags(item),
    )


def _text(table: JsonObject, name: str) -> str:
    value = table.get(name)
    return value if isinstance(value, str) else ""


def _identifier(item: JsonObject) -> str:
    value = item.get("id")
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return "" if isinstance(value, float) and not math.isfinite(value) else str(value)


def _permalink(item: JsonObject) -> str:
    text = _text(item, "id")
    return resolve_url("", text) if text.startswith(("http://", "https://")) else ""


def _date(item: JsonObject, name: str, now: datetime) -> ParsedDate | None:
    return parse_date(_text(item, name), now)


def _moment(item: JsonObject, now: datetime) -> datetime | None:
    stamp = _date(item, "date_published", now) or _date(item, "date_modified", now)
    return stamp.at if stamp else None


def _authors(item: JsonObject) -> tuple[str, ...]:
    authors = item.get("authors")
    people = authors if isinstance(authors, list) else [item.get("author")]
    names = (_text(person, "name") if isinstance(person, dict) else person for person in people[:MAX_AUTHORS])
    return tuple(dict.fromkeys(filter(None, (parse_person(name) for name in names if isinstance(name, str)))))


def _tags(item: JsonObject) -> tuple[str, ...]:
    tags = item.get("tags")
    texts = [tag for tag in tags[: 4 * MAX_TAGS] if isinstance(tag, str)] if isinstance(tags, list) else []
    return tuple(dict.fromkeys(filter(None, (to_plain_text(tag, MAX_NAME) for tag in texts))))[:MAX_TAGS]
