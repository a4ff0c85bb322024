"""Changes by a client: mark articles as read or starred, protected against forged requests."""

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
"""Seconds during which the same edit token is issued; it is valid for as long again."""
_BATCH_SIZE = 10_000


def issue_edit_token(api: GReaderApi, call: GReaderCall) -> Response:
    """Return the edit token that changes must contain."""
    return PlainTextResponse(_make_edit_token(call.token, _current_period(api)))


def _current_period(api: GReaderApi) -> int:
    return int(api.now().timestamp()) // _TOKEN_PERIOD_SECONDS


def _make_edit_token(token: AccessToken, period: int) -> str:
    """Return an edit token; a page of another site cannot know it."""
    return hmac.new(token.secret_digest.encode(), str(period).encode(), sha256).hexdigest()[:57]


def _check_edit_token(api: GReaderApi, call: GReaderCall) -> None:
    """Raise GReaderError unless the request may change something; a page of another site cannot send Bearer."""
    if call.token.is_read_only:
        raise GReaderError(403, f"The token {call.token.name} is read-only.")
    if call.is_bearer:
        return
    period = _current_period(api)
    edit_tokens = [_make_edit_token(call.token, number) for number in (period, period - 1)]
    if not any(hmac.compare_digest(call.get("T").encode(), edit_token.encode()) for edit_token in edit_tokens):
        raise GReaderError(401, "The edit token T is missing or expired.", {"X-Reader-Google-Bad-Token": "true"})


def reject_subscription_change(_: GReaderApi, __: GReaderCall) -> Response:
    """Reject a subscription change with 403: subscriptions are changed with the CLI."""
    return problem_response(
        403, "Subscriptions and labels are changed with `evnews sources` and `evnews searches` on the server."
    )


def edit_tag(api: GReaderApi, call: GReaderCall) -> Response:
    """Mark articles as read, unread or starred, or remove their star."""
    _check_edit_token(api, call)
    added, removed = call.get_all("a"), call.get_all("r")
    if any(normalize_stream_name(name).startswith(LABEL_PREFIX) for name in (*added, *removed)):
        return reject_subscription_change(api, call)
    ids = [number for text in call.get_all("i") if (number := parse_item_id(text))]
    now, name = api.now(), call.token.name
    with api.database.write() as tx:
        articles = set(read_state.resolve_ids(tx, ids).values())
        added_states = {parse_entry_state(state) for state in added}
        removed_states = {parse_entry_state(state) for state in removed}
        if EntryState.READ in added_states:
            read_state.mark_read(tx, name, articles, now)
        elif EntryState.UNREAD in added_states or EntryState.READ in removed_states:
            read_state.mark_unread(tx, name, articles, now)
        if EntryState.STARRED in added_states:
            read_state.star(tx, name, articles, now)
        if EntryState.STARRED in removed_states:
            read_state.unstar(tx, name, articles)
    return PlainTextResponse("OK")


def mark_all_as_read(api: GReaderApi, call: GReaderCall) -> Response:
    """Mark all articles of a stream that arrived until `ts` as read."""
    _check_edit_token(api, call)
    name, stream = parse_stream(api, call)
    now = api.now()
    # Include articles of the named second: some apps send whole seconds.
    upto = (parse_timestamp(call.get("ts")) or now) + timedelta(seconds=1, microseconds=-1)
    with api.database.write() as tx:
        if name == READING_LIST:
            read_state.mark_all_read(tx, call.token.name, min(upto, now), now)
            return PlainTextResponse("OK")
        unread = StreamRequest(
            stream=stream, until=upto, without_states=frozenset([EntryState.READ]), limit=_BATCH_SIZE
        )
        while items := streams.list_stream(tx, call.token.name, unread, now).items:
            read_state.mark_read(tx, call.token.name, [item.id for item in items], now)
    return PlainTextResponse("OK")
