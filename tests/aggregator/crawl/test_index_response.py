"""Interpretation of an index's response: its new state and the result."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aggregator.crawl.fetch_errors import FetchError
from aggregator.crawl.index_response import (
    UNCONDITIONAL_AFTER,
    build_conditional_headers,
    find_permanent_move,
    judge_error,
    judge_index,
    judge_status,
)
from storage.model.crawl import IndexEndpoint, ReasonCode
from storage.model.page import Lead, Page, ParsedIndex

NOW = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://a.example/feed.xml"
KNOWN = IndexEndpoint(
    source="a",
    url=URL,
    etag='"old"',
    last_modified="Thu, 01 Jan 2026 00:00:00 GMT",
    validators_url=URL,
    digest="d",
    lead_count=3,
    failure_streak=2,
)
LEADS = tuple(Lead(url=f"https://a.example/{n}") for n in range(3))


def page(status: int = 200, *headers: tuple[str, str], body: bytes = b"<rss/>", url: str = URL) -> Page:
    return Page(url=url, status=status, headers=headers, body=body, fetched_at=NOW)


def asked(answer: Page) -> Page:
    return replace(answer, request_headers=(("If-None-Match", '"old"'),))


def test_parsed_body_replaces_the_validators_and_ends_the_failures() -> None:
    answer = page(200, ("ETag", '"new"'), ("Last-Modified", "yesterday"), url="https://a.example/moved.xml")
    got = judge_index(KNOWN, answer, ParsedIndex(leads=LEADS, total=3), "", NOW)
    assert (got.outcome, got.reason) == ("ok", "")
    assert (got.endpoint.etag, got.endpoint.validators_url, got.endpoint.failure_streak) == (
        '"new"',
        "https://a.example/moved.xml",
        0,
    )


@pytest.mark.parametrize(
    "index",
    [
        ParsedIndex(problem="an HTML page, not a feed"),
        ParsedIndex(problem="empty"),
        ParsedIndex(problem="broken off", leads=LEADS, total=3),
        ParsedIndex(),
    ],
    ids=["html", "empty", "broken", "no entries"],
)
def test_unparsed_body_keeps_the_validators(index: ParsedIndex) -> None:
    got = judge_index(KNOWN, page(200, ("ETag", '"new"')), index, "", NOW)
    assert got.outcome == "failed"
    assert got.reason
    assert (got.endpoint.etag, got.endpoint.digest, got.endpoint.failure_streak) == ('"old"', "d", 3)


@pytest.mark.parametrize("etag", ['"' + "x" * 2000 + '"', '"a\r\nX-Evil: 1"', '"a\0"'])
def test_invalid_validators_are_dropped(etag: str) -> None:
    got = judge_index(KNOWN, page(200, ("ETag", etag)), ParsedIndex(leads=LEADS, total=3), "", NOW)
    assert got.endpoint.etag == ""


def test_an_empty_feed_that_never_had_entries_is_no_failure() -> None:
    assert (
        judge_index(IndexEndpoint(source="a", url=URL), page(), ParsedIndex(title="new blog"), "", NOW).outcome == "ok"
    )


def test_truncation_of_an_index_is_reported() -> None:
    got = judge_index(KNOWN, page(), ParsedIndex(leads=LEADS, total=100_000), "", NOW)
    assert got.reason == "truncated: 100000 entries, the newest 3 read"


def test_unconditional_request_follows_twenty_304_responses() -> None:
    endpoint = KNOWN
    for count in range(1, UNCONDITIONAL_AFTER + 1):
        assert build_conditional_headers(endpoint) == (
            ("If-None-Match", '"old"'),
            ("If-Modified-Since", KNOWN.last_modified),
        )
        got = judge_status(endpoint, asked(page(304)), NOW)
        assert got is not None
        assert got.outcome == "unmodified"
        endpoint = got.endpoint
        assert endpoint.unmodified_streak == count
    assert build_conditional_headers(endpoint) == ()


def test_304_to_a_request_without_conditions_is_a_failure() -> None:
    got = judge_status(KNOWN, page(304), NOW)
    assert got is not None
    assert got.outcome == "failed"


def test_equal_body_is_unmodified_if_the_server_ignores_conditions() -> None:
    first = judge_index(KNOWN, page(), ParsedIndex(leads=LEADS, total=3), "", NOW)
    again = judge_status(first.endpoint, page(), NOW)
    assert again is not None
    assert again.outcome == "unmodified"
    assert judge_status(first.endpoint, page(body=b"<rss>more</rss>"), NOW) is None


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_other_statuses_are_failures_that_name_the_status(status: int) -> None:
    got = judge_status(KNOWN, page(status), NOW)
    assert got is not None
    assert (got.outcome, got.reason) == ("failed", f"HTTP {status}")
    assert got.endpoint.etag == '"old"'


def test_410_ends_the_endpoint() -> None:
    got = judge_status(KNOWN, page(410), NOW)
    assert got is not None
    assert got.outcome == "gone"
    assert got.endpoint.gone_at == NOW


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("parked", "parked"), ("robots", "refused"), ("permanent", "refused"), ("transient", "failed")],
)
def test_fetch_errors_become_outcomes_with_their_reason(kind: str, outcome: str) -> None:
    got = judge_error(KNOWN, FetchError(kind, ReasonCode.TIMEOUT, "because"), NOW)
    assert (got.outcome, got.reason, got.endpoint.failure_streak) == (outcome, "because", 3)


def test_only_a_chain_of_permanent_redirects_is_a_move() -> None:
    final = page(url="https://a.example/new.xml")
    assert find_permanent_move((page(301), page(308), final)) == "https://a.example/new.xml"
    assert find_permanent_move((page(301), page(302), final)) == ""
    assert find_permanent_move((final,)) == ""
