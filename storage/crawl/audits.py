"""Results of audits that compare a source's feeds with its sitemap."""

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
    """Result of one audit: numbers of articles dated from `since` on, by whether feeds, sitemap or both list them.

    `missed` counts the articles of the sitemap that no index had listed before. `reason` says why an audit failed, and
    is empty otherwise.
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
        """Number of articles that the feeds list."""
        return self.in_both + self.feed_only

    @property
    def named_by_any(self) -> int:
        """Number of articles that the feeds or the sitemap list."""
        return self.named_by_feed + self.sitemap_only

    @property
    def feed_share(self) -> float | None:
        """Share of all listed articles that the feeds list (0 to 1), or None if nothing is listed."""
        return self.named_by_feed / self.named_by_any if self.named_by_any else None


def save_audit(tx: Connection, audit: FeedAudit) -> None:
    """Store an audit in place of the source's previous one."""
    tx.execute(_UPSERT_AUDIT[tx.dialect.name], {field.name: getattr(audit, field.name) for field in fields(FeedAudit)})


def load_audits(tx: Connection) -> dict[str, FeedAudit]:
    """Return the latest audit of each source by its name."""
    return {row.source: FeedAudit(**row._mapping) for row in tx.execute(_SELECT_AUDITS)}


def find_unknown_urls(tx: Connection, source: str, urls: Sequence[str]) -> set[str]:
    """Return those of `urls` that no index of the source has listed yet."""
    digests = {url: key_digest(url_key(url)) for url in urls}
    known = set(tx.execute(_SELECT_KNOWN_KEYS, {"source": source, "digests": list(digests.values())}).scalars())
    return {url for url, digest in digests.items() if digest not in known}


_UPSERT_AUDIT = upsert_statements(feed_audits, "source")
_SELECT_AUDITS = select(*[feed_audits.c[field.name] for field in fields(FeedAudit)])
_SELECT_KNOWN_KEYS = select(leads.c.url_digest).where(
    leads.c.source == bindparam("source"), leads.c.url_digest.in_(bindparam("digests", expanding=True))
)
