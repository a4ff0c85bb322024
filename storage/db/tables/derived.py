"""Tables of stories: each article's terms and story, the terms it is found by, how common terms are."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from storage.db.tables.types import DIGEST, ID, CleanText, UtcTimestamp, metadata

# Every article that is no copy. A story has the id of one of its articles, and an article alone is a story too.
story_members = Table(
    "story_members",
    metadata,
    Column("article_id", ID, ForeignKey("articles.id"), primary_key=True, autoincrement=False),
    Column("story_id", ID, nullable=False),
    # When it was published, or else first fetched.
    Column("published_or_seen_at", UtcTimestamp, nullable=False),
    Column("has_publication_time", Boolean, nullable=False),
    Column("terms", LargeBinary, nullable=False),
)
Index("story_members_by_story", story_members.c.story_id, story_members.c.published_or_seen_at)

# One row a term that an article is found by: `place` is the stretch of time it was told in, then the term.
story_terms = Table(
    "story_terms",
    metadata,
    Column("bucket_key", BigInteger, primary_key=True, autoincrement=False),
    Column("article_id", ID, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# What more than one article tells.
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

# Articles whose place is to be looked at again: they have become a copy, or are one no more.
story_queue = Table(
    "story_queue",
    metadata,
    Column("article_id", ID, primary_key=True, autoincrement=False),
)

# How many articles use the words of each bucket (`storage.stories.term_frequencies`), counted up to `last_id`.
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

# The paragraphs of a source's latest articles (digests of 8 bytes), an article a row.
recent_paragraphs = Table(
    "recent_paragraphs",
    metadata,
    Column("source", CleanText, primary_key=True),
    Column("article_id", BigInteger, primary_key=True, autoincrement=False),
    Column("paragraphs", LargeBinary, nullable=False),
)

# A version is all that is left out at its time; rows are only added.
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
    # When it was told to the world: what its place in the index, and the window, go by.
    Column("published_or_seen_at", UtcTimestamp, nullable=False),
    Column("bands", LargeBinary, nullable=False),
)

# One row a print: `place` is the stretch of time it was told in, then the print. So what arrives goes
# to the pages that hold the present, however large the archive.
signature_bands = Table(
    "signature_bands",
    metadata,
    Column("bucket_key", BigInteger, primary_key=True, autoincrement=False),
    Column("article_id", ID, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# Facts about texts, not about articles: an edit or a join of articles leaves them true. Each stands both ways round.
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
    # The article's own, so that a topic's articles lie newest first.
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
