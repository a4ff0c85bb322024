"""Extract a fetched page and store its article, with a limit on the pages that wait."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Protocol

from spiders.source import Hints
from storage.model.article import Article, Decision, Refusal
from storage.model.page import EncodedBody, Page

MAX_BACKLOG_BYTES = 64 * 2**20
MAX_BACKLOG_PAGES = 256


class PageExtractor(Protocol):
    """Extracts the article of a page, and compresses the page's body, isolated from the caller's process."""

    async def extract_and_encode(self, page: Page, hints: Hints) -> tuple[Article | Refusal, EncodedBody | None]: ...


class OutcomeSink(Protocol):
    """Stores an extracted article or a refusal together with its pages, in one transaction.

    `hints` adds what was learned about the source's pages. `keep` returns None if more was learned after the
    extraction: the page must be extracted again.
    """

    def hints(self, hints: Hints) -> Hints: ...
    async def keep(self, hops: tuple[Page, ...], article: Article) -> Decision | Refusal | None: ...
    async def refuse(self, hops: tuple[Page, ...], refusal: Refusal) -> None: ...


@dataclass(frozen=True, slots=True)
class IngestOutcome:
    """Either the decision about a page's article or the refusal of the page."""

    decision: Decision | None = None
    refusal: Refusal | None = None


class Ingest:
    """Extracts and stores pages, and limits how many wait for it."""

    def __init__(self, extractor: PageExtractor) -> None:
        self._extractor = extractor
        self._bytes = self._pages = 0
        self._capacity = asyncio.Condition()
        self.pages_read, self.reading_seconds = 0, 0.0
        """Number of extracted pages, and the seconds that this took, including the wait for a worker."""

    @property
    def pending_pages(self) -> int:
        """Number of pages that were fetched but are not stored yet."""
        return self._pages

    async def wait_for_room(self) -> None:
        """Wait until few enough fetched pages are pending to fetch another."""
        async with self._capacity:
            await self._capacity.wait_for(lambda: self._bytes < MAX_BACKLOG_BYTES and self._pages < MAX_BACKLOG_PAGES)

    async def ingest(self, hops: tuple[Page, ...], hints: Hints, sink: OutcomeSink) -> IngestOutcome:
        """Extract the article of the last hop and store the outcome with all hops."""
        size = sum(len(hop.body) for hop in hops)
        self._bytes, self._pages = self._bytes + size, self._pages + 1
        try:
            while True:
                extracted, encoded = await self._extract(hops[-1], sink.hints(hints))
                if encoded is not None:
                    hops = (*hops[:-1], replace(hops[-1], encoded_body=encoded))
                if isinstance(extracted, Refusal):
                    await sink.refuse(hops, extracted)
                    return IngestOutcome(refusal=extracted)
                outcome = await sink.keep(hops, extracted)
                if isinstance(outcome, Refusal):
                    return IngestOutcome(refusal=outcome)
                if outcome is not None:
                    return IngestOutcome(decision=outcome)
        finally:
            self._bytes, self._pages = self._bytes - size, self._pages - 1
            async with self._capacity:
                self._capacity.notify_all()

    async def _extract(self, page: Page, hints: Hints) -> tuple[Article | Refusal, EncodedBody | None]:
        started = time.monotonic()
        try:
            return await self._extractor.extract_and_encode(page, hints)
        finally:
            self.pages_read, self.reading_seconds = (
                self.pages_read + 1,
                self.reading_seconds + time.monotonic() - started,
            )


RETRY_DELAYS = tuple(3600 * hours for hours in (0.25, 1, 4, 12, 30))
"""Seconds until a failed page is requested again, by the number of failures: five retries over two days."""

REFUSED_RETRY_DELAYS = {
    code: tuple(3600 * hours for hours in delays)
    for code, delays in {
        "challenge": (6, 24, 72),
        "consent": (6, 24, 72),
        "repeated": (6, 24, 72),
        "error": (1, 12, 30),
        "shell": (1, 12, 30),
        "stranger": (1, 12, 30),
        "not-found": (24,),
    }.items()
}
"""Retry delays of refused pages by the code of the refusal; pages with another code are never requested again.

Bot walls and consent walls disappear later than errors are repaired. A page that is not found may be published a
little after the index entry. A list page or a login page does not change.
"""


def retry_delay(attempts: int, code: str = "") -> float | None:
    """Return the seconds until a page is requested again after `attempts` failures, or None if it is not.

    `code` is the code of a refusal, if the page was refused. Failures and refusals of a lead count together.
    """
    delays = REFUSED_RETRY_DELAYS.get(code, ()) if code else RETRY_DELAYS
    return delays[attempts] if attempts < len(delays) else None
