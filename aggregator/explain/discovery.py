"""How it was found, in words: which index named it, and how the leads to it stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from aggregator.explain.reason import Reason
from aggregator.formatting import counted, moment, quoted, times
from aggregator.ingest.ingest import retry_delay
from storage.identity import key_digest, url_key
from storage.model.crawl import LeadState
from storage.provenance.model import Account, Naming


def found(account: Account, now: datetime) -> Iterator[Reason]:
    """Who named it, when first, and what its index says of it."""
    if not account.namings:
        yield Reason(words="No index named it, as far as is known.")
    for one in account.namings:
        yield Reason(
            words=f"{one.source} named it first on {moment(one.recorded_at)}{_unnoted(one)}:",
            facts=(
                ("source", one.source), ("url", one.url), ("first_at", one.recorded_at), ("indexes", one.indexes),
                ("title", one.title), ("published", one.published), ("index_id", one.id),
            ),
            beneath=(f"as {one.url}", *(f"{_one_of(one)} {index}" for index in one.indexes)),
        )  # fmt: skip
        if said := _said(one):
            yield Reason(words=f"Its index says of it: {said}.", facts=(("source", one.source), ("url", one.url)))


def _unnoted(one: Naming) -> str:
    return "" if one.indexes else ", in which of its indexes was not noted"


def _one_of(one: Naming) -> str:
    """Of several indexes that were read at once it is not known which it was."""
    return "in" if len(one.indexes) == 1 else "in one of"


def _said(one: Naming) -> str:
    said = [f"title {quoted(one.title)}"] if one.title else []
    said += [f"published {moment(one.published)}"] if one.published else []
    return ", ".join(said + ([f"id {quoted(one.id)}"] if one.id else []))


def tries(account: Account, now: datetime) -> Iterator[Reason]:
    """How each lead to it stands: how often it was tried, how it ended or when it is tried again."""
    for one in account.namings:
        code = _last_verdict(account, one)
        yield Reason(
            words=f"{_STANDING[one.state](one, code, now)}{_again(one)}",
            facts=(
                ("source", one.source), ("url", one.url), ("state", one.state), ("reason", one.reason or None),
                ("tried", _tried(one)), ("tries_left", _left(one, code)), ("due_at", _due(one)),
                ("next_poll_at", one.next_poll_at), ("ended_at", one.ended_at), ("taken_up_again", one.again),
                ("parked_until", one.parked_until),
            ),
            beneath=(one.url,) if len(account.namings) > 1 else (),
        )  # fmt: skip


def _last_verdict(account: Account, one: Naming) -> str:
    """The verdict of the last page that was kept of a lead's address."""
    pages = [fetch for fetch in account.fetches if fetch.verdict and key_digest(url_key(fetch.url)) == one.key]
    return pages[-1].verdict if pages else ""


def _tried(one: Naming) -> int:
    """How often it was asked for since it was last taken up; what ended it is not among the failures."""
    return one.attempts + (one.state in (LeadState.KEPT, LeadState.REFUSED))


def _left(one: Naming, code: str) -> int | None:
    """How often more it is tried, should the next tries end as the last one did."""
    if one.state != LeadState.RETRY:
        return None
    code, left = "" if code in ("failed", "refused") else code, 1
    while retry_delay(one.attempts - 1 + left, code) is not None:
        left += 1
    return left


def _due(one: Naming) -> datetime | None:
    """When it may be asked for; None where that is at any time."""
    return one.due_at if one.due_at and one.due_at.year > 1970 else None


def _waiting(one: Naming, code: str, now: datetime) -> str:
    return f"It waits to be fetched{_next_poll(one, now)}."


def _leased(one: Naming, code: str, now: datetime) -> str:
    until = f", until {moment(one.due_at)} at the latest" if one.due_at else ""
    return f"A crawl has it in hand{until}; {counted(one.attempts, 'failure')} so far."


def _retried(one: Naming, code: str, now: datetime) -> str:
    due = _due(one)
    left = _left(one, code) or 1
    more = "that is the last try" if left == 1 else f"{left} more tries, if they end likewise"
    last = "with this result" if one.attempts == 1 else "the last time with this result"
    return (
        f"Tried {times(one.attempts)}, {last}: {one.reason}. It is asked for again"
        f"{_next_poll(one, now, due)}. {more[:1].upper()}{more[1:]}."
    )


def _kept(one: Naming, code: str, now: datetime) -> str:
    when = f" on {moment(one.ended_at)}" if one.ended_at else ""
    failed = f" after {counted(one.attempts, 'failure')}" if one.attempts else ""
    return f"Kept for {one.source}{when}{failed}: {one.reason}."


def _refused(one: Naming, code: str, now: datetime) -> str:
    when = f" on {moment(one.ended_at)}" if one.ended_at else ""
    return f"Refused for good{when}, at try {_tried(one)}: {one.reason}. It is not asked for again."


def _expired(one: Naming, code: str, now: datetime) -> str:
    return f"Not kept any more: {one.reason}. It is not asked for again."


def _next_poll(one: Naming, now: datetime, due: datetime | None = None) -> str:
    """At which poll that is, where it may not be before `due`."""
    which = f"first poll of {one.source} after {moment(due)}" if due and due > now else f"next poll of {one.source}"
    planned = ""
    if one.next_poll_at:
        planned = f" (the next is due {'now' if one.next_poll_at <= now else moment(one.next_poll_at)})"
    if one.parked_until:
        planned += f"; not before {moment(one.parked_until)}, for its host is left alone: {one.parked_reason}"
    return f" at the {which}{planned}"


def _again(one: Naming) -> str:
    if not one.again:
        return ""
    return f" It was taken up again {times(one.again)}, since its index dated it later than its last fetch."


_STANDING = {
    LeadState.WAITING: _waiting,
    LeadState.LEASED: _leased,
    LeadState.RETRY: _retried,
    LeadState.KEPT: _kept,
    LeadState.REFUSED: _refused,
    LeadState.EXPIRED: _expired,
}
