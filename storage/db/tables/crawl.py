"""Tables of the crawl: what was polled, named, fetched and put on the tape."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from storage.db.tables.types import DIGEST, ID, Address, Addresses, Moment, Words, metadata

meta = Table("meta", metadata, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))

endpoints = Table(
    "endpoints",
    metadata,
    Column("source", Words, primary_key=True),
    Column("address", DIGEST, primary_key=True),
    Column("url", Address, nullable=False),
    Column("etag", Words, nullable=False),
    Column("last_modified", Words, nullable=False),
    Column("validators_url", Address, nullable=False),
    Column("digest", Words, nullable=False),
    Column("unmodified", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("leads", Integer, nullable=False),
    Column("more", Addresses, nullable=False),
    Column("moved_to", Address, nullable=False),
    Column("gone_at", Moment),
    Column("polled_at", Moment),
    Column("moves", Integer, nullable=False, server_default="0"),
)

polls = Table(
    "polls",
    metadata,
    Column("id", ID, primary_key=True),
    Column("source", Words, nullable=False),
    Column("address", DIGEST, nullable=False),
    Column("endpoint", Address, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment, nullable=False),
    Column("outcome", Words, nullable=False),
    Column("status", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("leads", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("truncated", Integer, nullable=False),
    Column("kept", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("reason", Words, nullable=False),
    Column("again", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    UniqueConstraint("source", "address", "started_at"),
)

calendar = Table(
    "calendar",
    metadata,
    Column("source", Words, primary_key=True),
    Column("next_poll_at", Moment, nullable=False),
    Column("reason", Words, nullable=False),
    Column("set_at", Moment, nullable=False),
)

appointments = Table(
    "appointments",
    metadata,
    Column("source", Words, primary_key=True),
    Column("address", DIGEST, primary_key=True),
    Column("url", Address, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("reason", Words, nullable=False),
    Column("rhythm", Text, nullable=False),
    Column("strain", Double, nullable=False),
    Column("failing_since", Moment),
    Column("state", Words, nullable=False),
    Column("set_at", Moment, nullable=False),
)

robots = Table(
    "robots",
    metadata,
    Column("origin", Words, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("good_at", Moment),
    Column("etag", Words, nullable=False),
    Column("last_modified", Words, nullable=False),
    Column("checked_at", Moment),
    Column("status", Integer, nullable=False),
    Column("reason", Words, nullable=False),
)

parked_hosts = Table(
    "parked_hosts",
    metadata,
    Column("host", Words, primary_key=True),
    Column("until", Moment, nullable=False),
    Column("reason", Words, nullable=False),
)

leads = Table(
    "leads",
    metadata,
    Column("id", ID, primary_key=True),
    Column("source", Words, nullable=False),
    Column("key", DIGEST, nullable=False),
    Column("url", Address, nullable=False),
    Column("said", Text, nullable=False),
    Column("published", Moment),
    Column("state", String(10), nullable=False),
    Column("reason", Words, nullable=False),
    Column("attempts", Integer, nullable=False),
    # When it may be taken: at once, when its lease ends, when its retry is due; null once it has ended.
    Column("due_at", Moment),
    Column("owner", Words),
    Column("recorded_at", Moment, nullable=False),
    Column("ended_at", Moment),
    # How often it was taken up again because its index moved its date.
    Column("again", Integer, nullable=False),
    UniqueConstraint("source", "key"),
)

# When a kept article is looked at again: `gap` seconds after it was planned, on a ladder that began at `begun_at`.
next_looks = Table(
    "next_looks",
    metadata,
    Column("article_id", ID, primary_key=True, autoincrement=False),
    Column("source", Words, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("gap", BigInteger, nullable=False),
)

# What looking again came to.
second_looks = Table(
    "second_looks",
    metadata,
    Column("id", ID, primary_key=True),
    Column("source", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("outcome", String(10), nullable=False),
)

captures = Table(
    "captures",
    metadata,
    Column("id", ID, primary_key=True),
    Column("file", Words, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("digest", Words, nullable=False),
    Column("url", Address, nullable=False),
    Column("key", DIGEST, nullable=False, index=True),
    Column("status", Integer, nullable=False),
    Column("fetched_at", Moment, nullable=False),
    Column("source", Words, nullable=False),
    Column("verdict", Words, nullable=False),
    Column("reason", Words, nullable=False),
    UniqueConstraint("file", "offset"),
)


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
