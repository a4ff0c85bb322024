"""Interpret the response to a request for an article, before its text is extracted; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from aggregator.extraction.classify.classify import detect_challenge
from storage.model.crawl import ReasonCode, status_code, status_reason
from storage.model.page import Page

_PERMANENT_STATUSES = frozenset({400, 401, 402, 404, 405, 406, 410, 414, 451, *range(300, 400)})
"""Statuses after which a later request is not expected to succeed."""


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


_KINDS_BY_STATUS = {304: ResponseKind.UNMODIFIED, 404: ResponseKind.MISSING, 410: ResponseKind.MISSING}


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
    if page.status != 200:
        code = status_code(page.status)
        return ArticleResponse(
            kind=_KINDS_BY_STATUS.get(page.status, ResponseKind.FAILED),
            code=code,
            reason=status_reason(page.status),
            can_retry=page.status not in _PERMANENT_STATUSES,
            is_certain=code is ReasonCode.HTTP_GONE,
        )
    if _is_redirected_home(hops):
        reason = "redirected to the site's front page"
        return ArticleResponse(kind=ResponseKind.REDIRECTED_HOME, code=ReasonCode.REDIRECTED, reason=reason)
    return ArticleResponse(kind=ResponseKind.PAGE)


def _is_redirected_home(hops: tuple[Page, ...]) -> bool:
    """Return whether an article's address redirected to a front page, as publishers do with removed articles."""
    first, last = urlsplit(hops[0].url), urlsplit(hops[-1].url)
    return len(hops) > 1 and last.path in ("", "/") and not last.query and first.path not in ("", "/")
