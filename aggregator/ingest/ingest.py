"""The one door into the archive: a fetched page goes in, what became of it comes out, live or from a tape."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from spiders.source import Hints
from storage.model.article import Article, Decision, Refusal
from storage.model.page import Page

MAX_BACKLOG_BYTES = 64 * 2**20
MAX_BACKLOG_PAGES = 256


class PageExtractor(Protocol):
    """Makes an article of a page, somewhere it cannot do harm."""

    async def extract(self, page: Page, hints: Hints) -> Article | Refusal: ...


class OutcomeSink(Protocol):
    """Keeps what extraction made, with its page, in one transaction; or refuses it for what the archive knows.

    `hints` adds what has been learned of the source's pages; a `keep` that returns None has learned more
    since the article was read: it is to be read again.
    """

    def hints(self, hints: Hints) -> Hints: ...
    async def keep(self, hops: tuple[Page, ...], article: Article) -> Decision | Refusal | None: ...
    async def refuse(self, hops: tuple[Page, ...], refusal: Refusal) -> None: ...


@dataclass(frozen=True, slots=True)
class IngestOutcome:
    """What became of a page: a decision about its article, or the refusal."""

    decision: Decision | None = None
    refusal: Refusal | None = None


class Ingest:
    """Extracts and keeps pages, with a bound on how much waits for it."""

    def __init__(self, reader: PageExtractor) -> None:
        self._extractor = reader
        self._bytes = self._pages = 0
        self._capacity = asyncio.Condition()
        self.pages_read, self.reading_seconds = 0, 0.0
        """How many pages were read, and how long that took with their waits for a worker."""

    @property
    def pending_pages(self) -> int:
        """Pages that were fetched and are not kept yet."""
        return self._pages

    async def wait_for_room(self) -> None:
        """Wait until what has been fetched and not yet kept is small enough to fetch more."""
        async with self._capacity:
            await self._capacity.wait_for(lambda: self._bytes < MAX_BACKLOG_BYTES and self._pages < MAX_BACKLOG_PAGES)

    async def ingest(self, hops: tuple[Page, ...], hints: Hints, keeper: OutcomeSink) -> IngestOutcome:
        """Extract the last hop's article and keep it; the hops go on the tape either way."""
        size = sum(len(hop.body) for hop in hops)
        self._bytes, self._pages = self._bytes + size, self._pages + 1
        try:
            while True:
                made = await self._extract(hops[-1], keeper.hints(hints))
                if isinstance(made, Refusal):
                    await keeper.refuse(hops, made)
                    return IngestOutcome(refusal=made)
                kept = await keeper.keep(hops, made)
                if kept is not None:
                    return IngestOutcome(refusal=kept) if isinstance(kept, Refusal) else IngestOutcome(decision=kept)
        finally:
            self._bytes, self._pages = self._bytes - size, self._pages - 1
            async with self._capacity:
                self._capacity.notify_all()

    async def _extract(self, page: Page, hints: Hints) -> Article | Refusal:
        begun = time.monotonic()
        try:
            return await self._extractor.extract(page, hints)
        finally:
            self.pages_read, self.reading_seconds = self.pages_read + 1, self.reading_seconds + time.monotonic() - begun


def check_status(page: Page) -> tuple[str, bool] | None:
    """Why a page's status alone says that it holds no article, and whether asking again can help."""
    if page.status == 200:
        return None
    lasting = page.status in (400, 401, 402, 404, 405, 406, 410, 414, 451) or 300 <= page.status < 400
    return f"HTTP {page.status}", not lasting


def is_redirected_home(hops: tuple[Page, ...]) -> bool:
    """Whether an article's address led to a site's front page, as publishers do with what they removed."""
    first, last = urlsplit(hops[0].url), urlsplit(hops[-1].url)
    return len(hops) > 1 and last.path in ("", "/") and not last.query and first.path not in ("", "/")


RETRY_DELAYS = tuple(3600 * hours for hours in (0.25, 1, 4, 12, 30))
"""Seconds until a page that failed is asked for again, by how often it has failed; five tries over two days."""

REFUSED_RETRY_DELAYS = {
    code: tuple(3600 * hours for hours in waits)
    for code, waits in {
        "challenge": (6, 24, 72),
        "consent": (6, 24, 72),
        "repeated": (6, 24, 72),
        "error": (1, 12, 30),
        "shell": (1, 12, 30),
        "stranger": (1, 12, 30),
        "not-found": (24,),
    }.items()
}
"""The same for pages that came and were refused, by the code of their refusal; those not named are never asked again.

Walls go when they have forgotten us, later and slower than errors are mended; what is not found may have
been published a little after its index said so; a list or a login stays what it is.
"""


def retry_delay(attempts: int, code: str = "") -> float | None:
    """Seconds to wait after the given number of earlier failures, or None when it is enough.

    With the code of a refusal its own waits are taken; all failures of a lead count together.
    """
    waits = REFUSED_RETRY_DELAYS.get(code, ()) if code else RETRY_DELAYS
    return waits[attempts] if attempts < len(waits) else None
