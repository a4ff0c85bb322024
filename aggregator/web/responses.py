"""What was answered to each question, as long as nothing was written: a reader who has it already costs nothing."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from hashlib import sha256
from http import HTTPStatus

from starlette.responses import JSONResponse

_MOST = 2_000
_SECONDS = 60.0
"""Answers to questions about the last days change with time alone."""


def mark_of(listed: object) -> str:
    """A mark that is the same for the same values in every process."""
    return sha256(repr(listed).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Marks:
    """Marks by question; each holds until the archive is written or a minute has passed."""

    def __init__(self, version: Callable[[], Hashable], clock: Callable[[], float] = time.monotonic) -> None:
        self._version, self._clock = version, clock
        self._held: OrderedDict[Hashable, tuple[Hashable, float, str]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, question: Hashable, found: Callable[[], str]) -> str:
        """The mark of a question, found anew where it may be another."""
        version, now = self._version(), self._clock()
        with self._lock:
            held = self._held.get(question)
            if held is not None and held[0] == version and now - held[1] < _SECONDS:
                self._held.move_to_end(question)
                return held[2]
        mark = found()
        with self._lock:
            self._held[question] = (version, now, mark)
            self._held.move_to_end(question)
            while len(self._held) > _MOST:
                self._held.popitem(last=False)
        return mark


def problem(status: int, detail: str) -> JSONResponse:
    """An answer that says what went wrong and what to do."""
    fields = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(fields, status_code=status, media_type="application/problem+json")
