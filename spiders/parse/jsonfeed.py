"""JSON Feed 1.0 and 1.1 to leads; every value is looked at before it is believed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime

from spiders.parse.dates import Stamp, newest_first, read_date
from spiders.parse.feed_entry import MAX_AUTHORS, MAX_NAME, MAX_SUMMARY, MAX_TAGS, MAX_TITLE, language_tag, person
from spiders.parse.html_text import plain
from spiders.parse.links import absolute
from storage.model.page import Index, Lead
from storage.text.clean import clean_line

Table = Mapping[str, object]


def read_json(text: str, url: str, *, limit: int, now: datetime) -> Index:
    """The newest `limit` items of a JSON Feed; never raises."""
    try:
        feed = json.loads(text)
    except RecursionError:
        return Index(kind="feed", problem="JSON that is nested too deep")
    except ValueError as error:
        return Index(kind="feed", problem=f"damaged JSON: {str(error)[:100]}")
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(feed, dict) or not isinstance(items, list):
        return Index(kind="feed", problem="JSON, but not a JSON Feed: it has no list of items")
    entries = [item for item in items if isinstance(item, dict)]
    chosen = newest_first([_moment(item, now) for item in entries])[:limit]
    read = [_read_item(entries[place], url, now) for place in chosen]
    leads = tuple(lead for lead in read if lead is not None)
    lost = len(read) - len(leads)
    return Index(
        kind="feed", title=plain(_text(feed, "title"), MAX_TITLE), home=absolute(url, _text(feed, "home_page_url")),
        language=language_tag(_text(feed, "language")), leads=leads, total=len(entries) - lost,
        notes=(f"entries without an address: {lost}",) if lost else (),
    )  # fmt: skip


def _read_item(item: Table, url: str, now: datetime) -> Lead | None:
    addresses = (absolute(url, _text(item, name)) for name in ("url", "external_url"))
    address = next(filter(None, addresses), "") or _permalink(item)
    if not address:
        return None
    published, updated = _date(item, "date_published", now), _date(item, "date_modified", now)
    return Lead(
        url=address,
        id=clean_line(_identifier(item), 2048),
        title=plain(_text(item, "title"), MAX_TITLE, markup=False),
        summary=plain(_text(item, "summary"), MAX_SUMMARY),
        authors=_authors(item),
        published=published.at if published else None,
        published_raw=clean_line(_text(item, "date_published"), 200),
        zone_known=published.zone_known if published else True,
        updated=updated.at if updated else None,
        language=language_tag(_text(item, "language")),
        image=next(filter(None, (absolute(url, _text(item, name)) for name in ("image", "banner_image"))), ""),
        tags=_tags(item),
    )


def _text(table: Table, name: str) -> str:
    value = table.get(name)
    return value if isinstance(value, str) else ""


def _identifier(item: Table) -> str:
    value = item.get("id")
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return "" if isinstance(value, float) and not math.isfinite(value) else str(value)


def _permalink(item: Table) -> str:
    text = _text(item, "id")
    return absolute("", text) if text.startswith(("http://", "https://")) else ""


def _date(item: Table, name: str, now: datetime) -> Stamp | None:
    return read_date(_text(item, name), now)


def _moment(item: Table, now: datetime) -> datetime | None:
    stamp = _date(item, "date_published", now) or _date(item, "date_modified", now)
    return stamp.at if stamp else None


def _authors(item: Table) -> tuple[str, ...]:
    listed = item.get("authors")
    people = listed if isinstance(listed, list) else [item.get("author")]
    names = (_text(one, "name") if isinstance(one, dict) else one for one in people[:MAX_AUTHORS])
    return tuple(dict.fromkeys(filter(None, (person(name) for name in names if isinstance(name, str)))))


def _tags(item: Table) -> tuple[str, ...]:
    listed = item.get("tags")
    texts = [tag for tag in listed[: 4 * MAX_TAGS] if isinstance(tag, str)] if isinstance(listed, list) else []
    return tuple(dict.fromkeys(filter(None, (plain(tag, MAX_NAME) for tag in texts))))[:MAX_TAGS]
