"""The interpretation of responses to requests for articles."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aggregator.crawl.article_response import ArticleResponse, ResponseKind, read_article_response
from aggregator.extraction.classify.model import PageKind
from storage.model.crawl import ReasonCode
from storage.model.page import Page

URL = "https://a.example/article"


def page(status: int = 200, *headers: tuple[str, str], url: str = URL) -> Page:
    return Page(url=url, status=status, headers=headers, fetched_at=datetime(2026, 1, 1, tzinfo=UTC))


def read(status: int, *headers: tuple[str, str]) -> ArticleResponse:
    return read_article_response((page(status, *headers),))


def test_status_200_is_a_page_to_extract() -> None:
    assert read(200) == ArticleResponse(kind=ResponseKind.PAGE)


@pytest.mark.parametrize(
    ("status", "kind", "code", "can_retry"),
    [
        (304, ResponseKind.UNMODIFIED, ReasonCode.HTTP_STATUS, False),
        (302, ResponseKind.FAILED, ReasonCode.HTTP_STATUS, False),
        (401, ResponseKind.FAILED, ReasonCode.HTTP_STATUS, False),
        (403, ResponseKind.FAILED, ReasonCode.HTTP_STATUS, True),
        (404, ResponseKind.MISSING, ReasonCode.HTTP_NOT_FOUND, False),
        (410, ResponseKind.MISSING, ReasonCode.HTTP_GONE, False),
        (408, ResponseKind.FAILED, ReasonCode.HTTP_TRY_LATER, True),
        (425, ResponseKind.FAILED, ReasonCode.HTTP_TRY_LATER, True),
        (429, ResponseKind.FAILED, ReasonCode.HTTP_TRY_LATER, True),
        (500, ResponseKind.FAILED, ReasonCode.HTTP_SERVER_ERROR, True),
        (503, ResponseKind.FAILED, ReasonCode.HTTP_SERVER_ERROR, True),
        (999, ResponseKind.FAILED, ReasonCode.HTTP_SERVER_ERROR, True),
    ],
)
def test_other_statuses_have_a_kind_and_a_code(
    status: int, kind: ResponseKind, code: ReasonCode, can_retry: bool
) -> None:
    response = read(status)
    assert (response.kind, response.code, response.reason) == (kind, code, f"HTTP {status}")
    assert response.can_retry is can_retry


def test_only_status_410_is_certainly_missing() -> None:
    assert [read(status).is_certain for status in (404, 410, 500)] == [False, True, False]


def test_redirect_to_the_front_page_is_recognised() -> None:
    home = page(url="https://a.example/")
    response = read_article_response((page(302), home))
    assert (response.kind, response.code) == (ResponseKind.REDIRECTED_HOME, ReasonCode.REDIRECTED)
    assert read_article_response((home,)).kind is ResponseKind.PAGE
    assert read_article_response((page(302), page(url="https://a.example/?p=1"))).kind is ResponseKind.PAGE


@pytest.mark.parametrize("status", [200, 403, 503])
def test_declared_challenge_is_refused_whatever_its_status(status: int) -> None:
    response = read(status, ("cf-mitigated", "challenge"))
    assert (response.kind, response.code) == (ResponseKind.REFUSED, PageKind.CHALLENGE)
    assert response.reason


def test_forbidden_page_of_a_bot_protection_service_is_a_challenge() -> None:
    assert read(403, ("server", "AkamaiGHost")).kind is ResponseKind.REFUSED
    assert read(404, ("server", "AkamaiGHost")).kind is ResponseKind.MISSING


def test_failed_response_at_the_front_page_keeps_its_status() -> None:
    hops = (page(302), page(500, url="https://a.example/"))
    assert read_article_response(hops).code == ReasonCode.HTTP_SERVER_ERROR
