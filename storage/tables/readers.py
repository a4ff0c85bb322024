"""Tables of what readers keep: saved searches, and the messages that tell of what they found."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from storage.tables.types import ID, Moment, Words, metadata

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
