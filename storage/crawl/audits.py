"""Audits: what a source's sitemap named that its feed did not, and the other way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from storage.db.statements import upserts
from storage.db.tables import audits, leads
from storage.identity import key_digest, url_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A look at both routes, at articles dated from `begin_at` on: named by both, or by one alone.

    `missed` are those of the sitemap that nothing had named before. With a `reason` it came to nothing.
    """

    source: str
    at: datetime
    begin_at: datetime
    shared: int = 0
    feed_alone: int = 0
    sitemap_alone: int = 0
    missed: int = 0
    reason: str = ""

    @property
    def fed(self) -> int:
        """How many the feed named."""
        return self.shared + self.feed_alone

    @property
    def every(self) -> int:
        """How many either route named."""
        return self.fed + self.sitemap_alone

    @property
    def feed_share(self) -> float | None:
        """The part of what either route named that the feed did; None where nothing was."""
        return self.fed / self.every if self.every else None


def keep_audit(tx: Connection, audit: Audit) -> None:
    """Put an audit in the place of the one before."""
    tx.execute(_KEEP[tx.dialect.name], {field.name: getattr(audit, field.name) for field in fields(Audit)})


def audits_of(tx: Connection) -> dict[str, Audit]:
    """The last audit of every source."""
    return {row.source: Audit(**row._mapping) for row in tx.execute(_ALL)}


def unknown(tx: Connection, source: str, urls: Sequence[str]) -> set[str]:
    """Which of these addresses no index of a source has named yet."""
    digests = {url: key_digest(url_key(url)) for url in urls}
    known = set(tx.execute(_KNOWN, {"source": source, "digests": list(digests.values())}).scalars())
    return {url for url, digest in digests.items() if digest not in known}


_KEEP = upserts(audits, "source")
_ALL = select(*[audits.c[field.name] for field in fields(Audit)])
_KNOWN = select(leads.c.key).where(
    leads.c.source == bindparam("source"), leads.c.key.in_(bindparam("digests", expanding=True))
)
