"""Tables of what readers keep: saved searches and their messages, tokens, and what each has read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from storage.db.tables.types import ID, CleanText, UtcTimestamp, metadata

saved_searches = Table(
    "saved_searches",
    metadata,
    Column("name", CleanText, primary_key=True),
    # Articles up to this one were looked through.
    Column("last_article_id", BigInteger, nullable=False),
    Column("last_run_at", UtcTimestamp, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", CleanText, primary_key=True),
    # Of the secret, which is kept nowhere.
    Column("secret_digest", String(64), nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    # May not even mark an article as read.
    Column("is_read_only", Boolean, nullable=False),
)

entry_states = Table(
    "entry_states",
    metadata,
    Column("token", CleanText, primary_key=True),
    Column("state", String(8), primary_key=True),
    # Not a foreign key: an article that is joined to another takes its marks there.
    Column("article_id", ID, primary_key=True, autoincrement=False),
    Column("set_at", UtcTimestamp, nullable=False),
)
Index("entry_states_by_article", entry_states.c.article_id)

read_horizons = Table(
    "read_horizons",
    metadata,
    Column("token", CleanText, primary_key=True),
    # What arrived until then is read, but for what is marked as unread.
    Column("read_until", UtcTimestamp, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("search_name", CleanText, nullable=False),
    # A digest: the address itself holds passwords and stays in the file that the user wrote.
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

# The pages of a feed that are full, and never change.
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
    # A digest of what it asks: pages of another question are of no use.
    Column("query_digest", Text, nullable=False),
    # Articles up to this one were looked through; those of them that fill no page yet are waiting.
    Column("last_article_id", BigInteger, nullable=False),
    Column("pending_article_ids", Text, nullable=False),
    Column("page_count", Integer, nullable=False),
)
