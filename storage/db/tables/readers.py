"""Tables of what readers keep: saved searches and their messages, tokens, and what each has read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from storage.db.tables.types import ID, Moment, Words, metadata

saved_searches = Table(
    "saved_searches",
    metadata,
    Column("name", Words, primary_key=True),
    # Articles up to this one were looked through.
    Column("seen_id", BigInteger, nullable=False),
    Column("seen_at", Moment, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", Words, primary_key=True),
    # Of the secret, which is kept nowhere.
    Column("digest", String(64), nullable=False),
    Column("made_at", Moment, nullable=False),
    # May not even mark an article as read.
    Column("is_read_only", Boolean, nullable=False),
)

marks = Table(
    "marks",
    metadata,
    Column("token", Words, primary_key=True),
    Column("mark", String(8), primary_key=True),
    # Not a foreign key: an article that is joined to another takes its marks there.
    Column("article_id", ID, primary_key=True, autoincrement=False),
    Column("marked_at", Moment, nullable=False),
)
Index("marks_by_article", marks.c.article_id)

read_upto = Table(
    "read_upto",
    metadata,
    Column("token", Words, primary_key=True),
    # What arrived until then is read, but for what is marked as unread.
    Column("arrived", Moment, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("search", Words, nullable=False),
    # A digest: the address itself holds passwords and stays in the file that the user wrote.
    Column("channel", String(16), nullable=False),
    Column("article_ids", Text, nullable=False),
    Column("state", String(8), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("due_at", Moment),
    Column("told_at", Moment),
    Column("attempts", Integer, nullable=False),
    Column("sender", String(40), nullable=False),
    Column("trouble", Text, nullable=False),
)
Index("alerts_by_due", alerts.c.due_at)
Index("alerts_by_search", alerts.c.search, alerts.c.id)

# The pages of a feed that are full, and never change.
feed_pages = Table(
    "feed_pages",
    metadata,
    Column("feed", Words, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("article_ids", Text, nullable=False),
)

archived_feeds = Table(
    "archived_feeds",
    metadata,
    Column("feed", Words, primary_key=True),
    # A digest of what it asks: pages of another question are of no use.
    Column("asks", Text, nullable=False),
    # Articles up to this one were looked through; those of them that fill no page yet are waiting.
    Column("seen_id", BigInteger, nullable=False),
    Column("waiting", Text, nullable=False),
    Column("pages", Integer, nullable=False),
)
