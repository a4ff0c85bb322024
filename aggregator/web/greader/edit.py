"""What an app tells: what was read and starred. Only who logged in can, and only where it is meant."""

from __future__ import annotations

import hmac
from datetime import timedelta
from hashlib import sha256

from starlette.responses import PlainTextResponse, Response

from aggregator.web.greader.call import Call, Refused, Sync
from aggregator.web.greader.ids import LABEL, READING_LIST, item_id, mark_named, plain, stamped
from aggregator.web.greader.lists import stream_of
from aggregator.web.responses import problem
from storage.readers import read_state as readers
from storage.readers import streams
from storage.readers.read_state import Mark
from storage.readers.streams import Asked
from storage.readers.tokens import Token

_PERIOD = 1_800
"""Seconds that a word which shows that a request is meant is given out; it holds as long again."""
_AT_ONCE = 10_000


def token(sync: Sync, call: Call) -> Response:
    """The word that says of a request that it is meant."""
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


def fixed(_: Sync, __: Call) -> Response:
    """That what is subscribed to is not for an app to change."""
    return problem(403, "Subscriptions and labels are changed where evnews runs: `evnews sources`, `evnews searches`.")


def edit_tag(sync: Sync, call: Call) -> Response:
    """Some articles are read, unread, starred, or starred no more."""
    _must_be_meant(sync, call)
    added, removed = call.all("a"), call.all("r")
    if any(plain(name).startswith(LABEL) for name in (*added, *removed)):
        return fixed(sync, call)
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


def mark_all(sync: Sync, call: Call) -> Response:
    """Everything of a stream that arrived until `ts` is read."""
    _must_be_meant(sync, call)
    name, stream = stream_of(sync, call)
    now = sync.now()
    # What is stamped in the second that an app names is meant too: some know no smaller time.
    upto = (stamped(call.one("ts")) or now) + timedelta(seconds=1, microseconds=-1)
    with sync.database.write() as tx:
        if name == READING_LIST:
            readers.read_all(tx, call.token.name, min(upto, now), now)
            return PlainTextResponse("OK")
        asked = Asked(stream=stream, until=upto, without=frozenset([Mark.READ]), most=_AT_ONCE)
        while items := streams.listed(tx, call.token.name, asked, now).items:
            readers.mark_read(tx, call.token.name, [one.id for one in items], now)
    return PlainTextResponse("OK")
