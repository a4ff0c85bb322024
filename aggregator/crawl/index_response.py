"""Decides, without acting, what an index's answer means: what to remember, what to report, what to ask next time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.crawl.fetch_errors import FetchError
from spiders.spider import conditional_headers
from storage.model.crawl import SUCCESSFUL_OUTCOMES, IndexEndpoint, ReasonCode, status_code, status_reason
from storage.model.page import Page, ParsedIndex

RETRY_ORIGINAL_AFTER = 50
"""As often an index that moved is found at its new address before its own is tried once more."""
UNCONDITIONAL_AFTER = 20
"""After so many 304s in a row one full answer is asked for, in case the server is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one index request came to: the endpoint as it is to be remembered, an outcome of Poll, and why."""

    endpoint: IndexEndpoint
    outcome: str
    code: str = ""
    reason: str = ""


def build_conditional_headers(endpoint: IndexEndpoint) -> tuple[tuple[str, str], ...]:
    """The conditional headers for the next request; they may only be sent to `endpoint.validators_url`."""
    if endpoint.unmodified_streak >= UNCONDITIONAL_AFTER:
        return ()
    return conditional_headers(endpoint.etag, endpoint.last_modified)


def body_digest(page: Page) -> str:
    """The digest by which an unchanged body is known where a server ignores conditional requests."""
    return hashlib.sha256(page.body).hexdigest()


def judge_error(endpoint: IndexEndpoint, error: FetchError, now: datetime) -> Judgement:
    """No answer came: why, and one more failure in a row."""
    outcome = {"parked": "parked", "robots": "refused", "permanent": "refused"}.get(error.kind, "failed")
    return Judgement(endpoint=_with_failure(endpoint, now), outcome=outcome, code=error.code, reason=error.reason)


def judge_status(endpoint: IndexEndpoint, page: Page, now: datetime) -> Judgement | None:
    """What the status alone decides; None for a 200, whose body has to be read."""
    if page.status == 200:
        if page.body and body_digest(page) == endpoint.digest:
            return Judgement(
                endpoint=replace(endpoint, failure_streak=0, unmodified_streak=0, polled_at=now), outcome="unmodified"
            )
        return None
    if page.status == 304:
        asked = {name.lower() for name, _ in page.request_headers}
        if not asked & {"if-none-match", "if-modified-since"}:
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
    """What a read body means. Only a good reading replaces the validators."""
    if index.problem and not index.leads:
        return _judge_failure(endpoint, now, ReasonCode.UNREADABLE_INDEX, index.problem)
    if index.problem:
        reason = f"{index.problem}; {len(index.leads)} entries read before that"
        return _judge_failure(endpoint, now, ReasonCode.UNREADABLE_INDEX, reason)
    if not index.leads and not index.child_urls and endpoint.lead_count:
        reason = f"no entries, where there were {endpoint.lead_count}"
        return _judge_failure(endpoint, now, ReasonCode.EMPTY_INDEX, reason)
    remembered = replace(
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
    return Judgement(endpoint=remembered, outcome="ok", reason="; ".join(_list_remarks(index, moved_to)))


def find_permanent_move(hops: tuple[Page, ...]) -> str:
    """Where a chain of permanent redirects led, or an empty string."""
    redirects, final = hops[:-1], hops[-1]
    if redirects and all(hop.status in (301, 308) for hop in redirects):
        return final.url
    return ""


def choose_request_url(endpoint: IndexEndpoint) -> str:
    """Where an index is asked for: at its own address, which now and then is tried also when it has moved."""
    is_tried = endpoint.move_streak % RETRY_ORIGINAL_AFTER == 0
    return endpoint.moved_to if endpoint.has_moved and not is_tried else endpoint.url


def apply_move(judgement: Judgement, previous: IndexEndpoint, request_url: str, moved_to: str) -> Judgement:
    """The judgement, with what it tells of a move; `asked` is where the index was asked for, as `before` had it.

    Only an answer that was read well, or has not changed, counts for one. One that is no good at either address of an
    index that moved counts against that address alone: the other is asked next.
    """
    after, is_at_home = judgement.endpoint, request_url == previous.url
    if judgement.outcome not in SUCCESSFUL_OUTCOMES:
        if is_at_home and not previous.has_moved:
            return judgement
        moves = previous.move_streak + 1 if is_at_home else 0
        outcome = "failed" if judgement.outcome == "gone" else judgement.outcome
        return replace(judgement, endpoint=replace(after, move_streak=moves, gone_at=previous.gone_at), outcome=outcome)
    if moved_to:
        moves = previous.move_streak + 1 if is_at_home and moved_to == previous.moved_to else 1
        return replace(judgement, endpoint=replace(after, moved_to=moved_to, move_streak=moves))
    if is_at_home:
        return replace(judgement, endpoint=replace(after, moved_to="", move_streak=0))
    return replace(judgement, endpoint=replace(after, move_streak=previous.move_streak + 1))


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
