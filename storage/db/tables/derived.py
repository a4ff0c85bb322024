"""Tables derived from the articles: stories, boilerplate, duplicates and topics."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from storage.db.tables.types import DIGEST, ID, CleanText, UtcTimestamp, metadata

# Every article that is not a copy. A story has the id of one of its articles; a single article is a story too.
story_members = Table(
    "story_members",
    metadata,
    Column("article_id", ID, ForeignKey("articles.id"), primary_key=True, autoincrement=False),
    Column("story_id", ID, nullable=False),
    # Publication time, or the time of the first fetch if that is unknown.
    Column("published_or_seen_at", UtcTimestamp, nullable=False),
    Column("has_publication_time", Boolean, nullable=False),
    Column("terms", LargeBinary, nullable=False),
)
Index("story_members_by_story", story_members.c.story_id, story_members.c.published_or_seen_at)

# A row for each indexed term of an article; bucket_key combines a time bucket and the term.
story_terms = Table(
    "story_terms",
    metadata,
    Column("bucket_key", BigInteger, primary_key=True, autoincrement=False),
    Column("article_id", ID, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# Stories of at least two articles.
stories = Table(
    "stories",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=False),
    Column("headline_article_id", ID, nullable=False),
    Column("articles", Integer, nullable=False),
    Column("sources", Integer, nullable=False),
    Column("first_at", UtcTimestamp, nullable=False),
    Column("last_at", UtcTimestamp, nullable=False),
)
Index("stories_by_last", stories.c.last_at, stories.c.id)

# Articles whose story must be recomputed because they became, or are no longer, a copy.
story_queue = Table(
    "story_queue",
    metadata,
    Column("article_id", ID, primary_key=True, autoincrement=False),
)

# Number of articles with words of each bucket (`storage.stories.term_frequencies`), counted up to article `last_id`.
term_counts = Table(
    "term_counts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("articles", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("counts", LargeBinary, nullable=False),
)


changed_blocks = Table(
    "changed_blocks",
    metadata,
    Column("source", CleanText, primary_key=True),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("article_id", ID, ForeignKey("articles.id"), primary_key=True, index=True),
    Column("changed_at", UtcTimestamp, nullable=False),
)

held_blocks = Table(
    "held_blocks",
    metadata,
    Column("source", CleanText, primary_key=True),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("text", CleanText, nullable=False),
    Column("held_at", UtcTimestamp, nullable=False),
)

# Digests (8 bytes each) of the paragraphs of a source's latest articles, one row per article.
recent_paragraphs = Table(
    "recent_paragraphs",
    metadata,
    Column("source", CleanText, primary_key=True),
    Column("article_id", BigInteger, primary_key=True, autoincrement=False),
    Column("paragraphs", LargeBinary, nullable=False),
)

# A version holds all paragraphs that are removed while it is current; rows are never changed.
source_boilerplate = Table(
    "source_boilerplate",
    metadata,
    Column("source", CleanText, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("paragraphs", LargeBinary, nullable=False),
    Column("learned", Text, nullable=False),
    Column("learned_at", UtcTimestamp, nullable=False),
)


signatures = Table(
    "signatures",
    metadata,
    Column("article_id", ID, ForeignKey("articles.id"), primary_key=True, autoincrement=False),
    # Publication time, or the time of the first fetch: selects the time bucket and the comparison window.
    Column("published_or_seen_at", UtcTimestamp, nullable=False),
    Column("bands", LargeBinary, nullable=False),
)

# A row for each MinHash band of an article; bucket_key combines a time bucket and the band, so that new rows go to few
# database pages however large the archive is.
signature_bands = Table(
    "signature_bands",
    metadata,
    Column("bucket_key", BigInteger, primary_key=True, autoincrement=False),
    Column("article_id", ID, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# Similarities of texts, not of articles, so that edits and merges leave them valid. Each pair is stored both ways.
similarities = Table(
    "similarities",
    metadata,
    Column("text_digest", DIGEST, primary_key=True),
    Column("other_text_digest", DIGEST, primary_key=True),
    Column("similarity", Double, nullable=False),
    Column("kind", String(10), nullable=False),
    sqlite_with_rowid=False,
)


article_topics = Table(
    "article_topics",
    metadata,
    Column("article_id", ID, ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("topic", CleanText, primary_key=True),
    # Copy of the article's sort_time, so that the index lists the articles of a topic by date.
    Column("sort_time", UtcTimestamp, nullable=False),
    Column("body_count", Integer, nullable=False),
    Column("title_count", Integer, nullable=False),
)
Index("article_topics_by_topic", article_topics.c.topic, article_topics.c.sort_time, article_topics.c.article_id)

topic_scans = Table(
    "topic_scans",
    metadata,
    Column("article_id", ID, ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("catalogue_digest", String(16), nullable=False),
)
