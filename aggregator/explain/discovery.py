"""How it was found, in words: which index named it, and how the leads to it stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from aggregator.explain.reason import Reason
from aggregator.formatting import format_count, format_quote, format_time, format_times
from aggregator.ingest.ingest import retry_delay
from storage.identity import key_digest, url_key
from storage.model.crawl import LeadState
from storage.provenance.model import LeadDiscovery, Provenance


def explain_discovery(account: Provenance, now: datetime) -> Iterator[Reason]:
    """Who named it, when first, and what its index says of it."""
    if not account.discoveries:
        yield Reason(text="No index named it, as far as is known.")
    for one in account.discoveries:
        yield Reason(
            text=f"{one.source} named it first on {format_time(one.recorded_at)}{_describe_unknown_index(one)}:",
            facts=(
                ("source", one.source), ("url", one.url), ("first_at", one.recorded_at), ("indexes", one.indexes),
                ("title", one.title), ("published", one.published), ("index_id", one.id),
            ),
            details=(f"as {one.url}", *(f"{_choose_preposition(one)} {index}" for index in one.indexes)),
        )  # fmt: skip
        if said := _describe_lead(one):
            yield Reason(text=f"Its index says of it: {said}.", facts=(("source", one.source), ("url", one.url)))


def _describe_unknown_index(lead: LeadDiscovery) -> str:
    return "" if lead.indexes else ", in which of its indexes was not noted"


def _choose_preposition(lead: LeadDiscovery) -> str:
    """Of several indexes that were read at once it is not known which it was."""
    return "in" if len(lead.indexes) == 1 else "in one of"


def _describe_lead(lead: LeadDiscovery) -> str:
    said = [f"title {format_quote(lead.title)}"] if lead.title else []
    said += [f"published {format_time(lead.published)}"] if lead.published else []
    return ", ".join(said + ([f"id {format_quote(lead.id)}"] if lead.id else []))


def explain_attempts(account: Provenance, now: datetime) -> Iterator[Reason]:
    """How each lead to it stands: how often it was tried, how it ended or when it is tried again."""
    for one in account.discoveries:
        code = _find_last_verdict(account, one)
        yield Reason(
            text=f"{_STATE_DESCRIPTIONS[one.state](one, code, now)}{_describe_reopening(one)}",
            facts=(
                ("source", one.source),
                ("url", one.url),
                ("state", one.state),
                ("reason", one.reason or None),
                ("tried", _count_attempts(one)),
                ("tries_left", _count_attempts_left(one, code)),
                ("due_at", _find_due_time(one)),
                ("next_poll_at", one.next_poll_at),
                ("ended_at", one.ended_at),
                ("taken_up_again", one.renewals),
                ("parked_until", one.parked_until),
            ),
            details=(one.url,) if len(account.discoveries) > 1 else (),
        )


def _find_last_verdict(account: Provenance, lead: LeadDiscovery) -> str:
    """The verdict of the last page that was kept of a lead's address."""
    pages = [fetch for fetch in account.fetches if fetch.verdict and key_digest(url_key(fetch.url)) == lead.url_digest]
    return pages[-1].verdict if pages else ""


def _count_attempts(lead: LeadDiscovery) -> int:
    """How often it was asked for since it was last taken up; what ended it is not among the failures."""
    return lead.attempts + (lead.state in (LeadState.KEPT, LeadState.REFUSED))


def _count_attempts_left(lead: LeadDiscovery, code: str) -> int | None:
    """How often more it is tried, should the next tries end as the last one did."""
    if lead.state != LeadState.RETRY:
        return None
    code, left = "" if code in ("failed", "refused") else code, 1
    while retry_delay(lead.attempts - 1 + left, code) is not None:
        left += 1
    return left


def _find_due_time(lead: LeadDiscovery) -> datetime | None:
    """When it may be asked for; None where that is at any time."""
    return lead.due_at if lead.due_at and lead.due_at.year > 1970 else None


def _describe_waiting(lead: LeadDiscovery, code: str, now: datetime) -> str:
    return f"It waits to be fetched{_describe_next_poll(lead, now)}."


def _describe_leased(lead: LeadDiscovery, code: str, now: datetime) -> str:
    until = f", until {format_time(lead.due_at)} at the latest" if lead.due_at else ""
    return f"A crawl has it in hand{until}; {format_count(lead.attempts, 'failure')} so far."


def _describe_retry(lead: LeadDiscovery, code: str, now: datetime) -> str:
    due = _find_due_time(lead)
    left = _count_attempts_left(lead, code) or 1
    more = "that is the last try" if left == 1 else f"{left} more tries, if they end likewise"
    last = "with this result" if lead.attempts == 1 else "the last time with this result"
    return (
        f"Tried {format_times(lead.attempts)}, {last}: {lead.reason}. It is asked for again"
        f"{_describe_next_poll(lead, now, due)}. {more[:1].upper()}{more[1:]}."
    )


def _describe_kept(lead: LeadDiscovery, code: str, now: datetime) -> str:
    when = f" on {format_time(lead.ended_at)}" if lead.ended_at else ""
    failed = f" after {format_count(lead.attempts, 'failure')}" if lead.attempts else ""
    return f"Kept for {lead.source}{when}{failed}: {lead.reason}."


def _describe_refused(lead: LeadDiscovery, code: str, now: datetime) -> str:
    when = f" on {format_time(lead.ended_at)}" if lead.ended_at else ""
    return f"Refused for good{when}, at try {_count_attempts(lead)}: {lead.reason}. It is not asked for again."


def _describe_expired(lead: LeadDiscovery, code: str, now: datetime) -> str:
    return f"Not kept any more: {lead.reason}. It is not asked for again."


def _describe_next_poll(lead: LeadDiscovery, now: datetime, due: datetime | None = None) -> str:
    """At which poll that is, where it may not be before `due`."""
    which = (
        f"first poll of {lead.source} after {format_time(due)}" if due and due > now else f"next poll of {lead.source}"
    )
    planned = ""
    if lead.next_poll_at:
        planned = f" (the next is due {'now' if lead.next_poll_at <= now else format_time(lead.next_poll_at)})"
    if lead.parked_until:
        planned += f"; not before {format_time(lead.parked_until)}, for its host is left alone: {lead.parked_reason}"
    return f" at the {which}{planned}"


def _describe_reopening(lead: LeadDiscovery) -> str:
    if not lead.renewals:
        return ""
    return f" It was taken up again {format_times(lead.renewals)}, since its index dated it later than its last fetch."


_STATE_DESCRIPTIONS = {
    LeadState.WAITING: _describe_waiting,
    LeadState.LEASED: _describe_leased,
    LeadState.RETRY: _describe_retry,
    LeadState.KEPT: _describe_kept,
    LeadState.REFUSED: _describe_refused,
    LeadState.EXPIRED: _describe_expired,
}
