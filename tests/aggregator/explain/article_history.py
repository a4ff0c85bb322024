"""An archive with a history that a test writes: polls, fetches, refusals and checks of articles."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from aggregator.explain.reason import Reason
from aggregator.explain.sections import build_sections
from aggregator.extraction.derived_fields import with_derived_fields
from aggregator.ingest.ingest import retry_delay
from aggregator.ingest.keep import KeepResult, keep_article
from aggregator.topics.catalogue import shipped_matcher
from storage.articles import template_changes
from storage.articles.boilerplate import load_boilerplate
from storage.articles.store import record_capture, record_check
from storage.crawl import polls
from storage.crawl.leads import finish_lead, lease_leads, record_leads, release_leads
from storage.db.database import Database
from storage.model.article import Article, Decision
from storage.model.crawl import Capture, CheckResult, LeadState, LeasedLead, Poll
from storage.model.page import Lead, Page
from storage.provenance.gather import gather_provenance
from storage.provenance.model import Provenance
from storage.warc.store import WarcStore

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SITE = "https://ev.example"
FEED = SITE + "/feed.xml"
OWNER = "a test"


class ArchiveHistory:
    """Writes events to an archive at the time `now`, which the test moves on."""

    def __init__(self, database: Database, warc_folder: Path) -> None:
        self.database, self.warc_folder, self.now = database, warc_folder, T0

    def later(self, **span: float) -> ArchiveHistory:
        """Move the time on."""
        self.now += timedelta(**span)
        return self

    def poll(self, *leads: Lead, source: str = "site", feed: str = FEED, next_in: timedelta | None = None) -> None:
        """Record a poll of a source's index that contains these leads."""
        started, ended = self.now - timedelta(seconds=1), self.now + timedelta(seconds=1)
        with self.database.write() as tx:
            new = len(record_leads(tx, source, leads, self.now))
            poll = Poll(
                source=source, url=feed, started_at=started, ended_at=ended, outcome="ok", leads=len(leads), new=new
            )
            polls.record_poll(tx, poll)
            polls.schedule_source(tx, source, self.now + (next_in or timedelta(minutes=30)), "as planned", self.now)

    def store(self, url: str, text: str, *, title: str = "A car", **more: Any) -> Decision:
        """Store a fetched page and finish its lead if there is one; `more` goes to `page` and to Article."""
        page = self.page(url, **{name: more.pop(name) for name in _PAGE if name in more})
        values = {"extractor": "reader 1", "words": len(text.split())} | more
        article = with_derived_fields(Article(url=url, title=title, text=text, **values), shipped_matcher())
        with self.database.write() as tx:
            leased = [lead for lead in self._lease(tx, page.source) if lead.lead.url == page.requested_url]
            page = replace(page, lead=leased[0].lead) if leased else page
            capture_id = [record_capture(tx, self.capture(hop), hop) for hop in (*self._hops(page), page)][-1]
            learned = load_boilerplate(tx, page.source)
            kept = keep_article(tx, article, page, capture_id, learned, shipped_matcher(), self.now)
            assert isinstance(kept, KeepResult)
            for lead in leased:
                finish_lead(tx, lead, OWNER, LeadState.KEPT, kept.decision.reason, self.now)
            release_leads(tx, OWNER)
        return kept.decision

    def refuse(self, url: str, code: str, reason: str, *, status: int = 200, source: str = "site") -> None:
        """Record a fetched page without an article; its lead is retried as the code of its refusal allows."""
        page = self.page(url, source=source, status=status)
        with self.database.write() as tx:
            (lead,) = [lead for lead in self._lease(tx, source) if lead.lead.url == url]
            record_capture(tx, self.capture(page), page, code, reason)
            wait = retry_delay(lead.attempts, "" if code == "failed" else code)
            state = LeadState.REFUSED if wait is None else LeadState.RETRY
            next_at = None if wait is None else self.now + timedelta(seconds=wait)
            finish_lead(tx, lead, OWNER, state, reason, self.now, next_at)
            release_leads(tx, OWNER)

    def check(
        self, article_id: int, url: str, outcome: str, status: int, reason: str = "", *, sure: bool = False
    ) -> None:
        """Record a check of a stored article that returned no text."""
        reason = reason or f"HTTP {status}"
        check = CheckResult(
            url=url, checked_at=self.now, status=status, outcome=outcome, reason=reason, is_certain=sure
        )
        with self.database.write() as tx:
            record_check(tx, article_id, check, None)

    def apply_template_changes(self, source: str = "site") -> int:
        """Hold back what appeared or disappeared on many pages at once; return the number of blocks."""
        with self.database.write() as tx:
            return template_changes.apply_template_changes(tx, source, self.now).held_count

    def page(
        self, url: str, *, via: str = "", source: str = "site", status: int = 200, asked: tuple[str, str] | None = None
    ) -> Page:
        """Return a page that is fetched now; `asked` is a header of the request."""
        headers = (("User-Agent", "tests"), *((asked,) if asked else ()))
        return Page(
            url=url, status=status, body=b"<p>words</p>", fetched_at=self.now, source=source, via=(via,) if via else (),
            request_headers=headers,
        )  # fmt: skip

    def capture(self, page: Page) -> Capture:
        """Record a page in a WARC file of its own."""
        warc_store = WarcStore(self.warc_folder, software="tests", clock=lambda: self.now)
        capture = warc_store.record(page)
        warc_store.close()
        return capture

    def provenance(self, subject: int | str, *, with_captures: bool = True) -> Provenance:
        """Return everything known now about an article id or a URL."""
        return gather_provenance(self.database, subject, self.warc_folder if with_captures else None, self.now)

    def reasons(self, subject: int | str) -> dict[str, list[Reason]]:
        """Return the reasons by section."""
        return {section.name: list(section.reasons) for section in build_sections(self.provenance(subject), self.now)}

    def text(self, subject: int | str, section: str) -> str:
        """Return the sentences of a section and their details, one per line."""
        reasons = self.reasons(subject).get(section, [])
        return "\n".join(line for reason in reasons for line in (reason.text, *reason.details))

    def _hops(self, page: Page) -> tuple[Page, ...]:
        """Return the redirects that led to a page."""
        headers = (("Location", page.url),)
        return tuple(
            replace(page, url=url, status=301, headers=headers, body=b"", via=(), lead=None) for url in page.via
        )

    def _lease(self, tx: Connection, source: str) -> list[LeasedLead]:
        return lease_leads(tx, source, OWNER, self.now, self.now + timedelta(minutes=15), 100)


_PAGE = ("via", "source", "status", "asked")
