"""Tables of the crawl: indexes, polls, leads, captures, revisits and the health of sources."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from storage.db.tables.types import DIGEST, ID, CleanText, UrlList, UrlText, UtcTimestamp, metadata

key_values = Table(
    "key_values", metadata, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False)
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("source", CleanText, primary_key=True),
    Column("url_digest", DIGEST, primary_key=True),
    Column("url", UrlText, nullable=False),
    Column("etag", CleanText, nullable=False),
    Column("last_modified", CleanText, nullable=False),
    Column("validators_url", UrlText, nullable=False),
    Column("digest", CleanText, nullable=False),
    Column("unmodified_streak", Integer, nullable=False),
    Column("failure_streak", Integer, nullable=False),
    Column("lead_count", Integer, nullable=False),
    Column("child_urls", UrlList, nullable=False),
    Column("moved_to", UrlText, nullable=False),
    Column("gone_at", UtcTimestamp),
    Column("polled_at", UtcTimestamp),
    Column("move_streak", Integer, nullable=False),
)

polls = Table(
    "polls",
    metadata,
    Column("id", ID, primary_key=True),
    Column("source", CleanText, nullable=False),
    Column("url_digest", DIGEST, nullable=False),
    Column("url", UrlText, nullable=False),
    Column("started_at", UtcTimestamp, nullable=False),
    Column("ended_at", UtcTimestamp, nullable=False),
    Column("outcome", CleanText, nullable=False),
    Column("status", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("leads", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("truncated", Integer, nullable=False),
    Column("kept", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("code", CleanText, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("revisits", Integer, nullable=False),
    Column("revisits_changed", Integer, nullable=False),
    UniqueConstraint("source", "url_digest", "started_at"),
)
Index("polls_by_source", polls.c.source, polls.c.id)
Index("polls_by_start", polls.c.started_at)

poll_schedule = Table(
    "poll_schedule",
    metadata,
    Column("source", CleanText, primary_key=True),
    Column("next_poll_at", UtcTimestamp, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("set_at", UtcTimestamp, nullable=False),
)

next_polls = Table(
    "next_polls",
    metadata,
    Column("source", CleanText, primary_key=True),
    Column("url_digest", DIGEST, primary_key=True),
    Column("url", UrlText, nullable=False),
    Column("next_at", UtcTimestamp, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("publishing_profile", Text, nullable=False),
    Column("failure_weight", Double, nullable=False),
    Column("failing_since", UtcTimestamp),
    Column("state", CleanText, nullable=False),
    Column("set_at", UtcTimestamp, nullable=False),
)

robots = Table(
    "robots",
    metadata,
    Column("origin", CleanText, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("good_at", UtcTimestamp),
    Column("etag", CleanText, nullable=False),
    Column("last_modified", CleanText, nullable=False),
    Column("checked_at", UtcTimestamp),
    Column("status", Integer, nullable=False),
    Column("reason", CleanText, nullable=False),
)

parked_hosts = Table(
    "parked_hosts",
    metadata,
    Column("host", CleanText, primary_key=True),
    Column("until", UtcTimestamp, nullable=False),
    Column("reason", CleanText, nullable=False),
)

leads = Table(
    "leads",
    metadata,
    Column("id", ID, primary_key=True),
    Column("source", CleanText, nullable=False),
    Column("url_digest", DIGEST, nullable=False),
    Column("url", UrlText, nullable=False),
    Column("lead_json", Text, nullable=False),
    Column("published", UtcTimestamp),
    Column("state", String(10), nullable=False),
    Column("code", CleanText, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("attempts", Integer, nullable=False),
    # Time from which the lead may be leased: when recorded, when its lease ends, or when its retry is due; null once it
    # has ended.
    Column("due_at", UtcTimestamp),
    Column("owner", CleanText),
    Column("recorded_at", UtcTimestamp, nullable=False),
    Column("ended_at", UtcTimestamp),
    # Number of times that the lead was reopened because its index changed its date.
    Column("renewals", Integer, nullable=False),
    UniqueConstraint("source", "url_digest"),
)
_IS_OPEN, _IS_LEASED = leads.c.due_at.is_not(None), leads.c.owner.is_not(None)
Index("leads_by_due", leads.c.source, leads.c.due_at, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN)
Index("leads_by_owner", leads.c.owner, sqlite_where=_IS_LEASED, postgresql_where=_IS_LEASED)
Index("leads_by_recorded", leads.c.source, leads.c.recorded_at, leads.c.published)

# Next revisit of each kept article, and the interval since the previous one.
revisit_schedule = Table(
    "revisit_schedule",
    metadata,
    Column("article_id", ID, primary_key=True, autoincrement=False),
    Column("source", CleanText, nullable=False),
    Column("published_at", UtcTimestamp, nullable=False),
    Column("due_at", UtcTimestamp, nullable=False),
    Column("interval_seconds", BigInteger, nullable=False),
)
Index("revisit_schedule_by_due", revisit_schedule.c.source, revisit_schedule.c.due_at)

# Outcome of each revisit.
revisits = Table(
    "revisits",
    metadata,
    Column("id", ID, primary_key=True),
    Column("source", CleanText, nullable=False),
    Column("revisited_at", UtcTimestamp, nullable=False),
    Column("outcome", String(10), nullable=False),
)
Index("revisits_by_time", revisits.c.source, revisits.c.revisited_at)

captures = Table(
    "captures",
    metadata,
    Column("id", ID, primary_key=True),
    Column("file", CleanText, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("digest", CleanText, nullable=False),
    Column("url", UrlText, nullable=False),
    Column("url_digest", DIGEST, nullable=False, index=True),
    Column("status", Integer, nullable=False),
    Column("fetched_at", UtcTimestamp, nullable=False),
    Column("source", CleanText, nullable=False),
    Column("verdict", CleanText, nullable=False),
    Column("reason", CleanText, nullable=False),
    UniqueConstraint("file", "offset"),
)


source_health = Table(
    "source_health",
    metadata,
    Column("source", CleanText, primary_key=True),
    Column("state", String(12), nullable=False),
    Column("since", UtcTimestamp, nullable=False),
    Column("checked_at", UtcTimestamp, nullable=False),
    # JSON.
    Column("findings", Text, nullable=False),
    # The state last reported to the operator.
    Column("reported_state", String(12), nullable=False),
)

# Changes of a source's health.
health_events = Table(
    "health_events",
    metadata,
    Column("id", ID, primary_key=True),
    Column("source", CleanText, nullable=False),
    Column("home_url", UrlText, nullable=False),
    Column("state", String(12), nullable=False),
    Column("at", UtcTimestamp, nullable=False),
    # JSON.
    Column("findings", Text, nullable=False),
)
Index("health_events_by_source", health_events.c.source, health_events.c.id)

# Comparison of the feed and the sitemap of a source: articles listed by both, or by one alone.
feed_audits = Table(
    "feed_audits",
    metadata,
    Column("source", CleanText, primary_key=True),
    Column("audited_at", UtcTimestamp, nullable=False),
    Column("since", UtcTimestamp, nullable=False),
    Column("in_both", Integer, nullable=False),
    Column("feed_only", Integer, nullable=False),
    Column("sitemap_only", Integer, nullable=False),
    Column("missed", Integer, nullable=False),
    Column("reason", CleanText, nullable=False),
)
