"""Interpret the response to a request for an article, before its text is extracted; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aggregator.extraction.classify.classify import detect_challenge
from aggregator.ingest.ingest import check_status, is_redirected_home
from storage.model.crawl import ReasonCode, status_code
from storage.model.page import Page

HTTP_NOT_MODIFIED = 304
HTTP_NOT_FOUND = 404
HTTP_GONE = 410


class ResponseKind(StrEnum):
    """Kinds of responses to a request for an article.

    A missing page answered with 404 or 410. A redirect to the site's front page has its own kind, because publishers
    also send new addresses there.
    """

    PAGE = "page"
    UNMODIFIED = "unmodified"
    MISSING = "missing"
    REDIRECTED_HOME = "redirected-home"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleResponse:
    """Interpretation of a response; only the text of a PAGE is worth extracting.

    `can_retry` says that a later request may succeed, `is_certain` that a missing page needs no second request.
    """

    kind: ResponseKind
    code: str = ""
    reason: str = ""
    can_retry: bool = False
    is_certain: bool = False


def read_article_response(hops: tuple[Page, ...]) -> ArticleResponse:
    """Interpret the last of `hops`, which the others redirected to.

    A bot challenge is recognised whatever its status: its site answers others.
    """
    page = hops[-1]
    challenge = detect_challenge(page)
    if challenge is not None and challenge.refusal is not None:
        refusal = challenge.refusal
        return ArticleResponse(kind=ResponseKind.REFUSED, code=refusal.code, reason=refusal.reason)
    failure = check_status(page)
    if failure is None:
        if is_redirected_home(hops):
            return ArticleResponse(
                kind=ResponseKind.REDIRECTED_HOME,
                code=ReasonCode.REDIRECTED,
                reason="redirected to the site's front page",
            )
        return ArticleResponse(kind=ResponseKind.PAGE)
    kind = {
        HTTP_NOT_MODIFIED: ResponseKind.UNMODIFIED,
        HTTP_NOT_FOUND: ResponseKind.MISSING,
        HTTP_GONE: ResponseKind.MISSING,
    }.get(page.status, ResponseKind.FAILED)
    reason, can_retry = failure
    return ArticleResponse(
        kind=kind,
        code=status_code(page.status),
        reason=reason,
        can_retry=can_retry,
        is_certain=page.status == HTTP_GONE,
    )
