"""Tables of the articles: what was fetched (texts, snapshots, aliases, claims) and what is derived from it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
)

from storage.db.tables.types import DIGEST, ID, CleanText, UrlText, UtcTimestamp, metadata

articles = Table(
    "articles",
    metadata,
    Column("id", ID, primary_key=True),
    Column("search_row", BigInteger, nullable=False, unique=True),
    Column("url", UrlText, nullable=False),
    Column("url_key", Text, nullable=False),
    Column("canonical_url", UrlText, nullable=False),
    Column("source", CleanText, nullable=False),
    Column("title", CleanText, nullable=False),
    Column("authors", Text, nullable=False),
    Column("published", UtcTimestamp),
    Column("published_date", CleanText, nullable=False),
    Column("published_raw", CleanText, nullable=False),
    Column("zone_known", Boolean, nullable=False),
    Column("updated", UtcTimestamp),
    Column("language", CleanText, nullable=False),
    Column("summary", CleanText, nullable=False),
    Column("image", UrlText, nullable=False),
    Column("site_name", CleanText, nullable=False),
    Column("tags", Text, nullable=False),
    Column("words", Integer, nullable=False),
    Column("extractor", CleanText, nullable=False),
    Column("origins", Text, nullable=False),
    Column("first_seen", UtcTimestamp, nullable=False),
    # Sort key of "newest first": publication time, or the time of the first fetch if that is unknown.
    Column("sort_time", UtcTimestamp, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("text_digest", DIGEST, nullable=False, index=True),
    Column("copy_of", ID, ForeignKey("articles.id"), index=True),
    Column("reason", CleanText, nullable=False),
    # Only the beginning can be read without paying.
    Column("truncated", Boolean, nullable=False),
    # Time since which the publisher no longer shows the article.
    Column("withdrawn", UtcTimestamp),
    Column("original_url", UrlText, nullable=False),
    Column("credit", CleanText, nullable=False),
    # Tokens of the search index for properties such as source and language.
    Column("labels", Text, nullable=False),
    sqlite_autoincrement=True,
)
Index("articles_by_first_seen", articles.c.first_seen, articles.c.id)
Index("articles_by_date", articles.c.sort_time, articles.c.id)
Index("articles_by_source", articles.c.source, articles.c.sort_time, articles.c.id)

texts = Table(
    "texts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("text_digest", DIGEST, nullable=False),
    Column("title", CleanText, nullable=False),
    Column("text", CleanText, nullable=False),
    Column("html", CleanText, nullable=False),
    Column("article_json", Text, nullable=False),
    Column("fetched_at", UtcTimestamp, nullable=False),
    Column("extractor", CleanText, nullable=False),
    Column("boilerplate_version", Integer, nullable=False),
    # Boilerplate paragraphs removed from the text, with their positions (JSON, or empty).
    Column("removed_boilerplate", Text, nullable=False),
    # Paragraphs that the page's embedded data has in other words, with their positions (JSON, or empty).
    Column("differs_in_page_data", Text, nullable=False),
    # Headline declared at each place of the page (JSON, or empty); an empty headline equals the title.
    Column("headlines", Text, nullable=False),
    # Digests of the paragraphs that the page's embedded data has, in these or other words (JSON, or empty).
    Column("in_page_data", Text, nullable=False),
    # Digests that compare two fetches, of the visible text and of the page's embedded data, and the tag of the held
    # blocks that were left out of them.
    Column("comparable_digest", DIGEST, nullable=False),
    Column("page_data_digest", DIGEST, nullable=False),
    Column("held_blocks_tag", String(16), nullable=False),
    UniqueConstraint("article_id", "digest"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", ID, primary_key=True),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False, index=True),
    Column("text_id", ID, ForeignKey("texts.id"), nullable=False, index=True),
    Column("requested_alias_id", ID, ForeignKey("aliases.id"), nullable=False, index=True),
    Column("final_alias_id", ID, ForeignKey("aliases.id"), nullable=False, index=True),
    Column("variant_key", String(10), nullable=False),
    Column("source", CleanText, nullable=False),
    Column("fetched_at", UtcTimestamp, nullable=False),
    Column("capture_id", ID, ForeignKey("captures.id"), index=True),
    Column("etag", CleanText, nullable=False),
    Column("last_modified", CleanText, nullable=False),
)
Index("snapshots_by_source", snapshots.c.source, snapshots.c.fetched_at)

article_checks = Table(
    "article_checks",
    metadata,
    Column("id", ID, primary_key=True),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False, index=True),
    Column("alias_id", ID, ForeignKey("aliases.id"), nullable=False, index=True),
    Column("checked_at", UtcTimestamp, nullable=False),
    Column("status", Integer, nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("is_certain", Boolean, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("capture_id", ID, ForeignKey("captures.id"), index=True),
)

revisions = Table(
    "revisions",
    metadata,
    Column("article_id", ID, ForeignKey("articles.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("snapshot_id", ID, ForeignKey("snapshots.id"), nullable=False, index=True),
    Column("text_id", ID, ForeignKey("texts.id"), nullable=False, index=True),
    Column("fetched_at", UtcTimestamp, nullable=False),
    Column("check_id", ID, ForeignKey("article_checks.id"), index=True),
    # Headline of the article since this revision, at any place of the page.
    Column("title", CleanText, nullable=False),
    Column("kind", String(12), nullable=False),
    # Characters, without white space.
    Column("added", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
)
_IS_EDIT = revisions.c.number > 1
Index(
    "revisions_by_time", revisions.c.fetched_at, revisions.c.article_id,
    sqlite_where=_IS_EDIT, postgresql_where=_IS_EDIT,
)  # fmt: skip

aliases = Table(
    "aliases",
    metadata,
    Column("id", ID, primary_key=True),
    Column("url_digest", DIGEST, nullable=False, unique=True),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False, index=True),
    Column("url_key", Text, nullable=False),
    Column("url", UrlText, nullable=False),
    Column("is_requested", Boolean, nullable=False),
)

canonical_claims = Table(
    "canonical_claims",
    metadata,
    Column("url_digest", DIGEST, primary_key=True),
    Column("text_digest", DIGEST, primary_key=True),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False, index=True),
    Column("url", UrlText, nullable=False),
)

# Earlier texts of articles that only a search of the past finds.
past_texts = Table(
    "past_texts",
    metadata,
    Column("text_id", ID, ForeignKey("texts.id"), primary_key=True, autoincrement=False),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False, index=True),
)

shadow_rows = Table(
    "shadow_rows",
    metadata,
    # A row of the shadow index, and the labels it has there.
    Column("search_row", ID, primary_key=True, autoincrement=False),
    Column("labels", Text, nullable=False),
)

vocabulary = Table(
    "vocabulary",
    metadata,
    Column("word", Text, primary_key=True),
    # Number of titles that contain the word.
    Column("title_count", Integer, nullable=False),
)

merged_articles = Table(
    "merged_articles",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=False),
    Column("article_id", ID, ForeignKey("articles.id"), nullable=False, index=True),
)


_FIRST_FETCHED_AT = (
    select(func.min(snapshots.c.fetched_at)).where(snapshots.c.article_id == articles.c.id).scalar_subquery()
)
PUBLISHED_OR_SEEN_AT = func.coalesce(articles.c.published, _FIRST_FETCHED_AT, articles.c.first_seen).label(
    "published_or_seen_at"
)
