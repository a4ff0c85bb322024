"""Every table of the archive, as SQLAlchemy Core sees it; the migrations make them.

What was seen is kept as facts (texts, sightings, aliases, claims); what is concluded from
them (articles, revisions, the search index) can be made again from the facts alone, so it
is the same whatever the order in which they arrived.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from storage.text import clean

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(1000, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Times outside are clamped: PostgreSQL takes some that no driver can read back."""


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC: whole microseconds since 1970 in SQLite, timestamptz in PostgreSQL."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column's type in this dialect."""
        return dialect.type_descriptor(TIMESTAMP(timezone=True) if dialect.name == "postgresql" else BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Raises ValueError for a time without zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without zone: {value}")
        value = min(max(value, EARLIEST), LATEST).astimezone(UTC)
        return value if dialect.name == "postgresql" else (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Always aware, always UTC."""
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return EPOCH + timedelta(microseconds=value)


class Words(TypeDecorator[str]):
    """Text that was cleaned at the border, so that no character in it can fail an insert."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The cleaned text."""
        if value is None or (value.isascii() and value.isprintable()):
            return value  # as most are: names, dates, digests, titles
        return clean(value)


class Addresses(TypeDecorator[tuple[str, ...]]):
    """URLs, a line each; a tuple in Python."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str:
        """The cleaned URLs."""
        return "\n".join(clean(url).replace("\n", "") for url in value or ())

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[str, ...]:
        """No line, no URL."""
        return tuple(value.split("\n")) if value else ()


class Address(TypeDecorator[str]):
    """A URL as it was spelled, less what no database takes (NUL, lone surrogates)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The spelling, untouched unless it cannot be stored."""
        return None if value is None else value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


_ID = BigInteger().with_variant(Integer(), "sqlite")
_DIGEST = String(64)
metadata = MetaData()

meta = Table("meta", metadata, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))

endpoints = Table(
    "endpoints",
    metadata,
    Column("source", Words, primary_key=True),
    Column("address", _DIGEST, primary_key=True),
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
)

polls = Table(
    "polls",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("source", Words, nullable=False),
    Column("address", _DIGEST, nullable=False),
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
    Column("id", _ID, primary_key=True),
    Column("source", Words, nullable=False),
    Column("key", _DIGEST, nullable=False),
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
    UniqueConstraint("source", "key"),
)

captures = Table(
    "captures",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("file", Words, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("digest", Words, nullable=False),
    Column("url", Address, nullable=False),
    Column("key", _DIGEST, nullable=False, index=True),
    Column("status", Integer, nullable=False),
    Column("fetched_at", Moment, nullable=False),
    Column("source", Words, nullable=False),
    Column("verdict", Words, nullable=False),
    Column("reason", Words, nullable=False),
    UniqueConstraint("file", "offset"),
)

articles = Table(
    "articles",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("search_row", BigInteger, nullable=False, unique=True),
    Column("url", Address, nullable=False),
    Column("key", Text, nullable=False),
    Column("canonical_url", Address, nullable=False),
    Column("source", Words, nullable=False),
    Column("title", Words, nullable=False),
    Column("authors", Text, nullable=False),
    Column("published", Moment),
    Column("published_date", Words, nullable=False),
    Column("published_raw", Words, nullable=False),
    Column("zone_known", Boolean, nullable=False),
    Column("updated", Moment),
    Column("language", Words, nullable=False),
    Column("summary", Words, nullable=False),
    Column("image", Address, nullable=False),
    Column("site_name", Words, nullable=False),
    Column("tags", Text, nullable=False),
    Column("words", Integer, nullable=False),
    Column("extractor", Words, nullable=False),
    Column("origins", Text, nullable=False),
    Column("first_seen", Moment, nullable=False),
    # What "newest first" sorts by: when it was published, or else when it was first seen.
    Column("dated", Moment, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("text_digest", _DIGEST, nullable=False, index=True),
    Column("copy_of", _ID, ForeignKey("articles.id"), index=True),
    Column("reason", Words, nullable=False),
    sqlite_autoincrement=True,
)

texts = Table(
    "texts",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("article_id", _ID, ForeignKey("articles.id"), nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Column("text_digest", _DIGEST, nullable=False),
    Column("title", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("html", Words, nullable=False),
    Column("facts", Text, nullable=False),
    Column("fetched_at", Moment, nullable=False),
    UniqueConstraint("article_id", "digest"),
)

sightings = Table(
    "sightings",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("article_id", _ID, ForeignKey("articles.id"), nullable=False, index=True),
    Column("text_id", _ID, ForeignKey("texts.id"), nullable=False),
    Column("asked", _ID, ForeignKey("aliases.id"), nullable=False),
    Column("final", _ID, ForeignKey("aliases.id"), nullable=False),
    Column("twin", String(10), nullable=False),
    Column("source", Words, nullable=False),
    Column("fetched_at", Moment, nullable=False),
    Column("capture_id", _ID, ForeignKey("captures.id")),
)

revisions = Table(
    "revisions",
    metadata,
    Column("article_id", _ID, ForeignKey("articles.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sighting_id", _ID, ForeignKey("sightings.id"), nullable=False),
    Column("text_id", _ID, ForeignKey("texts.id"), nullable=False),
    Column("fetched_at", Moment, nullable=False),
)

aliases = Table(
    "aliases",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("digest", _DIGEST, nullable=False, unique=True),
    Column("article_id", _ID, ForeignKey("articles.id"), nullable=False, index=True),
    Column("key", Text, nullable=False),
    Column("url", Address, nullable=False),
    Column("asked", Boolean, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    Column("text_digest", _DIGEST, primary_key=True),
    Column("article_id", _ID, ForeignKey("articles.id"), nullable=False, index=True),
    Column("url", Address, nullable=False),
)

merged = Table(
    "merged",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("article_id", _ID, ForeignKey("articles.id"), nullable=False, index=True),
)
