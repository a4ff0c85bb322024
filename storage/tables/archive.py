"""Tables of the articles: facts (texts, sightings, aliases, claims), and what is concluded from them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from storage.tables.types import DIGEST, ID, Address, Moment, Words, metadata

articles = Table(
    "articles",
    metadata,
    Column("id", ID, primary_key=True),
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
    Column("text_digest", DIGEST, nullable=False, index=True),
    Column("copy_of", ID, ForeignKey("articles.id"), index=True),
    Column("reason", Words, nullable=False),
    Column("original_url", Address, nullable=False, server_default=""),
    Column("credit", Words, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

texts = Table(
    "texts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("text_digest", DIGEST, nullable=False),
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
    Column("id", ID, primary_key=True),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False, index=True),
    Column("text_id", ID, ForeignKey("texts.id"), nullable=False),
    Column("asked", ID, ForeignKey("aliases.id"), nullable=False),
    Column("final", ID, ForeignKey("aliases.id"), nullable=False),
    Column("twin", String(10), nullable=False),
    Column("source", Words, nullable=False),
    Column("fetched_at", Moment, nullable=False),
    Column("capture_id", ID, ForeignKey("captures.id")),
)

revisions = Table(
    "revisions",
    metadata,
    Column("article_id", ID, ForeignKey("articles.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sighting_id", ID, ForeignKey("sightings.id"), nullable=False),
    Column("text_id", ID, ForeignKey("texts.id"), nullable=False),
    Column("fetched_at", Moment, nullable=False),
)

aliases = Table(
    "aliases",
    metadata,
    Column("id", ID, primary_key=True),
    Column("digest", DIGEST, nullable=False, unique=True),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False, index=True),
    Column("key", Text, nullable=False),
    Column("url", Address, nullable=False),
    Column("asked", Boolean, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("digest", DIGEST, primary_key=True),
    Column("text_digest", DIGEST, primary_key=True),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False, index=True),
    Column("url", Address, nullable=False),
)

merged = Table(
    "merged",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=False),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False, index=True),
)
