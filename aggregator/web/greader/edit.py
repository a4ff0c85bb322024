"""What an app tells: what was read and starred. Only who logged in can, and only where it is meant."""

from __future__ import annotations

import hmac
from datetime import timedelta
from hashlib import sha256

from starlette.responses import PlainTextResponse, Response

from aggregator.web.greader.call import GReaderApi, GReaderCall, GReaderError
from aggregator.web.greader.ids import (
    LABEL_PREFIX,
    READING_LIST,
    normalize_stream_name,
    parse_entry_state,
    parse_item_id,
    parse_timestamp,
)
from aggregator.web.greader.lists import parse_stream
from aggregator.web.responses import problem_response
from storage.readers import read_state, streams
from storage.readers.read_state import EntryState
from storage.readers.streams import StreamRequest
from storage.readers.tokens import AccessToken

_TOKEN_PERIOD_SECONDS = 1_800
"""Seconds that a word which shows that a request is meant is given out; it holds as long again."""
_BATCH_SIZE = 10_000


def issue_edit_token(api: GReaderApi, call: GReaderCall) -> Response:
    """The word that says of a request that it is meant."""
    return PlainTextResponse(_make_edit_token(call.token, _current_period(api)))


def _current_period(api: GReaderApi) -> int:
    return int(api.now().timestamp()) // _TOKEN_PERIOD_SECONDS


def _make_edit_token(token: AccessToken, period: int) -> str:
    """A word that only who logged in is given: a page of another site cannot send it."""
    return hmac.new(token.secret_digest.encode(), str(period).encode(), sha256).hexdigest()[:57]


def _check_edit_token(api: GReaderApi, call: GReaderCall) -> None:
    """Raises Refused unless the request may change something. A Bearer header no page of another site can send."""
    if call.token.is_read_only:
        raise GReaderError(403, f"The token {call.token.name} may only read.")
    if call.is_bearer:
        return
    period = _current_period(api)
    words = [_make_edit_token(call.token, one) for one in (period, period - 1)]
    if not any(hmac.compare_digest(call.get("T").encode(), word.encode()) for word in words):
        raise GReaderError(401, "T is missing or too old.", {"X-Reader-Google-Bad-Token": "true"})


def reject_subscription_change(_: GReaderApi, __: GReaderCall) -> Response:
    """That what is subscribed to is not for an app to change."""
    return problem_response(
        403, "Subscriptions and labels are changed where evnews runs: `evnews sources`, `evnews searches`."
    )


def edit_tag(api: GReaderApi, call: GReaderCall) -> Response:
    """Some articles are read, unread, starred, or starred no more."""
    _check_edit_token(api, call)
    added, removed = call.get_all("a"), call.get_all("r")
    if any(normalize_stream_name(name).startswith(LABEL_PREFIX) for name in (*added, *removed)):
        return reject_subscription_change(api, call)
    ids = [found for text in call.get_all("i") if (found := parse_item_id(text))]
    now, name = api.now(), call.token.name
    with api.database.write() as tx:
        articles = set(read_state.resolve_ids(tx, ids).values())
        says = {parse_entry_state(one) for one in added}
        unsays = {parse_entry_state(one) for one in removed}
        if EntryState.READ in says:
            read_state.mark_read(tx, name, articles, now)
        elif EntryState.UNREAD in says or EntryState.READ in unsays:
            read_state.mark_unread(tx, name, articles, now)
        if EntryState.STARRED in says:
            read_state.star(tx, name, articles, now)
        if EntryState.STARRED in unsays:
            read_state.unstar(tx, name, articles)
    return PlainTextResponse("OK")


def mark_all_as_read(api: GReaderApi, call: GReaderCall) -> Response:
    """Everything of a stream that arrived until `ts` is read."""
    _check_edit_token(api, call)
    name, stream = parse_stream(api, call)
    now = api.now()
    # What is stamped in the second that an app names is meant too: some know no smaller time.
    upto = (parse_timestamp(call.get("ts")) or now) + timedelta(seconds=1, microseconds=-1)
    with api.database.write() as tx:
        if name == READING_LIST:
            read_state.mark_all_read(tx, call.token.name, min(upto, now), now)
            return PlainTextResponse("OK")
        asked = StreamRequest(stream=stream, until=upto, without_states=frozenset([EntryState.READ]), limit=_BATCH_SIZE)
        while items := streams.list_stream(tx, call.token.name, asked, now).items:
            read_state.mark_read(tx, call.token.name, [one.id for one in items], now)
    return PlainTextResponse("OK")
