"""ETags and problem responses."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.responses import JSONResponse


_MAX_ETAGS = 2_000
_MAX_AGE = 60.0
"""Seconds that an ETag is reused: responses about recent days change with time alone."""


def make_etag(value: object) -> str:
    """Return an ETag that is equal for equal values in every process."""
    return sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class EtagCache:
    """Computed ETags by request; each is valid until the archive changes, for at most a minute."""

    def __init__(self, version: Callable[[], Hashable], clock: Callable[[], float] = time.monotonic) -> None:
        self._version, self._clock = version, clock
        self._etags: OrderedDict[Hashable, tuple[Hashable, float, str]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, request: Hashable, compute: Callable[[], str]) -> str:
        """Return the ETag of a request; call `compute` if the stored one may be outdated."""
        version, now = self._version(), self._clock()
        with self._lock:
            cached = self._etags.get(request)
            if cached is not None and cached[0] == version and now - cached[1] < _MAX_AGE:
                self._etags.move_to_end(request)
                return cached[2]
        etag = compute()
        with self._lock:
            self._etags[request] = (version, now, etag)
            self._etags.move_to_end(request)
            while len(self._etags) > _MAX_ETAGS:
                self._etags.popitem(last=False)
        return etag


def problem_response(status: int, detail: str) -> JSONResponse:
    """Return a problem response (RFC 9457) that says what is wrong and what to do."""
    from starlette.responses import JSONResponse

    fields = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(fields, status_code=status, media_type="application/problem+json")
