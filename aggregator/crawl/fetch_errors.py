"""Words for what goes wrong with a fetch, and whether trying again can help."""

from __future__ import annotations

from dataclasses import dataclass

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

from aggregator.crawl.address_policy import BlockedAddress
from aggregator.crawl.download_handler import HeaderFlood
from aggregator.crawl.host_limiter import HostParked
from aggregator.crawl.in_flight import FetchCancelled


@dataclass(frozen=True, slots=True)
class FetchError:
    """What went wrong, in words. `kind` is one of transient, permanent, parked, robots."""

    kind: str
    reason: str


class RobotsRefusal(IgnoreRequest):
    """robots.txt says no, or (not `lasting`) could not be read; the message begins with `robots:`."""

    def __init__(self, host: str, reason: str, *, is_lasting: bool) -> None:
        super().__init__(reason)
        self.host, self.is_lasting = host, is_lasting


class NotAnIndex(StopDownload):
    """An index's address answers with something that cannot be one, as its headers tell."""

    def __init__(self, reason: str) -> None:
        super().__init__(fail=True)
        self.reason = reason


class RefusedRedirect(Exception):
    """An address that may be asked pointed to one that may not."""


def classify_error(error: BaseException) -> FetchError:
    """What an exception from the downloader means for the page that was asked for."""
    if isinstance(error, RobotsRefusal):
        return FetchError("permanent" if error.is_lasting else "robots", str(error))
    if isinstance(error, HostParked):
        return FetchError("parked", str(error))
    if isinstance(error, RefusedRedirect):
        return FetchError("transient", f"refused redirect: {error}")
    if isinstance(error, BlockedAddress):
        return FetchError("permanent", str(error))
    if isinstance(error, UnsupportedURLSchemeError):
        return FetchError("permanent", "blocked: scheme is not http or https")
    if isinstance(error, ValueError):  # from Scrapy's Request, or from the encoding of a host name
        return FetchError("permanent", f"blocked: not a valid address: {' '.join(str(error).split())[:200]}")
    if isinstance(error, NotAnIndex):
        return FetchError("permanent", error.reason)
    if isinstance(error, IgnoreRequest):
        return FetchError("permanent", "redirect loop: too many redirects" if "redirect" in str(error) else str(error))
    return FetchError(
        "transient", str(error) if isinstance(error, FetchCancelled) else _describe_connection_error(error)
    )


def _describe_connection_error(error: BaseException) -> str:
    if isinstance(error, DownloadTimeoutError):
        return "timeout: no full answer in time"
    if isinstance(error, ResponseDataLossError):
        return "truncated: the connection closed before the whole body came"
    if isinstance(error, DownloadConnectionRefusedError):
        return "connection refused"
    if isinstance(error, CannotResolveHostError):
        return "host name not found"
    if isinstance(error, DownloadCancelledError):
        return "too large: over the size limit"  # nothing else cancels a transfer
    return _describe_nested_error(error)


def _describe_nested_error(error: BaseException) -> str:
    flood = _find_cause(error, HeaderFlood)
    if flood is not None:
        return "too many response headers"
    text = " ".join(str(error).split())[:200]
    if "certificate" in text.lower():
        return f"TLS certificate not accepted: {text}"
    if "ConnectionLost" in text or "ConnectionDone" in text or "ConnectionAborted" in text or "reset" in text.lower():
        return "connection reset: closed before an answer came"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _find_cause(error: BaseException, kind: type[BaseException], depth: int = 0) -> BaseException | None:
    if isinstance(error, kind):
        return error
    if depth > 5:
        return None
    inner = [failure.value for failure in getattr(error, "reasons", [])]
    for child in (*inner, error.__cause__):
        if child is not None and (found := _find_cause(child, kind, depth + 1)) is not None:
            return found
    return None
