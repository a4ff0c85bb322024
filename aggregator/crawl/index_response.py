"""Interpret an index's response: what to remember, report and ask next time; pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.crawl.fetch_errors import FetchError
from spiders.spider import conditional_headers
from storage.model.crawl import SUCCESSFUL_OUTCOMES, IndexEndpoint, Poll, ReasonCode, status_code, status_reason
from storage.model.page import Page, ParsedIndex

RETRY_ORIGINAL_AFTER = 50
"""Polls of a moved index at its new address, after which its original one is tried again."""
UNCONDITIONAL_AFTER = 20
"""Responses 304 in a row, after which an unconditional request follows in case the server is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Result of one request for an index: its new state, the outcome of the Poll, its code and reason."""

    endpoint: IndexEndpoint
    outcome: str
    code: str = ""
    reason: str = ""


@dataclass(slots=True)
class IndexPoll:
    """Result of polling one index.

    `bytes` is the size of its body, `leads` the number of its leads. `new_published` has the publication time of each
    new lead, or None, and `all_published` those of all dated leads. `requested_delay` is the number of seconds until
    the next poll that the index or its cache headers ask for. A source is followed by its `is_main` indexes; an
    `is_backlog` index holds old articles.
    """

    endpoint: str
    started_at: datetime
    ended_at: datetime
    judgement: Judgement
    status: int = 0
    bytes: int = 0
    leads: int = 0
    truncated: int = 0
    new_published: tuple[datetime | None, ...] = ()
    all_published: tuple[datetime, ...] = ()
    requested_delay: float = 0.0
    is_main: bool = True
    is_backlog: bool = False

    def to_poll(self, source: str, counts: Counter[str]) -> Poll:
        """Return the row, with counts of article pages."""
        return Poll(
            source=source,
            url=self.endpoint,
            started_at=self.started_at,
            ended_at=self.ended_at,
            outcome=self.judgement.outcome,
            status=self.status,
            bytes=self.bytes,
            leads=self.leads,
            new=len(self.new_published),
            truncated=self.truncated,
            kept=counts["kept"],
            repeats=counts["repeats"],
            refused=counts["refused"],
            failed=counts["failed"],
            code=self.judgement.code,
            reason=self.judgement.reason,
            revisits=counts["again"],
            revisits_changed=counts["changed"],
        )


def build_conditional_headers(endpoint: IndexEndpoint) -> tuple[tuple[str, str], ...]:
    """Return the conditional headers of the next request, to be sent only to `endpoint.validators_url`."""
    if endpoint.unmodified_streak >= UNCONDITIONAL_AFTER:
        return ()
    return conditional_headers(endpoint.etag, endpoint.last_modified)


def body_digest(page: Page) -> str:
    """Return the digest that recognises an unmodified body if a server ignores conditional requests."""
    return hashlib.sha256(page.body).hexdigest()


def judge_error(endpoint: IndexEndpoint, error: FetchError, now: datetime) -> Judgement:
    """Return the result of a failed request."""
    outcome = {"parked": "parked", "robots": "refused", "permanent": "refused"}.get(error.kind, "failed")
    return Judgement(endpoint=_with_failure(endpoint, now), outcome=outcome, code=error.code, reason=error.reason)


def judge_status(endpoint: IndexEndpoint, page: Page, now: datetime) -> Judgement | None:
    """Return the result by the status alone, or None for a new body with status 200, which must be parsed."""
    if page.status == 200:
        if page.body and body_digest(page) == endpoint.digest:
            return Judgement(
                endpoint=replace(endpoint, failure_streak=0, unmodified_streak=0, polled_at=now), outcome="unmodified"
            )
        return None
    if page.status == 304:
        request_headers = {name.lower() for name, _ in page.request_headers}
        if not request_headers & {"if-none-match", "if-modified-since"}:
            reason = "HTTP 304 to a request without conditions"
            return _judge_failure(endpoint, now, status_code(page.status), reason)
        unchanged = replace(endpoint, failure_streak=0, unmodified_streak=endpoint.unmodified_streak + 1, polled_at=now)
        return Judgement(endpoint=unchanged, outcome="unmodified")
    if page.status == 410:
        gone = replace(_with_failure(endpoint, now), gone_at=now)
        return Judgement(
            endpoint=gone,
            outcome="gone",
            code=ReasonCode.HTTP_GONE,
            reason="HTTP 410: the publisher ended this index; it is not polled again",
        )
    return _judge_failure(endpoint, now, status_code(page.status), status_reason(page.status))


def judge_index(endpoint: IndexEndpoint, page: Page, index: ParsedIndex, moved_to: str, now: datetime) -> Judgement:
    """Return the result of a parsed body; only a complete one replaces the stored validators."""
    if index.problem and not index.leads:
        return _judge_failure(endpoint, now, ReasonCode.UNREADABLE_INDEX, index.problem)
    if index.problem:
        reason = f"{index.problem}; {len(index.leads)} entries read before that"
        return _judge_failure(endpoint, now, ReasonCode.UNREADABLE_INDEX, reason)
    if not index.leads and not index.child_urls and endpoint.lead_count:
        reason = f"no entries, where there were {endpoint.lead_count}"
        return _judge_failure(endpoint, now, ReasonCode.EMPTY_INDEX, reason)
    updated = replace(
        endpoint,
        etag=page.validator("etag"),
        last_modified=page.validator("last-modified"),
        validators_url=page.url,
        digest=body_digest(page),
        unmodified_streak=0,
        failure_streak=0,
        lead_count=len(index.leads),
        child_urls=index.child_urls,
        gone_at=None,
        polled_at=now,
    )
    return Judgement(endpoint=updated, outcome="ok", reason="; ".join(_list_remarks(index, moved_to)))


def find_permanent_move(hops: tuple[Page, ...]) -> str:
    """Return the target of a chain of permanent redirects, or an empty string."""
    redirects, final = hops[:-1], hops[-1]
    if redirects and all(hop.status in (301, 308) for hop in redirects):
        return final.url
    return ""


def choose_request_url(endpoint: IndexEndpoint) -> str:
    """Return the URL to request an index at: its new one if it moved, but now and then the original one."""
    is_tried = endpoint.move_streak % RETRY_ORIGINAL_AFTER == 0
    return endpoint.moved_to if endpoint.has_moved and not is_tried else endpoint.url


def apply_move(judgement: Judgement, previous: IndexEndpoint, request_url: str, moved_to: str) -> Judgement:
    """Return the judgement with the index's move updated; `previous` is its state before, `request_url` its URL then.

    Only a successful response counts for a move. A failure at one address of a moved index counts against that address
    only: the other one is requested next.
    """
    endpoint, is_original = judgement.endpoint, request_url == previous.url
    if judgement.outcome not in SUCCESSFUL_OUTCOMES:
        if is_original and not previous.has_moved:
            return judgement
        moves = previous.move_streak + 1 if is_original else 0
        outcome = "failed" if judgement.outcome == "gone" else judgement.outcome
        return replace(
            judgement, endpoint=replace(endpoint, move_streak=moves, gone_at=previous.gone_at), outcome=outcome
        )
    if moved_to:
        moves = previous.move_streak + 1 if is_original and moved_to == previous.moved_to else 1
        return replace(judgement, endpoint=replace(endpoint, moved_to=moved_to, move_streak=moves))
    if is_original:
        return replace(judgement, endpoint=replace(endpoint, moved_to="", move_streak=0))
    return replace(judgement, endpoint=replace(endpoint, move_streak=previous.move_streak + 1))


def _list_remarks(index: ParsedIndex, moved_to: str) -> list[str]:
    remarks = list(index.notes)
    if index.total > len(index.leads):
        remarks.append(f"truncated: {index.total} entries, the newest {len(index.leads)} read")
    if moved_to:
        remarks.append(f"moved permanently to {moved_to}")
    return remarks


def _judge_failure(endpoint: IndexEndpoint, now: datetime, code: ReasonCode, reason: str) -> Judgement:
    return Judgement(endpoint=_with_failure(endpoint, now), outcome="failed", code=code, reason=reason)


def _with_failure(endpoint: IndexEndpoint, now: datetime) -> IndexEndpoint:
    return replace(endpoint, failure_streak=endpoint.failure_streak + 1, polled_at=now)
