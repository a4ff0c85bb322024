"""Audits: what a source's sitemap named that its feed did not, and the other way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from storage.db.statements import upsert_statements
from storage.db.tables import feed_audits, leads
from storage.identity import key_digest, url_key


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAudit:
    """A look at both routes, at articles dated from `begin_at` on: named by both, or by one alone.

    `missed` are those of the sitemap that nothing had named before. With a `reason` it came to nothing.
    """

    source: str
    audited_at: datetime
    since: datetime
    in_both: int = 0
    feed_only: int = 0
    sitemap_only: int = 0
    missed: int = 0
    reason: str = ""

    @property
    def named_by_feed(self) -> int:
        """How many the feed named."""
        return self.in_both + self.feed_only

    @property
    def named_by_any(self) -> int:
        """How many either route named."""
        return self.named_by_feed + self.sitemap_only

    @property
    def feed_share(self) -> float | None:
        """The part of what either route named that the feed did; None where nothing was."""
        return self.named_by_feed / self.named_by_any if self.named_by_any else None


def save_audit(tx: Connection, audit: FeedAudit) -> None:
    """Put an audit in the place of the one before."""
    tx.execute(_UPSERT_AUDIT[tx.dialect.name], {field.name: getattr(audit, field.name) for field in fields(FeedAudit)})


def load_audits(tx: Connection) -> dict[str, FeedAudit]:
    """The last audit of every source."""
    return {row.source: FeedAudit(**row._mapping) for row in tx.execute(_SELECT_AUDITS)}


def find_unknown_urls(tx: Connection, source: str, urls: Sequence[str]) -> set[str]:
    """Which of these addresses no index of a source has named yet."""
    digests = {url: key_digest(url_key(url)) for url in urls}
    known = set(tx.execute(_SELECT_KNOWN_KEYS, {"source": source, "digests": list(digests.values())}).scalars())
    return {url for url, digest in digests.items() if digest not in known}


_UPSERT_AUDIT = upsert_statements(feed_audits, "source")
_SELECT_AUDITS = select(*[feed_audits.c[field.name] for field in fields(FeedAudit)])
_SELECT_KNOWN_KEYS = select(leads.c.url_digest).where(
    leads.c.source == bindparam("source"), leads.c.url_digest.in_(bindparam("digests", expanding=True))
)
