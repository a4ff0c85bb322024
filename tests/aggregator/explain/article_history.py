"""An archive that things happen to, one after the other: named, fetched, kept, refused, asked for again."""

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


class Happening:
    """What is done to an archive, at `now`, which moves on by hand."""

    def __init__(self, database: Database, tape: Path) -> None:
        self.database, self.tape, self.now = database, tape, T0

    def later(self, **span: float) -> Happening:
        """Let time pass."""
        self.now += timedelta(**span)
        return self

    def index(self, *leads: Lead, source: str = "site", feed: str = FEED, next_in: timedelta | None = None) -> None:
        """A poll of a source's index, which names these leads."""
        begun, ended = self.now - timedelta(seconds=1), self.now + timedelta(seconds=1)
        with self.database.write() as tx:
            new = len(record_leads(tx, source, leads, self.now))
            poll = Poll(
                source=source, url=feed, started_at=begun, ended_at=ended, outcome="ok", leads=len(leads), new=new
            )
            polls.record_poll(tx, poll)
            polls.schedule_source(tx, source, self.now + (next_in or timedelta(minutes=30)), "as planned", self.now)

    def article(self, url: str, text: str, *, title: str = "A car", **more: Any) -> Decision:
        """A page is fetched and kept, and its lead ended where one waits; `more` is for `page` and for Article."""
        page = self.page(url, **{name: more.pop(name) for name in _PAGE if name in more})
        values = {"extractor": "reader 1", "words": len(text.split())} | more
        made = with_derived_fields(Article(url=url, title=title, text=text, **values), shipped_matcher())
        with self.database.write() as tx:
            taken = [one for one in self._leased(tx, page.source) if one.lead.url == page.requested_url]
            page = replace(page, lead=taken[0].lead) if taken else page
            capture = [record_capture(tx, self.taped(hop), hop) for hop in (*self._hops(page), page)][-1]
            kept = keep_article(tx, made, page, capture, load_boilerplate(tx, page.source), shipped_matcher(), self.now)
            assert isinstance(kept, KeepResult)
            for lead in taken:
                finish_lead(tx, lead, OWNER, LeadState.KEPT, kept.decision.reason, self.now)
            release_leads(tx, OWNER)
        return kept.decision

    def refused(self, url: str, code: str, reason: str, *, status: int = 200, source: str = "site") -> None:
        """A page is fetched and is no article; its lead is tried again as its kind deserves."""
        page = self.page(url, source=source, status=status)
        with self.database.write() as tx:
            (lead,) = [one for one in self._leased(tx, source) if one.lead.url == url]
            record_capture(tx, self.taped(page), page, code, reason)
            wait = retry_delay(lead.attempts, "" if code == "failed" else code)
            state = LeadState.REFUSED if wait is None else LeadState.RETRY
            next_at = None if wait is None else self.now + timedelta(seconds=wait)
            finish_lead(tx, lead, OWNER, state, reason, self.now, next_at)
            release_leads(tx, OWNER)

    def looked(
        self, article_id: int, url: str, outcome: str, status: int, reason: str = "", *, sure: bool = False
    ) -> None:
        """A kept article is asked for again and gives no text."""
        reason = reason or f"HTTP {status}"
        looked = CheckResult(
            url=url, checked_at=self.now, status=status, outcome=outcome, reason=reason, is_certain=sure
        )
        with self.database.write() as tx:
            record_check(tx, article_id, looked, None)

    def settle(self, source: str = "site") -> int:
        """What came or went on many pages at once is held back."""
        with self.database.write() as tx:
            return template_changes.apply_template_changes(tx, source, self.now).held_count

    def page(
        self, url: str, *, via: str = "", source: str = "site", status: int = 200, asked: tuple[str, str] | None = None
    ) -> Page:
        """A fetched page."""
        headers = (("User-Agent", "tests"), *((asked,) if asked else ()))
        return Page(
            url=url, status=status, body=b"<p>words</p>", fetched_at=self.now, source=source, via=(via,) if via else (),
            request_headers=headers,
        )  # fmt: skip

    def taped(self, page: Page) -> Capture:
        """The page on the tape."""
        tape = WarcStore(self.tape, software="tests", clock=lambda: self.now)
        capture = tape.record(page)
        tape.close()
        return capture

    def account(self, asked: int | str, *, tape: bool = True) -> Provenance:
        """What is known now."""
        return gather_provenance(self.database, asked, self.tape if tape else None, self.now)

    def told(self, asked: int | str) -> dict[str, list[Reason]]:
        """The reasons by section."""
        return {section.name: list(section.reasons) for section in build_sections(self.account(asked), self.now)}

    def words(self, asked: int | str, section: str) -> str:
        """A section's words, a line a reason, with what stands beneath."""
        reasons = self.told(asked).get(section, [])
        return "\n".join(line for one in reasons for line in (one.text, *one.details))

    def _hops(self, page: Page) -> tuple[Page, ...]:
        """The redirects that led to a page."""
        led = (("Location", page.url),)
        return tuple(replace(page, url=url, status=301, headers=led, body=b"", via=(), lead=None) for url in page.via)

    def _leased(self, tx: Connection, source: str) -> list[LeasedLead]:
        return lease_leads(tx, source, OWNER, self.now, self.now + timedelta(minutes=15), 100)


_PAGE = ("via", "source", "status", "asked")
