"""What an app asks: subscriptions, labels, streams of articles, and how many are unread."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from aggregator.feeds.atom import atom_feed
from aggregator.feeds.channel import Channel
from aggregator.web.greader.call import GReaderApi, GReaderCall, GReaderError
from aggregator.web.greader.ids import (
    FEED_PREFIX,
    LABEL_PREFIX,
    READING_LIST,
    STATE_PREFIX,
    format_continuation,
    normalize_stream_name,
    parse_continuation,
    parse_entry_state,
    parse_item_id,
    parse_timestamp,
)
from aggregator.web.greader.items import GReaderArticle, collect_labels, find_home_page, make_atom_entry, make_item
from storage.library import Library
from storage.readers import read_state, streams
from storage.readers.read_state import EntryState
from storage.readers.streams import Stream, StreamKind, StreamPage, StreamRequest, UnreadCount, UnreadCounts
from storage.timestamps import to_microseconds

_MAX_IDS, _MAX_ITEMS, _MAX_REQUESTED_ITEMS = 10_000, 200, 1_000
_DEFAULT_ITEMS = 20
_MAX_UNREAD = 1_000
"""What apps show at most as a number of unread articles."""


def get_user_info(_: GReaderApi, call: GReaderCall) -> Response:
    """Who asks."""
    name = call.token.name
    return JSONResponse({"userId": name, "userName": name, "userProfileId": name, "userEmail": name})


def list_subscriptions(api: GReaderApi, _: GReaderCall) -> Response:
    """Each source that articles are kept of."""
    found = []
    for source in Library(api.database).sources():
        found.append(
            {
                "id": f"{FEED_PREFIX}{source.name}",
                "title": source.name,
                "categories": [],
                "sortid": f"{source.first_id:08X}"[-8:],
                "firstitemmsec": str(to_microseconds(source.first_seen) // 1000),
                "url": f"{api.base_url}feeds/source/{source.name}.atom",
                "htmlUrl": find_home_page(source.url),
                "iconUrl": "",
            }
        )
    return JSONResponse({"subscriptions": found})


def list_tags(api: GReaderApi, call: GReaderCall) -> Response:
    """What is starred, each saved search, and each topic that an article names."""
    words = api.resolve_searches()
    with api.database.read() as tx:
        tally = streams.count_unread(tx, call.token.name, words, api.muted, api.now())
    names = [*words, *(one.name for one in Library(api.database).topic_counts())]
    counts = tally.topics | tally.searches
    tags: list[dict[str, Any]] = [{"id": f"{STATE_PREFIX}starred", "sortid": "00000000"}]
    for number, name in enumerate(dict.fromkeys(names), 1):
        count = min(counts.get(name, UnreadCount()).count, _MAX_UNREAD)
        tags.append({"id": f"{LABEL_PREFIX}{name}", "sortid": f"{number:08X}", "type": "tag", "unread_count": count})
    return JSONResponse({"tags": tags})


def count_unread(api: GReaderApi, call: GReaderCall) -> Response:
    """How many are unread of each stream that has any."""
    with api.database.read() as tx:
        tally = streams.count_unread(tx, call.token.name, api.resolve_searches(), api.muted, api.now())
    found = [
        {
            "id": name,
            "count": min(one.count, _MAX_UNREAD),
            "newestItemTimestampUsec": str(to_microseconds(one.newest_at)),
        }
        for name, one in _name_counts(tally).items()
        if one.newest_at is not None
    ]
    return JSONResponse({"max": _MAX_UNREAD, "unreadcounts": found})


def _name_counts(counts: UnreadCounts) -> dict[str, UnreadCount]:
    """What is unread by the names of streams."""
    sources = {f"{FEED_PREFIX}{name}": one for name, one in counts.sources.items()}
    labels = {f"{LABEL_PREFIX}{name}": one for name, one in (counts.topics | counts.searches).items()}
    return {**sources, **labels, READING_LIST: counts.total}


def parse_stream(api: GReaderApi, call: GReaderCall) -> tuple[str, Stream]:
    """The stream that is asked for, with its name. Raises Refused."""
    name = normalize_stream_name(call.stream_path or call.get("s") or READING_LIST)
    if name == READING_LIST:
        return name, Stream(muted=api.muted)
    if mark := parse_entry_state(name):
        return name, Stream(kind=StreamKind.STATE, name=mark)
    if name.startswith(FEED_PREFIX):
        return name, Stream(kind=StreamKind.SOURCE, name=name.removeprefix(FEED_PREFIX), muted=api.muted)
    if name.startswith(LABEL_PREFIX):
        label = name.removeprefix(LABEL_PREFIX)
        words = api.resolve_searches().get(label)
        if words is not None:
            return name, Stream(kind=StreamKind.SEARCH, name=label, query=words, muted=api.muted)
        return name, Stream(kind=StreamKind.TOPIC, name=label, muted=api.muted)
    raise GReaderError(404, "There is no such stream; subscription/list and tag/list name those that there are.")


def _list_stream(api: GReaderApi, call: GReaderCall, most: int) -> tuple[str, StreamPage]:
    name, stream = parse_stream(api, call)
    asked = StreamRequest(
        stream=stream,
        since=parse_timestamp(call.get("ot")),
        until=parse_timestamp(call.get("nt")),
        with_states=_parse_entry_states(call, "it"),
        without_states=_parse_entry_states(call, "xt"),
        oldest_first=call.get("r") == "o",
        after=parse_continuation(call.get("c")),
        limit=call.get_number("n", _DEFAULT_ITEMS, most),
    )
    with api.database.read() as tx:
        return name, streams.list_stream(tx, call.token.name, asked, api.now())


def _parse_entry_states(call: GReaderCall, field: str) -> frozenset[EntryState]:
    return frozenset(mark for name in call.get_all(field) if (mark := parse_entry_state(name)))


def list_item_ids(api: GReaderApi, call: GReaderCall) -> Response:
    """The ids of a stream, page by page."""
    _, listed = _list_stream(api, call, _MAX_IDS)
    found = [
        {
            "id": str(one.id),
            "directStreamIds": [f"{FEED_PREFIX}{one.source}"],
            "timestampUsec": str(to_microseconds(one.arrived_at)),
        }
        for one in listed.items
    ]
    return JSONResponse({"itemRefs": found} | _continuation_fields(listed))


def list_contents(api: GReaderApi, call: GReaderCall) -> Response:
    """The articles of a stream, page by page."""
    name, listed = _list_stream(api, call, _MAX_ITEMS)
    items = [make_item(told) for told in _load_articles(api, call, [one.id for one in listed.items])]
    return JSONResponse(_stream_fields(api, name, items) | _continuation_fields(listed))


def list_items_by_id(api: GReaderApi, call: GReaderCall) -> Response:
    """Articles by their ids."""
    ids = [found for text in call.get_all("i") if (found := parse_item_id(text))]
    if len(ids) > _MAX_REQUESTED_ITEMS:
        raise GReaderError(413, f"At most {_MAX_REQUESTED_ITEMS} items are given at once.")
    with api.database.read() as tx:
        kept = read_state.resolve_ids(tx, ids)
    there = list(dict.fromkeys(kept[one] for one in ids if one in kept))
    return JSONResponse(
        _stream_fields(api, READING_LIST, [make_item(told) for told in _load_articles(api, call, there)])
    )


def _stream_fields(api: GReaderApi, name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    newest = max((one["updated"] for one in items), default=0)
    return {
        "direction": "ltr",
        "id": name,
        "title": _stream_title(name),
        "self": [{"href": api.base_url}],
        "updated": newest,
        "items": items,
    }


def _stream_title(name: str) -> str:
    return name.removeprefix(FEED_PREFIX).removeprefix(LABEL_PREFIX).removeprefix(STATE_PREFIX)


def _continuation_fields(listed: StreamPage) -> dict[str, str]:
    return {"continuation": format_continuation(listed.next_position)} if listed.next_position else {}


def render_atom_stream(api: GReaderApi, call: GReaderCall) -> Response:
    """A stream as an Atom feed, as Newsboat asks for it."""
    name, listed = _list_stream(api, call, _MAX_ITEMS)
    entries = tuple(make_atom_entry(told) for told in _load_articles(api, call, [one.id for one in listed.items]))
    channel = Channel(title=_stream_title(name), home=api.base_url, id=f"urn:evnews:stream:{name}", entries=entries)
    return Response(b"".join(atom_feed(channel)), media_type="application/atom+xml; charset=utf-8")


def _load_articles(api: GReaderApi, call: GReaderCall, ids: list[int]) -> list[GReaderArticle]:
    """The articles of some ids, with what was said of them."""
    articles = Library(api.database).articles_by_id(ids)
    arrived = {one.id: one.first_seen for one in articles}
    with api.database.read() as tx:
        said = read_state.load_states(tx, call.token.name, arrived, api.now())
        found = streams.match_searches(tx, api.resolve_searches(), list(arrived), api.now())
    return [
        GReaderArticle(article=one, states=said[one.id], labels=collect_labels(one, found.get(one.id, ())))
        for one in articles
    ]
