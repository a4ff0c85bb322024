"""What was answered to each question, as long as nothing was written: a reader who has it already costs nothing."""

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
"""Answers to questions about the last days change with time alone."""


def make_etag(value: object) -> str:
    """A mark that is the same for the same values in every process."""
    return sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class EtagCache:
    """Marks by question; each holds until the archive is written or a minute has passed."""

    def __init__(self, version: Callable[[], Hashable], clock: Callable[[], float] = time.monotonic) -> None:
        self._version, self._clock = version, clock
        self._etags: OrderedDict[Hashable, tuple[Hashable, float, str]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, request: Hashable, compute: Callable[[], str]) -> str:
        """The mark of a question, found anew where it may be another."""
        version, now = self._version(), self._clock()
        with self._lock:
            held = self._etags.get(request)
            if held is not None and held[0] == version and now - held[1] < _MAX_AGE:
                self._etags.move_to_end(request)
                return held[2]
        mark = compute()
        with self._lock:
            self._etags[request] = (version, now, mark)
            self._etags.move_to_end(request)
            while len(self._etags) > _MAX_ETAGS:
                self._etags.popitem(last=False)
        return mark


def problem_response(status: int, detail: str) -> JSONResponse:
    """An answer that says what went wrong and what to do."""
    from starlette.responses import JSONResponse

    fields = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(fields, status_code=status, media_type="application/problem+json")
