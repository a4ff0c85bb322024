"""Kinds and codes of fetch errors, and parsing of Retry-After."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from service_identity import VerificationError
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure
from twisted.web.client import ResponseNeverReceived

from aggregator.crawl.address_policy import BlockedAddress
from aggregator.crawl.fetch_errors import (
    HeaderFlood,
    NotAnIndex,
    RefusedRedirect,
    RobotsRefusal,
    classify_error,
)
from aggregator.crawl.host_limiter import HostParked
from aggregator.crawl.in_flight import FetchCancelled
from aggregator.crawl.middlewares import DEFAULT_PARKING, MAX_PARKING, parse_retry_after
from storage.model.crawl import ReasonCode

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def caused_by(cause: BaseException) -> DownloadFailedError:
    """Return Scrapy's error for a response that Twisted did not receive because of `cause`."""
    error = DownloadFailedError("the request failed")
    error.__cause__ = ResponseNeverReceived([Failure(cause)])
    return error


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (RobotsRefusal("a", "no", is_lasting=True), "permanent", ReasonCode.ROBOTS_DISALLOWED),
        (RobotsRefusal("a", "no", is_lasting=False), "robots", ReasonCode.ROBOTS_UNREADABLE),
        (HostParked("a", NOW, "HTTP 429"), "parked", ReasonCode.HOST_PARKED),
        (RefusedRedirect("x"), "transient", ReasonCode.REFUSED_REDIRECT),
        (BlockedAddress("x"), "permanent", ReasonCode.BLOCKED_ADDRESS),
        (UnsupportedURLSchemeError("x"), "permanent", ReasonCode.BLOCKED_ADDRESS),
        (ValueError("x"), "permanent", ReasonCode.INVALID_URL),
        (NotAnIndex("x"), "permanent", ReasonCode.NOT_AN_INDEX),
        (IgnoreRequest("any words"), "permanent", ReasonCode.REDIRECT_LOOP),
        (FetchCancelled(), "transient", ReasonCode.STOPPED),
        (DownloadTimeoutError(), "transient", ReasonCode.TIMEOUT),
        (ResponseDataLossError(), "transient", ReasonCode.TRUNCATED),
        (DownloadConnectionRefusedError(), "transient", ReasonCode.CONNECTION_REFUSED),
        (CannotResolveHostError(), "transient", ReasonCode.HOST_NOT_FOUND),
        (DownloadCancelledError(), "transient", ReasonCode.TOO_LARGE),
        (caused_by(HeaderFlood("x", b"")), "transient", ReasonCode.TOO_MANY_HEADERS),
        (caused_by(SSL.Error([("", "", "certificate verify failed")])), "transient", ReasonCode.TLS),
        (caused_by(VerificationError(errors=[])), "transient", ReasonCode.TLS),
        (caused_by(ConnectionLost()), "transient", ReasonCode.CONNECTION_RESET),
        (caused_by(ConnectionDone()), "transient", ReasonCode.CONNECTION_RESET),
        (ConnectionResetError(), "transient", ReasonCode.CONNECTION_RESET),
        (caused_by(OSError("certificate reset by redirect")), "transient", ReasonCode.CONNECTION_ERROR),
    ],
)
def test_type_of_an_error_decides_its_kind_and_code(error: Exception, kind: str, code: ReasonCode) -> None:
    failure = classify_error(error)
    assert (failure.kind, failure.code) == (kind, code)
    assert failure.reason


@pytest.mark.parametrize(
    ("value", "delay"),
    [
        ("20", timedelta(seconds=20)),
        (" 0 ", timedelta(0)),
        ("99999999999999999999", MAX_PARKING),
        ("Thu, 01 Jan 2026 12:05:00 GMT", timedelta(minutes=5)),
        ("Thu, 01 Jan 2026 11:00:00 GMT", timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_PARKING),
        ("-5", DEFAULT_PARKING),
        ("1e99", DEFAULT_PARKING),
        ("", DEFAULT_PARKING),
        ("soon", DEFAULT_PARKING),
        ("\u0663", DEFAULT_PARKING),
    ],
)
def test_retry_after_is_limited(value: str, delay: timedelta) -> None:
    assert parse_retry_after(value, NOW) == NOW + delay


@given(st.text())
def test_any_retry_after_gives_a_time_within_the_limits(value: str) -> None:
    assert NOW <= parse_retry_after(value, NOW) <= NOW + MAX_PARKING
