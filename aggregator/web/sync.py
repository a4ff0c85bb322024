"""The Google Reader API: readers' apps list what arrived, and tell what was read and starred.

There is no specification but what its apps ask for. Each source is a subscription, each topic and each saved search a
label; what is subscribed to is the operator's to say, so that an app cannot change it. Who asks is known by a token:
an app logs in with its name and its secret.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from aggregator.alerts.searchfile import SavedSearches
from aggregator.feeds.atom import atom_feed
from aggregator.feeds.channel import Channel
from aggregator.feeds.moments import micros
from aggregator.intake.topicnames import UnknownTopic, with_topics
from aggregator.intake.topics import TopicCatalogue
from aggregator.web.access import Knows, carried
from aggregator.web.problems import problem
from aggregator.web.syncitems import Told, entry_of, home_of, item, labels_of
from aggregator.web.syncnames import (
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
from storage import readers, streams
from storage.article import Query
from storage.database import Database
from storage.library import Library
from storage.readers import Mark
from storage.streams import Asked, Kind, Listed, Stream, Tally, Unread
from storage.tokens import Token

_MOUNTS = ("", "/api/greader.php")
_LARGEST_BODY = 256 * 1024
_MOST_FIELDS = 10_500
_MOST_IDS, _MOST_ITEMS, _MOST_ASKED = 10_000, 200, 1_000
_USUAL = 20
_MAX = 1_000
"""What apps show at most as a number of unread articles."""
_PERIOD = 1_800
"""Seconds that a word which shows that a request is meant is given out; it holds as long again."""
_NOT_KEPT = {"Cache-Control": "no-store"}
"""What is told is of one reader and one moment."""
_FIXED = ("subscription/edit", "subscription/quickadd", "subscription/import", "rename-tag", "disable-tag")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """What readers' apps are given. `searches` and `topics` are read when they are needed."""

    database: Database
    base: str
    knows: Knows
    searches: Callable[[], SavedSearches]
    topics: Callable[[], TopicCatalogue]
    now: Callable[[], datetime]
    muted: tuple[str, ...] = ()

    def words_of(self) -> dict[str, str]:
        """The words of each saved search, its topics by their names; one that cannot be used is left out."""
        found = {}
        for one in self.searches().searches:
            try:
                found[one.name] = with_topics(Query(words=one.query), self.topics).words
            except UnknownTopic:
                continue
        return found


class Refused(Exception):
    """A request that gets no answer but why."""

    def __init__(self, status: int, why: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.answer = problem(status, why)
        self.answer.headers.update(headers or {})


@dataclass(frozen=True, slots=True)
class Call:
    """A request with its fields, those of its address and those of its body, and whose it is."""

    fields: tuple[tuple[str, str], ...]
    token: Token
    path: str
    is_bearer: bool

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for key, value in self.fields if key == name]

    def one(self, name: str) -> str:
        """The first value of a field; empty where there is none."""
        return next(iter(self.all(name)), "")

    def number(self, name: str, usual: int, most: int) -> int:
        """A field that is a number, no more than `most`."""
        value = self.one(name)
        return min(max(int(value), 1), most) if value.isdecimal() and len(value) < 10 else usual


def sync_routes(sync: Sync) -> list[Route]:
    """The addresses that apps ask, at the root and where apps for another server look for them."""
    asks: dict[str, Callable[[Sync, Call], Response]] = {
        "token": _token,
        "user-info": _user,
        "subscription/list": _subscriptions,
        "tag/list": _tags,
        "preference/list": lambda *_: JSONResponse({"prefs": []}),
        "preference/stream/list": lambda *_: JSONResponse({"streamprefs": {}}),
        "unread-count": _unread_count,
        "stream/items/ids": _ids,
        "stream/items/contents": _contents_of,
        "stream/contents": _contents,
        "stream/contents/{stream:path}": _contents,
    }
    tells = {"edit-tag": _edit_tag, "mark-all-as-read": _mark_all, **dict.fromkeys(_FIXED, _fixed)}
    found = []
    for mount in _MOUNTS:
        found.append(Route(f"{mount}/accounts/ClientLogin", _login(sync), methods=["GET", "POST"]))
        for path, ask in asks.items():
            found.append(Route(f"{mount}/reader/api/0/{path}", _called(sync, ask), methods=["GET", "POST"]))
        for path, tell in tells.items():
            found.append(Route(f"{mount}/reader/api/0/{path}", _called(sync, tell), methods=["POST"]))
        found.append(Route(f"{mount}/reader/atom/{{stream:path}}", _called(sync, _atom)))
        found.append(Route(f"{mount}/reader/atom", _called(sync, _atom)))
    return found


def _login(sync: Sync) -> Callable[[Request], Any]:
    """A name and a secret for what an app shows from then on."""

    async def answer(request: Request) -> Response:
        try:
            fields = dict(await _fields(request))
        except Refused as error:
            return error.answer
        secret = fields.get("Passwd", "").strip()
        token = await run_in_threadpool(sync.knows, secret)
        if token is None or token.name != fields.get("Email", "").strip():
            return PlainTextResponse("Error=BadAuthentication\n", status_code=401)
        said = {"SID": secret, "LSID": secret, "Auth": secret}
        if fields.get("output") == "json":
            return JSONResponse(said, headers=_NOT_KEPT)
        return PlainTextResponse("".join(f"{name}={value}\n" for name, value in said.items()), headers=_NOT_KEPT)

    return answer


def _called(sync: Sync, ask: Callable[[Sync, Call], Response]) -> Callable[[Request], Any]:
    """An answer to who shows a token, in a thread of its own."""

    async def answer(request: Request) -> Response:
        try:
            fields = await _fields(request)
            given = await run_in_threadpool(lambda: ask(sync, _call(sync, request, fields)))
        except Refused as error:
            return error.answer
        given.headers.update(_NOT_KEPT)
        return given

    return answer


async def _fields(request: Request) -> tuple[tuple[str, str], ...]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_BODY:
            raise Refused(413, f"A request has at most {_LARGEST_BODY} bytes.")
    try:
        told = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Refused(413, f"A request has at most {_MOST_FIELDS} fields.") from None
    return (*request.query_params.multi_items(), *told)


def _call(sync: Sync, request: Request, fields: tuple[tuple[str, str], ...]) -> Call:
    header = request.headers.get("authorization", "")
    secret = carried(header)
    token = sync.knows(secret) if secret else None
    if token is None:
        raise Refused(401, "Log in with a token's name and secret: `evnews token add NAME` makes one.")
    return Call(fields, token, request.path_params.get("stream", ""), header.lower().startswith("bearer"))


def _token(sync: Sync, call: Call) -> Response:
    return PlainTextResponse(_word(call.token, _period(sync)))


def _period(sync: Sync) -> int:
    return int(sync.now().timestamp()) // _PERIOD


def _word(token: Token, period: int) -> str:
    """A word that only who logged in is given: a page of another site cannot send it."""
    return hmac.new(token.digest.encode(), str(period).encode(), sha256).hexdigest()[:57]


def _must_be_meant(sync: Sync, call: Call) -> None:
    """Raises Refused unless the request may change something. A Bearer header no page of another site can send."""
    if call.token.is_read_only:
        raise Refused(403, f"The token {call.token.name} may only read.")
    if call.is_bearer:
        return
    period = _period(sync)
    words = [_word(call.token, one) for one in (period, period - 1)]
    if not any(hmac.compare_digest(call.one("T").encode(), word.encode()) for word in words):
        raise Refused(401, "T is missing or too old.", {"X-Reader-Google-Bad-Token": "true"})


def _user(_: Sync, call: Call) -> Response:
    name = call.token.name
    return JSONResponse({"userId": name, "userName": name, "userProfileId": name, "userEmail": name})


def _fixed(_: Sync, __: Call) -> Response:
    return problem(403, "Subscriptions and labels are changed where evnews runs: `evnews sources`, `evnews searches`.")


def _subscriptions(sync: Sync, _: Call) -> Response:
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


def _tags(sync: Sync, call: Call) -> Response:
    with sync.database.read() as tx:
        tally = streams.unread(tx, call.token.name, sync.words_of(), sync.muted, sync.now())
    names = [*sync.words_of(), *(one.name for one in Library(sync.database).topic_counts())]
    counts = tally.topics | tally.searches
    tags: list[dict[str, Any]] = [{"id": f"{STATE}starred", "sortid": "00000000"}]
    for number, name in enumerate(dict.fromkeys(names), 1):
        count = min(counts.get(name, Unread()).count, _MAX)
        tags.append({"id": f"{LABEL}{name}", "sortid": f"{number:08X}", "type": "tag", "unread_count": count})
    return JSONResponse({"tags": tags})


def _unread_count(sync: Sync, call: Call) -> Response:
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


def _stream(sync: Sync, call: Call) -> tuple[str, Stream]:
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
    name, stream = _stream(sync, call)
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


def _ids(sync: Sync, call: Call) -> Response:
    _, listed = _listed(sync, call, _MOST_IDS)
    found = [
        {"id": str(one.id), "directStreamIds": [f"{FEED}{one.source}"], "timestampUsec": str(micros(one.arrived))}
        for one in listed.items
    ]
    return JSONResponse({"itemRefs": found} | _following(listed))


def _contents(sync: Sync, call: Call) -> Response:
    name, listed = _listed(sync, call, _MOST_ITEMS)
    items = [item(told) for told in _told(sync, call, [one.id for one in listed.items])]
    return JSONResponse(_titled(sync, name, items) | _following(listed))


def _contents_of(sync: Sync, call: Call) -> Response:
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


def _atom(sync: Sync, call: Call) -> Response:
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


def _edit_tag(sync: Sync, call: Call) -> Response:
    _must_be_meant(sync, call)
    added, removed = call.all("a"), call.all("r")
    if any(plain(name).startswith(LABEL) for name in (*added, *removed)):
        return _fixed(sync, call)
    ids = [found for text in call.all("i") if (found := item_id(text))]
    now, name = sync.now(), call.token.name
    with sync.database.write() as tx:
        articles = set(readers.kept_ids(tx, ids).values())
        says = {mark_named(one) for one in added}
        unsays = {mark_named(one) for one in removed}
        if Mark.READ in says:
            readers.mark_read(tx, name, articles, now)
        elif Mark.UNREAD in says or Mark.READ in unsays:
            readers.mark_unread(tx, name, articles, now)
        if Mark.STARRED in says:
            readers.star(tx, name, articles, now)
        if Mark.STARRED in unsays:
            readers.unstar(tx, name, articles)
    return PlainTextResponse("OK")


def _mark_all(sync: Sync, call: Call) -> Response:
    """Everything of a stream that arrived until `ts` is read."""
    _must_be_meant(sync, call)
    name, stream = _stream(sync, call)
    now = sync.now()
    # What is stamped in the second that an app names is meant too: some know no smaller time.
    upto = (stamped(call.one("ts")) or now) + timedelta(seconds=1, microseconds=-1)
    with sync.database.write() as tx:
        if name == READING_LIST:
            readers.read_all(tx, call.token.name, min(upto, now), now)
            return PlainTextResponse("OK")
        asked = Asked(stream=stream, until=upto, without=frozenset([Mark.READ]), most=_MOST_IDS)
        while items := streams.listed(tx, call.token.name, asked, now).items:
            readers.mark_read(tx, call.token.name, [one.id for one in items], now)
    return PlainTextResponse("OK")
