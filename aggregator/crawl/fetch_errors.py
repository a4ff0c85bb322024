"""Classify fetch errors: transient, permanent, parked or robots, each with a code and a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from OpenSSL import SSL
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    StopDownload,
    UnsupportedURLSchemeError,
)
from service_identity import VerificationError
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.web._newclient import ParseError

from aggregator.crawl.address_policy import BlockedAddress
from aggregator.crawl.host_limiter import HostParked
from aggregator.crawl.in_flight import FetchCancelled
from storage.model.crawl import ReasonCode

T = TypeVar("T", bound=BaseException)

_MAX_CAUSE_DEPTH = 5
_CLOSED_CONNECTION_ERRORS = (ConnectionLost, ConnectionDone, ConnectionAborted, ConnectionResetError)


@dataclass(frozen=True, slots=True)
class FetchError:
    """Why a request failed. `kind` is transient, permanent, parked or robots; `reason` is for people.

    `closed_host` is the host that gets no further request in this poll, if the failure is parked or robots.
    """

    kind: str
    code: ReasonCode
    reason: str
    closed_host: str = ""


class HeaderFlood(ParseError):
    """A response with more bytes of header lines than the limit."""


class RobotsRefusal(IgnoreRequest):
    """A request that robots.txt forbids (`is_lasting`), or whose robots.txt could not be read."""

    def __init__(self, host: str, reason: str, *, is_lasting: bool) -> None:
        super().__init__(reason)
        self.host, self.is_lasting = host, is_lasting


class NotAnIndex(StopDownload):
    """A response to a request for an index whose media type excludes one."""

    def __init__(self, reason: str) -> None:
        super().__init__(fail=True)
        self.reason = reason


class RefusedRedirect(Exception):
    """A redirect to an address that must not be requested."""


def classify_error(error: BaseException) -> FetchError:
    """Return the kind, code and reason of an exception raised by the downloader."""
    if isinstance(error, RobotsRefusal):
        if error.is_lasting:
            return FetchError("permanent", ReasonCode.ROBOTS_DISALLOWED, str(error))
        return FetchError("robots", ReasonCode.ROBOTS_UNREADABLE, str(error), error.host)
    if isinstance(error, HostParked):
        return FetchError("parked", ReasonCode.HOST_PARKED, str(error), error.host)
    if isinstance(error, RefusedRedirect):
        return FetchError("transient", ReasonCode.REFUSED_REDIRECT, f"refused redirect: {error}")
    if isinstance(error, BlockedAddress):
        return FetchError("permanent", ReasonCode.BLOCKED_ADDRESS, str(error))
    if isinstance(error, UnsupportedURLSchemeError):
        return FetchError("permanent", ReasonCode.BLOCKED_ADDRESS, "blocked: scheme is not http or https")
    if isinstance(error, ValueError):  # from Scrapy's Request, or from the encoding of a host name
        reason = f"blocked: not a valid address: {_one_line(error)}"
        return FetchError("permanent", ReasonCode.INVALID_URL, reason)
    if isinstance(error, NotAnIndex):
        return FetchError("permanent", ReasonCode.NOT_AN_INDEX, error.reason)
    if isinstance(error, IgnoreRequest):  # of the middlewares in use only RedirectMiddleware raises it
        return FetchError("permanent", ReasonCode.REDIRECT_LOOP, "redirect loop: too many redirects")
    if isinstance(error, FetchCancelled):
        return FetchError("transient", ReasonCode.STOPPED, str(error))
    return FetchError("transient", *_describe_connection_error(error))


def _describe_connection_error(error: BaseException) -> tuple[ReasonCode, str]:
    if isinstance(error, DownloadTimeoutError):
        return ReasonCode.TIMEOUT, "timeout: no full answer in time"
    if isinstance(error, ResponseDataLossError):
        return ReasonCode.TRUNCATED, "truncated: the connection closed before the whole body came"
    if isinstance(error, DownloadConnectionRefusedError):
        return ReasonCode.CONNECTION_REFUSED, "connection refused"
    if isinstance(error, CannotResolveHostError):
        return ReasonCode.HOST_NOT_FOUND, "host name not found"
    if isinstance(error, DownloadCancelledError):
        return ReasonCode.TOO_LARGE, "too large: over the size limit"  # nothing else cancels a transfer
    return _describe_nested_error(error)


def _describe_nested_error(error: BaseException) -> tuple[ReasonCode, str]:
    if _find_cause(error, (HeaderFlood,)) is not None:
        return ReasonCode.TOO_MANY_HEADERS, "too many response headers"
    text = _one_line(error)
    if _find_cause(error, (SSL.Error, VerificationError)) is not None:
        return ReasonCode.TLS, f"TLS handshake failed: {text}"
    if _find_cause(error, _CLOSED_CONNECTION_ERRORS) is not None:
        return ReasonCode.CONNECTION_RESET, "connection reset: closed before an answer came"
    return ReasonCode.CONNECTION_ERROR, f"{type(error).__name__}: {text}" if text else type(error).__name__


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def _find_cause(error: BaseException, kinds: tuple[type[T], ...], depth: int = 0) -> T | None:
    """Return the first exception of these kinds among an error, its Twisted failures and its causes."""
    if isinstance(error, kinds):
        return error
    if depth > _MAX_CAUSE_DEPTH:
        return None
    failures = [failure.value for failure in getattr(error, "reasons", None) or ()]
    for child in (*failures, error.__cause__):
        if child is not None and (cause := _find_cause(child, kinds, depth + 1)) is not None:
            return cause
    return None
