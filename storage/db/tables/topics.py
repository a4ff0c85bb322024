"""Tables of topics: what each article names, and with which catalogue it was read for them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from storage.db.tables.types import ID, Moment, Words, metadata

article_topics = Table(
    "article_topics",
    metadata,
    Column("article_id", ID, ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("topic", Words, primary_key=True),
    # The article's own, so that a topic's articles lie newest first.
    Column("dated", Moment, nullable=False),
    Column("body", Integer, nullable=False),
    Column("title", Integer, nullable=False),
)
Index("article_topics_by_topic", article_topics.c.topic, article_topics.c.dated, article_topics.c.article_id)

topic_readings = Table(
    "topic_readings",
    metadata,
    Column("article_id", ID, ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("catalogue", String(16), nullable=False),
)
