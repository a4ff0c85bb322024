"""Tables of the articles: facts (texts, sightings, aliases, claims), and what is concluded from them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
)

from storage.db.tables.types import DIGEST, ID, Address, Moment, Words, metadata

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
    # Only its beginning may be read without paying.
    Column("truncated", Boolean, nullable=False),
    # Since when its publisher no longer shows it.
    Column("withdrawn", Moment),
    Column("original_url", Address, nullable=False, server_default=""),
    Column("credit", Words, nullable=False, server_default=""),
    # What it is rather than what it says, as tokens of the search index.
    Column("labels", Text, nullable=False, server_default=""),
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
    Column("extractor", Words, nullable=False),
    Column("hints_version", Integer, nullable=False),
    # What was left out of the text as the source's boilerplate, with its place (JSON, or empty).
    Column("dropped", Text, nullable=False),
    # Paragraphs that the page's own data has in other words, with their places (JSON, or empty).
    Column("variants", Text, nullable=False),
    # What each place of the page declares as its headline (JSON, or empty), an empty one where it is the title.
    Column("headlines", Text, nullable=False, server_default=""),
    # Digests of the paragraphs that the page's own data has, in these or in other words (JSON, or empty).
    Column("echoed", Text, nullable=False, server_default=""),
    # The digests by which two readings are compared, of what the page shows and of what its own data says; and
    # the tag of the held-back blocks that they were made without.
    Column("wording", DIGEST, nullable=False),
    Column("stated", DIGEST, nullable=False),
    Column("judged_with", String(16), nullable=False),
    UniqueConstraint("article_id", "digest"),
)

sightings = Table(
    "sightings",
    metadata,
    Column("id", ID, primary_key=True),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False, index=True),
    Column("text_id", ID, ForeignKey("texts.id"), nullable=False, index=True),
    Column("asked", ID, ForeignKey("aliases.id"), nullable=False, index=True),
    Column("final", ID, ForeignKey("aliases.id"), nullable=False, index=True),
    Column("twin", String(10), nullable=False),
    Column("source", Words, nullable=False),
    Column("fetched_at", Moment, nullable=False),
    Column("capture_id", ID, ForeignKey("captures.id"), index=True),
    Column("etag", Words, nullable=False),
    Column("last_modified", Words, nullable=False),
)

looks = Table(
    "looks",
    metadata,
    Column("id", ID, primary_key=True),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False, index=True),
    Column("alias_id", ID, ForeignKey("aliases.id"), nullable=False, index=True),
    Column("looked_at", Moment, nullable=False),
    Column("status", Integer, nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("sure", Boolean, nullable=False),
    Column("reason", Words, nullable=False),
    Column("capture_id", ID, ForeignKey("captures.id"), index=True),
)

revisions = Table(
    "revisions",
    metadata,
    Column("article_id", ID, ForeignKey("articles.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sighting_id", ID, ForeignKey("sightings.id"), nullable=False, index=True),
    Column("text_id", ID, ForeignKey("texts.id"), nullable=False, index=True),
    Column("fetched_at", Moment, nullable=False),
    Column("look_id", ID, ForeignKey("looks.id"), index=True),
    # What the article is headed by since then, at any place of its page.
    Column("title", Words, nullable=False, server_default=""),
    Column("kind", String(12), nullable=False),
    # Characters, white space apart.
    Column("added", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
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

# Texts that articles had and show no more, and are found by on request.
past_texts = Table(
    "past_texts",
    metadata,
    Column("text_id", ID, ForeignKey("texts.id"), primary_key=True, autoincrement=False),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False, index=True),
)

beside_rows = Table(
    "beside_rows",
    metadata,
    # A place that the index holds which is made beside the one that answers, and the labels it has there.
    Column("search_row", ID, primary_key=True, autoincrement=False),
    Column("labels", Text, nullable=False),
)

vocabulary = Table(
    "vocabulary",
    metadata,
    Column("word", Text, primary_key=True),
    # How many titles hold it.
    Column("titles", Integer, nullable=False),
)

merged = Table(
    "merged",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=False),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False, index=True),
)


_FETCHED = select(func.min(sightings.c.fetched_at)).where(sightings.c.article_id == articles.c.id).scalar_subquery()
TOLD_AT = func.coalesce(articles.c.published, _FETCHED, articles.c.first_seen).label("told_at")
