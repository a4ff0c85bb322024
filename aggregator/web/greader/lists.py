"""What an app asks: subscriptions, labels, streams of articles, and how many are unread."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from aggregator.feeds.atom import atom_feed
from aggregator.feeds.channel import Channel
from aggregator.web.greader.call import Call, Refused, Sync
from aggregator.web.greader.ids import (
    FEED,
    LABEL,
    READING_LIST,
    STATE,
    item_id,
    mark_named,
    plain,
    read_place,
    spell_place,
    stamped,
)
from aggregator.web.greader.items import Told, entry_of, home_of, item, labels_of
from storage.library import Library
from storage.readers import read_state as readers
from storage.readers import streams
from storage.readers.read_state import Mark
from storage.readers.streams import Asked, Kind, Listed, Stream, Tally, Unread
from storage.timestamps import micros

_MOST_IDS, _MOST_ITEMS, _MOST_ASKED = 10_000, 200, 1_000
_USUAL = 20
_MAX = 1_000
"""What apps show at most as a number of unread articles."""


def user(_: Sync, call: Call) -> Response:
    """Who asks."""
    name = call.token.name
    return JSONResponse({"userId": name, "userName": name, "userProfileId": name, "userEmail": name})


def subscriptions(sync: Sync, _: Call) -> Response:
    """Each source that articles are kept of."""
    found = []
    for source in Library(sync.database).sources():
        found.append(
            {
                "id": f"{FEED}{source.name}",
                "title": source.name,
                "categories": [],
                "sortid": f"{source.first_id:08X}"[-8:],
                "firstitemmsec": str(micros(source.first_seen) // 1000),
                "url": f"{sync.base}feeds/source/{source.name}.atom",
                "htmlUrl": home_of(source.url),
                "iconUrl": "",
            }
        )
    return JSONResponse({"subscriptions": found})


def tags(sync: Sync, call: Call) -> Response:
    """What is starred, each saved search, and each topic that an article names."""
    words = sync.words_of()
    with sync.database.read() as tx:
        tally = streams.unread(tx, call.token.name, words, sync.muted, sync.now())
    names = [*words, *(one.name for one in Library(sync.database).topic_counts())]
    counts = tally.topics | tally.searches
    tags: list[dict[str, Any]] = [{"id": f"{STATE}starred", "sortid": "00000000"}]
    for number, name in enumerate(dict.fromkeys(names), 1):
        count = min(counts.get(name, Unread()).count, _MAX)
        tags.append({"id": f"{LABEL}{name}", "sortid": f"{number:08X}", "type": "tag", "unread_count": count})
    return JSONResponse({"tags": tags})


def unread_count(sync: Sync, call: Call) -> Response:
    """How many are unread of each stream that has any."""
    with sync.database.read() as tx:
        tally = streams.unread(tx, call.token.name, sync.words_of(), sync.muted, sync.now())
    found = [
        {"id": name, "count": min(one.count, _MAX), "newestItemTimestampUsec": str(micros(one.newest))}
        for name, one in _named(tally).items()
        if one.newest is not None
    ]
    return JSONResponse({"max": _MAX, "unreadcounts": found})


def _named(tally: Tally) -> dict[str, Unread]:
    """What is unread by the names of streams."""
    sources = {f"{FEED}{name}": one for name, one in tally.sources.items()}
    labels = {f"{LABEL}{name}": one for name, one in (tally.topics | tally.searches).items()}
    return {**sources, **labels, READING_LIST: tally.all}


def stream_of(sync: Sync, call: Call) -> tuple[str, Stream]:
    """The stream that is asked for, with its name. Raises Refused."""
    name = plain(call.path or call.one("s") or READING_LIST)
    if name == READING_LIST:
        return name, Stream(muted=sync.muted)
    if mark := mark_named(name):
        return name, Stream(kind=Kind.MARKED, name=mark)
    if name.startswith(FEED):
        return name, Stream(kind=Kind.SOURCE, name=name.removeprefix(FEED), muted=sync.muted)
    if name.startswith(LABEL):
        label = name.removeprefix(LABEL)
        words = sync.words_of().get(label)
        if words is not None:
            return name, Stream(kind=Kind.SEARCH, name=label, words=words, muted=sync.muted)
        return name, Stream(kind=Kind.TOPIC, name=label, muted=sync.muted)
    raise Refused(404, "There is no such stream; subscription/list and tag/list name those that there are.")


def _listed(sync: Sync, call: Call, most: int) -> tuple[str, Listed]:
    name, stream = stream_of(sync, call)
    asked = Asked(
        stream=stream,
        since=stamped(call.one("ot")),
        until=stamped(call.one("nt")),
        only=_marks(call, "it"),
        without=_marks(call, "xt"),
        oldest=call.one("r") == "o",
        after=read_place(call.one("c")),
        most=call.number("n", _USUAL, most),
    )
    with sync.database.read() as tx:
        return name, streams.listed(tx, call.token.name, asked, sync.now())


def _marks(call: Call, field: str) -> frozenset[Mark]:
    return frozenset(mark for name in call.all(field) if (mark := mark_named(name)))


def ids(sync: Sync, call: Call) -> Response:
    """The ids of a stream, page by page."""
    _, listed = _listed(sync, call, _MOST_IDS)
    found = [
        {"id": str(one.id), "directStreamIds": [f"{FEED}{one.source}"], "timestampUsec": str(micros(one.arrived))}
        for one in listed.items
    ]
    return JSONResponse({"itemRefs": found} | _following(listed))


def contents(sync: Sync, call: Call) -> Response:
    """The articles of a stream, page by page."""
    name, listed = _listed(sync, call, _MOST_ITEMS)
    items = [item(told) for told in _told(sync, call, [one.id for one in listed.items])]
    return JSONResponse(_titled(sync, name, items) | _following(listed))


def contents_of(sync: Sync, call: Call) -> Response:
    """Articles by their ids."""
    ids = [found for text in call.all("i") if (found := item_id(text))]
    if len(ids) > _MOST_ASKED:
        raise Refused(413, f"At most {_MOST_ASKED} items are given at once.")
    with sync.database.read() as tx:
        kept = readers.kept_ids(tx, ids)
    there = list(dict.fromkeys(kept[one] for one in ids if one in kept))
    return JSONResponse(_titled(sync, READING_LIST, [item(told) for told in _told(sync, call, there)]))


def _titled(sync: Sync, name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    newest = max((one["updated"] for one in items), default=0)
    return {
        "direction": "ltr",
        "id": name,
        "title": _title(name),
        "self": [{"href": sync.base}],
        "updated": newest,
        "items": items,
    }


def _title(name: str) -> str:
    return name.removeprefix(FEED).removeprefix(LABEL).removeprefix(STATE)


def _following(listed: Listed) -> dict[str, str]:
    return {"continuation": spell_place(listed.following)} if listed.following else {}


def atom(sync: Sync, call: Call) -> Response:
    """A stream as an Atom feed, as Newsboat asks for it."""
    name, listed = _listed(sync, call, _MOST_ITEMS)
    entries = tuple(entry_of(told) for told in _told(sync, call, [one.id for one in listed.items]))
    channel = Channel(title=_title(name), home=sync.base, id=f"urn:evnews:stream:{name}", entries=entries)
    return Response(b"".join(atom_feed(channel)), media_type="application/atom+xml; charset=utf-8")


def _told(sync: Sync, call: Call, ids: list[int]) -> list[Told]:
    """The articles of some ids, with what was said of them."""
    articles = Library(sync.database).of(ids)
    arrived = {one.id: one.first_seen for one in articles}
    with sync.database.read() as tx:
        said = readers.state_of(tx, call.token.name, arrived, sync.now())
        found = streams.found_by(tx, sync.words_of(), list(arrived), sync.now())
    return [Told(article=one, marks=said[one.id], labels=labels_of(one, found.get(one.id, ()))) for one in articles]
