"""Tables of stories: each article's terms and story, the terms it is found by, how common terms are."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table

from storage.db.tables.types import ID, Moment, metadata

# Every article that is no copy. A story has the id of one of its articles, and an article alone is a story too.
tellers = Table(
    "tellers",
    metadata,
    Column("article_id", ID, ForeignKey("articles.id"), primary_key=True, autoincrement=False),
    Column("story_id", ID, nullable=False),
    # When it was published, or else first fetched.
    Column("told_at", Moment, nullable=False),
    Column("dated", Boolean, nullable=False),
    Column("terms", LargeBinary, nullable=False),
)
Index("tellers_by_story", tellers.c.story_id, tellers.c.told_at)

# One row a term that an article is found by: `place` is the stretch of time it was told in, then the term.
story_terms = Table(
    "story_terms",
    metadata,
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("article_id", ID, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# What more than one article tells.
stories = Table(
    "stories",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=False),
    Column("headline_id", ID, nullable=False),
    Column("articles", Integer, nullable=False),
    Column("sources", Integer, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
)
Index("stories_by_last", stories.c.last_at, stories.c.id)

# Articles whose place is to be looked at again: they have become a copy, or are one no more.
story_due = Table(
    "story_due",
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
