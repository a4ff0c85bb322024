"""Explain how a URL was discovered: which index contained it, and the state of its leads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from aggregator.explain.reason import Reason
from aggregator.formatting import format_count, format_quote, format_time, format_times
from aggregator.ingest.ingest import retry_delay
from storage.identity import key_digest, url_key
from storage.model.crawl import LeadState
from storage.provenance.model import LeadDiscovery, Provenance


def explain_discovery(provenance: Provenance, now: datetime) -> Iterator[Reason]:
    """Explain which source and index contained the URL first, and what the index says about it."""
    if not provenance.discoveries:
        yield Reason(text="No known index contains this URL.")
    for discovery in provenance.discoveries:
        yield Reason(
            text=f"Found by {discovery.source} on {format_time(discovery.recorded_at)}"
            f"{_describe_unknown_index(discovery)}:",
            facts=(
                ("source", discovery.source), ("url", discovery.url), ("first_at", discovery.recorded_at),
                ("indexes", discovery.indexes), ("title", discovery.title), ("published", discovery.published),
                ("index_id", discovery.id),
            ),
            details=(
                f"as {discovery.url}",
                *(f"{_choose_preposition(discovery)} {index}" for index in discovery.indexes),
            ),
        )  # fmt: skip
        if entry := _describe_lead(discovery):
            yield Reason(
                text=f"Entry in the index: {entry}.", facts=(("source", discovery.source), ("url", discovery.url))
            )


def _describe_unknown_index(lead: LeadDiscovery) -> str:
    return "" if lead.indexes else ", index not recorded"


def _choose_preposition(lead: LeadDiscovery) -> str:
    """Return "in", or "in one of" if several indexes were read at once and any of them may have contained the URL."""
    return "in" if len(lead.indexes) == 1 else "in one of"


def _describe_lead(lead: LeadDiscovery) -> str:
    parts = [f"title {format_quote(lead.title)}"] if lead.title else []
    parts += [f"published {format_time(lead.published)}"] if lead.published else []
    return ", ".join(parts + ([f"id {format_quote(lead.id)}"] if lead.id else []))


def explain_attempts(provenance: Provenance, now: datetime) -> Iterator[Reason]:
    """Explain the state of each lead: the number of attempts, and how it ended or when the next attempt is due."""
    for discovery in provenance.discoveries:
        code = _find_last_verdict(provenance, discovery)
        yield Reason(
            text=f"{_STATE_DESCRIPTIONS[discovery.state](discovery, code, now)}{_describe_reopening(discovery)}",
            facts=(
                ("source", discovery.source),
                ("url", discovery.url),
                ("state", discovery.state),
                ("reason", discovery.reason or None),
                ("tried", _count_attempts(discovery)),
                ("tries_left", _count_attempts_left(discovery, code)),
                ("due_at", _find_due_time(discovery)),
                ("next_poll_at", discovery.next_poll_at),
                ("ended_at", discovery.ended_at),
                ("taken_up_again", discovery.renewals),
                ("parked_until", discovery.parked_until),
            ),
            details=(discovery.url,) if len(provenance.discoveries) > 1 else (),
        )


def _find_last_verdict(provenance: Provenance, lead: LeadDiscovery) -> str:
    """Return the verdict on the last archived page of a lead's URL."""
    pages = [
        fetch for fetch in provenance.fetches if fetch.verdict and key_digest(url_key(fetch.url)) == lead.url_digest
    ]
    return pages[-1].verdict if pages else ""


def _count_attempts(lead: LeadDiscovery) -> int:
    """Return the number of attempts since the lead was last reopened. The attempt that ended it is not a failure."""
    return lead.attempts + (lead.state in (LeadState.KEPT, LeadState.REFUSED))


def _count_attempts_left(lead: LeadDiscovery, code: str) -> int | None:
    """Return the number of attempts left if each ends like the last; None if the lead is not retried."""
    if lead.state != LeadState.RETRY:
        return None
    code, left = "" if code in ("failed", "refused") else code, 1
    while retry_delay(lead.attempts - 1 + left, code) is not None:
        left += 1
    return left


def _find_due_time(lead: LeadDiscovery) -> datetime | None:
    """Return the earliest time of the next attempt, or None for any time."""
    return lead.due_at if lead.due_at and lead.due_at.year > 1970 else None


def _describe_waiting(lead: LeadDiscovery, code: str, now: datetime) -> str:
    return f"Waiting to be fetched{_describe_next_poll(lead, now)}."


def _describe_leased(lead: LeadDiscovery, code: str, now: datetime) -> str:
    until = f", until {format_time(lead.due_at)} at the latest" if lead.due_at else ""
    return f"Being fetched{until}; {format_count(lead.attempts, 'failure')} so far."


def _describe_retry(lead: LeadDiscovery, code: str, now: datetime) -> str:
    due = _find_due_time(lead)
    left = _count_attempts_left(lead, code) or 1
    more = "This is the last attempt" if left == 1 else f"{left} attempts are left if they end the same way"
    return (
        f"{format_count(lead.attempts, 'failed attempt')}, the last one: {lead.reason}. The URL is fetched again"
        f"{_describe_next_poll(lead, now, due)}. {more}."
    )


def _describe_kept(lead: LeadDiscovery, code: str, now: datetime) -> str:
    when = f" on {format_time(lead.ended_at)}" if lead.ended_at else ""
    failed = f" after {format_count(lead.attempts, 'failure')}" if lead.attempts else ""
    return f"Stored for {lead.source}{when}{failed}: {lead.reason}."


def _describe_refused(lead: LeadDiscovery, code: str, now: datetime) -> str:
    when = f" on {format_time(lead.ended_at)}" if lead.ended_at else ""
    return (
        f"Refused{when} after {format_count(_count_attempts(lead), 'attempt')}: {lead.reason}. It is not fetched again."
    )


def _describe_expired(lead: LeadDiscovery, code: str, now: datetime) -> str:
    return f"Expired: {lead.reason}. It is not fetched again."


def _describe_next_poll(lead: LeadDiscovery, now: datetime, due: datetime | None = None) -> str:
    """Describe the poll that fetches the lead; not before `due`."""
    which = (
        f"first poll of {lead.source} after {format_time(due)}" if due and due > now else f"next poll of {lead.source}"
    )
    planned = ""
    if lead.next_poll_at:
        planned = f" (the next is due {'now' if lead.next_poll_at <= now else format_time(lead.next_poll_at)})"
    if lead.parked_until:
        planned += f"; not before {format_time(lead.parked_until)} because its host is parked: {lead.parked_reason}"
    return f" at the {which}{planned}"


def _describe_reopening(lead: LeadDiscovery) -> str:
    if not lead.renewals:
        return ""
    return f" Reopened {format_times(lead.renewals)}: its index dated the entry after the last fetch."


_STATE_DESCRIPTIONS = {
    LeadState.WAITING: _describe_waiting,
    LeadState.LEASED: _describe_leased,
    LeadState.RETRY: _describe_retry,
    LeadState.KEPT: _describe_kept,
    LeadState.REFUSED: _describe_refused,
    LeadState.EXPIRED: _describe_expired,
}
