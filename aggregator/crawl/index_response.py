"""Decides, without acting, what an index's answer means: what to remember, what to report, what to ask next time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.crawl.fetch_errors import Fault
from spiders.spider import conditional_headers
from storage.model.crawl import WELL, Endpoint
from storage.model.page import Index, Page

TRIED_AGAIN_AFTER = 50
"""As often an index that moved is found at its new address before its own is tried once more."""
UNCONDITIONAL_AFTER = 20
"""After so many 304s in a row one full answer is asked for, in case the server is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one index request came to: the endpoint as it is to be remembered, an outcome of Poll, and why."""

    endpoint: Endpoint
    outcome: str
    reason: str = ""


def conditions(endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    """The conditional headers for the next request; they may only be sent to `endpoint.validators_url`."""
    if endpoint.unmodified >= UNCONDITIONAL_AFTER:
        return ()
    return conditional_headers(endpoint.etag, endpoint.last_modified)


def body_digest(page: Page) -> str:
    """The digest by which an unchanged body is known where a server ignores conditional requests."""
    return hashlib.sha256(page.body).hexdigest()


def judge_fault(endpoint: Endpoint, fault: Fault, now: datetime) -> Judgement:
    """No answer came: why, and one more failure in a row."""
    outcome = {"parked": "parked", "robots": "refused", "permanent": "refused"}.get(fault.kind, "failed")
    return Judgement(endpoint=_failed(endpoint, now), outcome=outcome, reason=fault.reason)


def judge_status(endpoint: Endpoint, page: Page, now: datetime) -> Judgement | None:
    """What the status alone decides; None for a 200, whose body has to be read."""
    if page.status == 200:
        if page.body and body_digest(page) == endpoint.digest:
            return Judgement(endpoint=replace(endpoint, failures=0, unmodified=0, polled_at=now), outcome="unmodified")
        return None
    if page.status == 304:
        asked = {name.lower() for name, _ in page.request_headers}
        if not asked & {"if-none-match", "if-modified-since"}:
            return Judgement(
                endpoint=_failed(endpoint, now), outcome="failed", reason="HTTP 304 to a request without conditions"
            )
        unchanged = replace(endpoint, failures=0, unmodified=endpoint.unmodified + 1, polled_at=now)
        return Judgement(endpoint=unchanged, outcome="unmodified")
    if page.status == 410:
        gone = replace(_failed(endpoint, now), gone_at=now)
        return Judgement(
            endpoint=gone, outcome="gone", reason="HTTP 410: the publisher ended this index; it is not polled again"
        )
    return Judgement(endpoint=_failed(endpoint, now), outcome="failed", reason=f"HTTP {page.status}")


def judge_index(endpoint: Endpoint, page: Page, index: Index, moved_to: str, now: datetime) -> Judgement:
    """What a read body means. Only a good reading replaces the validators."""
    if index.problem and not index.leads:
        return Judgement(endpoint=_failed(endpoint, now), outcome="failed", reason=index.problem)
    if index.problem:
        return Judgement(
            endpoint=_failed(endpoint, now),
            outcome="failed",
            reason=f"{index.problem}; {len(index.leads)} entries read before that",
        )
    if not index.leads and not index.more and endpoint.leads:
        return Judgement(
            endpoint=_failed(endpoint, now), outcome="failed", reason=f"no entries, where there were {endpoint.leads}"
        )
    remembered = replace(
        endpoint,
        etag=page.validator("etag"),
        last_modified=page.validator("last-modified"),
        validators_url=page.url,
        digest=body_digest(page),
        unmodified=0,
        failures=0,
        leads=len(index.leads),
        more=index.more,
        gone_at=None,
        polled_at=now,
    )
    return Judgement(endpoint=remembered, outcome="ok", reason="; ".join(_remarks(index, moved_to)))


def permanent_move(hops: tuple[Page, ...]) -> str:
    """Where a chain of permanent redirects led, or an empty string."""
    redirects, final = hops[:-1], hops[-1]
    if redirects and all(hop.status in (301, 308) for hop in redirects):
        return final.url
    return ""


def address(endpoint: Endpoint) -> str:
    """Where an index is asked for: at its own address, which now and then is tried also when it has moved."""
    is_tried = endpoint.moves % TRIED_AGAIN_AFTER == 0
    return endpoint.moved_to if endpoint.has_moved and not is_tried else endpoint.url


def followed(judgement: Judgement, before: Endpoint, asked: str, moved_to: str) -> Judgement:
    """The judgement, with what it tells of a move; `asked` is where the index was asked for, as `before` had it.

    Only an answer that was read well, or has not changed, counts for one. One that is no good at either address of an
    index that moved counts against that address alone: the other is asked next.
    """
    after, is_at_home = judgement.endpoint, asked == before.url
    if judgement.outcome not in WELL:
        if is_at_home and not before.has_moved:
            return judgement
        moves = before.moves + 1 if is_at_home else 0
        outcome = "failed" if judgement.outcome == "gone" else judgement.outcome
        return replace(judgement, endpoint=replace(after, moves=moves, gone_at=before.gone_at), outcome=outcome)
    if moved_to:
        moves = before.moves + 1 if is_at_home and moved_to == before.moved_to else 1
        return replace(judgement, endpoint=replace(after, moved_to=moved_to, moves=moves))
    if is_at_home:
        return replace(judgement, endpoint=replace(after, moved_to="", moves=0))
    return replace(judgement, endpoint=replace(after, moves=before.moves + 1))


def _remarks(index: Index, moved_to: str) -> list[str]:
    remarks = list(index.notes)
    if index.total > len(index.leads):
        remarks.append(f"truncated: {index.total} entries, the newest {len(index.leads)} read")
    if moved_to:
        remarks.append(f"moved permanently to {moved_to}")
    return remarks


def _failed(endpoint: Endpoint, now: datetime) -> Endpoint:
    return replace(endpoint, failures=endpoint.failures + 1, polled_at=now)
