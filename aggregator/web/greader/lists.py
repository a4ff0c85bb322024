"""Read requests of a client: subscriptions, labels, streams of articles and unread counts."""

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
"""Maximum unread count that apps display."""


def get_user_info(_: GReaderApi, call: GReaderCall) -> Response:
    """Return the reader: the name of the token."""
    name = call.token.name
    return JSONResponse({"userId": name, "userName": name, "userProfileId": name, "userEmail": name})


def list_subscriptions(api: GReaderApi, _: GReaderCall) -> Response:
    """Return a subscription for each source with articles."""
    subscriptions = []
    for source in Library(api.database).sources():
        subscriptions.append(
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
    return JSONResponse({"subscriptions": subscriptions})


def list_tags(api: GReaderApi, call: GReaderCall) -> Response:
    """Return the starred state, and a label for each saved search and each topic with articles."""
    queries = api.resolve_searches()
    with api.database.read() as tx:
        unread = streams.count_unread(tx, call.token.name, queries, api.muted, api.now())
    names = [*queries, *(topic.name for topic in Library(api.database).topic_counts())]
    counts = unread.topics | unread.searches
    tags: list[dict[str, Any]] = [{"id": f"{STATE_PREFIX}starred", "sortid": "00000000"}]
    for number, name in enumerate(dict.fromkeys(names), 1):
        count = min(counts.get(name, UnreadCount()).count, _MAX_UNREAD)
        tags.append({"id": f"{LABEL_PREFIX}{name}", "sortid": f"{number:08X}", "type": "tag", "unread_count": count})
    return JSONResponse({"tags": tags})


def count_unread(api: GReaderApi, call: GReaderCall) -> Response:
    """Return the number of unread articles of each stream that has any."""
    with api.database.read() as tx:
        unread = streams.count_unread(tx, call.token.name, api.resolve_searches(), api.muted, api.now())
    counts = [
        {
            "id": name,
            "count": min(count.count, _MAX_UNREAD),
            "newestItemTimestampUsec": str(to_microseconds(count.newest_at)),
        }
        for name, count in _name_counts(unread).items()
        if count.newest_at is not None
    ]
    return JSONResponse({"max": _MAX_UNREAD, "unreadcounts": counts})


def _name_counts(counts: UnreadCounts) -> dict[str, UnreadCount]:
    """Return the unread counts by stream name."""
    sources = {f"{FEED_PREFIX}{name}": count for name, count in counts.sources.items()}
    labels = {f"{LABEL_PREFIX}{name}": count for name, count in (counts.topics | counts.searches).items()}
    return {**sources, **labels, READING_LIST: counts.total}


def parse_stream(api: GReaderApi, call: GReaderCall) -> tuple[str, Stream]:
    """Return the requested stream and its name. Raises GReaderError."""
    name = normalize_stream_name(call.stream_path or call.get("s") or READING_LIST)
    if name == READING_LIST:
        return name, Stream(muted=api.muted)
    if state := parse_entry_state(name):
        return name, Stream(kind=StreamKind.STATE, name=state)
    if name.startswith(FEED_PREFIX):
        return name, Stream(kind=StreamKind.SOURCE, name=name.removeprefix(FEED_PREFIX), muted=api.muted)
    if name.startswith(LABEL_PREFIX):
        label = name.removeprefix(LABEL_PREFIX)
        query = api.resolve_searches().get(label)
        if query is not None:
            return name, Stream(kind=StreamKind.SEARCH, name=label, query=query, muted=api.muted)
        return name, Stream(kind=StreamKind.TOPIC, name=label, muted=api.muted)
    raise GReaderError(404, "There is no such stream; subscription/list and tag/list return all streams.")


def _list_stream(api: GReaderApi, call: GReaderCall, most: int) -> tuple[str, StreamPage]:
    name, stream = parse_stream(api, call)
    request = StreamRequest(
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
        return name, streams.list_stream(tx, call.token.name, request, api.now())


def _parse_entry_states(call: GReaderCall, field: str) -> frozenset[EntryState]:
    return frozenset(state for name in call.get_all(field) if (state := parse_entry_state(name)))


def list_item_ids(api: GReaderApi, call: GReaderCall) -> Response:
    """Return the ids of one page of a stream."""
    _, page = _list_stream(api, call, _MAX_IDS)
    items = [
        {
            "id": str(item.id),
            "directStreamIds": [f"{FEED_PREFIX}{item.source}"],
            "timestampUsec": str(to_microseconds(item.arrived_at)),
        }
        for item in page.items
    ]
    return JSONResponse({"itemRefs": items} | _continuation_fields(page))


def list_contents(api: GReaderApi, call: GReaderCall) -> Response:
    """Return the articles of one page of a stream."""
    name, page = _list_stream(api, call, _MAX_ITEMS)
    items = [make_item(article) for article in _load_articles(api, call, [item.id for item in page.items])]
    return JSONResponse(_stream_fields(api, name, items) | _continuation_fields(page))


def list_items_by_id(api: GReaderApi, call: GReaderCall) -> Response:
    """Return articles by their ids."""
    ids = [number for text in call.get_all("i") if (number := parse_item_id(text))]
    if len(ids) > _MAX_REQUESTED_ITEMS:
        raise GReaderError(413, f"At most {_MAX_REQUESTED_ITEMS} items can be requested at once.")
    with api.database.read() as tx:
        current_ids = read_state.resolve_ids(tx, ids)
    known_ids = list(dict.fromkeys(current_ids[number] for number in ids if number in current_ids))
    items = [make_item(article) for article in _load_articles(api, call, known_ids)]
    return JSONResponse(_stream_fields(api, READING_LIST, items))


def _stream_fields(api: GReaderApi, name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    newest = max((item["updated"] for item in items), default=0)
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


def _continuation_fields(page: StreamPage) -> dict[str, str]:
    return {"continuation": format_continuation(page.next_position)} if page.next_position else {}


def render_atom_stream(api: GReaderApi, call: GReaderCall) -> Response:
    """Return a stream as an Atom feed, which Newsboat requests."""
    name, page = _list_stream(api, call, _MAX_ITEMS)
    articles = _load_articles(api, call, [item.id for item in page.items])
    entries = tuple(make_atom_entry(article) for article in articles)
    channel = Channel(title=_stream_title(name), home=api.base_url, id=f"urn:evnews:stream:{name}", entries=entries)
    return Response(b"".join(atom_feed(channel)), media_type="application/atom+xml; charset=utf-8")


def _load_articles(api: GReaderApi, call: GReaderCall, ids: list[int]) -> list[GReaderArticle]:
    """Return articles by their ids, with their states for the reader and their labels."""
    articles = Library(api.database).articles_by_id(ids)
    arrived = {article.id: article.first_seen for article in articles}
    with api.database.read() as tx:
        states = read_state.load_states(tx, call.token.name, arrived, api.now())
        searches = streams.match_searches(tx, api.resolve_searches(), list(arrived), api.now())
    return [
        GReaderArticle(
            article=article, states=states[article.id], labels=collect_labels(article, searches.get(article.id, ()))
        )
        for article in articles
    ]
