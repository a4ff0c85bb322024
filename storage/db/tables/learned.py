"""Tables of what was learned about a source's pages: blocks that came or went everywhere at once, and boilerplate."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, Table, Text

from storage.db.tables.types import ID, Moment, Words, metadata

changed_blocks = Table(
    "changed_blocks",
    metadata,
    Column("source", Words, primary_key=True),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("article_id", ID, ForeignKey("articles.id"), primary_key=True, index=True),
    Column("changed_at", Moment, nullable=False),
)

held_blocks = Table(
    "held_blocks",
    metadata,
    Column("source", Words, primary_key=True),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("words", Words, nullable=False),
    Column("held_at", Moment, nullable=False),
)

# The paragraphs of a source's latest articles (digests of 8 bytes), an article a row.
paragraph_windows = Table(
    "paragraph_windows",
    metadata,
    Column("source", Words, primary_key=True),
    Column("article_id", BigInteger, primary_key=True, autoincrement=False),
    Column("paragraphs", LargeBinary, nullable=False),
)

# A version is all that is left out at its time; rows are only added.
source_hints = Table(
    "source_hints",
    metadata,
    Column("source", Words, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("paragraphs", LargeBinary, nullable=False),
    Column("learned", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
)
