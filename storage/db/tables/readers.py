"""Tables of the readers: saved searches, alerts, tokens, read states and archived feeds."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from storage.db.tables.types import ID, CleanText, UtcTimestamp, metadata

saved_searches = Table(
    "saved_searches",
    metadata,
    Column("name", CleanText, primary_key=True),
    # The search has covered articles up to this id.
    Column("last_article_id", BigInteger, nullable=False),
    Column("last_run_at", UtcTimestamp, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", CleanText, primary_key=True),
    # The secret itself is not stored.
    Column("secret_digest", String(64), nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    # The token may not change read states either.
    Column("is_read_only", Boolean, nullable=False),
)

entry_states = Table(
    "entry_states",
    metadata,
    Column("token", CleanText, primary_key=True),
    Column("state", String(8), primary_key=True),
    # Not a foreign key: states move along when an article is merged into another.
    Column("article_id", ID, primary_key=True, autoincrement=False),
    Column("set_at", UtcTimestamp, nullable=False),
)
Index("entry_states_by_article", entry_states.c.article_id)

read_horizons = Table(
    "read_horizons",
    metadata,
    Column("token", CleanText, primary_key=True),
    # Articles that arrived until then are read unless they are marked as unread.
    Column("read_until", UtcTimestamp, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("search_name", CleanText, nullable=False),
    # A digest, because the address may contain passwords; it stays in the user's file.
    Column("channel_digest", String(16), nullable=False),
    Column("article_ids", Text, nullable=False),
    Column("state", String(8), nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("due_at", UtcTimestamp),
    Column("sent_at", UtcTimestamp),
    Column("attempts", Integer, nullable=False),
    Column("sender", String(40), nullable=False),
    Column("error", Text, nullable=False),
)
Index("alerts_by_due", alerts.c.due_at)
Index("alerts_by_search", alerts.c.search_name, alerts.c.id)

# Full pages of archived feeds (RFC 5005); they never change.
feed_pages = Table(
    "feed_pages",
    metadata,
    Column("feed", CleanText, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("article_ids", Text, nullable=False),
)

archived_feeds = Table(
    "archived_feeds",
    metadata,
    Column("feed", CleanText, primary_key=True),
    # Digest of the feed's query: pages of another query are discarded.
    Column("query_digest", Text, nullable=False),
    # The feed has covered articles up to this id; those that do not fill a page yet are pending.
    Column("last_article_id", BigInteger, nullable=False),
    Column("pending_article_ids", Text, nullable=False),
    Column("page_count", Integer, nullable=False),
)
