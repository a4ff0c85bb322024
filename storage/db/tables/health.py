"""Tables of how sources are: what was last found of each, and what its operator was told."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from storage.db.tables.types import ID, Address, Moment, Words, metadata

conditions = Table(
    "conditions",
    metadata,
    Column("source", Words, primary_key=True),
    Column("state", String(12), nullable=False),
    Column("since", Moment, nullable=False),
    Column("checked_at", Moment, nullable=False),
    # What was found, as JSON.
    Column("findings", Text, nullable=False),
    # The state that the operator knows of.
    Column("told", String(12), nullable=False),
)

# When a source stopped to be well, or was well again.
turns = Table(
    "turns",
    metadata,
    Column("id", ID, primary_key=True),
    Column("source", Words, nullable=False),
    Column("home", Address, nullable=False),
    Column("state", String(12), nullable=False),
    Column("at", Moment, nullable=False),
    # What was found then, as JSON.
    Column("findings", Text, nullable=False),
)
Index("turns_by_source", turns.c.source, turns.c.id)

# What the feed and the sitemap of a source named: both, or one alone.
audits = Table(
    "audits",
    metadata,
    Column("source", Words, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("begin_at", Moment, nullable=False),
    Column("shared", Integer, nullable=False),
    Column("feed_alone", Integer, nullable=False),
    Column("sitemap_alone", Integer, nullable=False),
    Column("missed", Integer, nullable=False),
    Column("reason", Words, nullable=False),
)
