"""Tables of the near-duplicates: signatures, the prints they are found by, and which texts are alike."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, ForeignKey, LargeBinary, String, Table

from storage.db.tables.types import DIGEST, ID, Moment, metadata

signatures = Table(
    "signatures",
    metadata,
    Column("article_id", ID, ForeignKey("articles.id"), primary_key=True, autoincrement=False),
    # When it was told to the world: what its place in the index, and the window, go by.
    Column("told_at", Moment, nullable=False),
    Column("prints", LargeBinary, nullable=False),
)

# One row a print: `place` is the stretch of time it was told in, then the print. So what arrives goes
# to the pages that hold the present, however large the archive.
prints = Table(
    "prints",
    metadata,
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("article_id", ID, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# Facts about texts, not about articles: an edit or a join of articles leaves them true. Each stands both ways round.
likenesses = Table(
    "likenesses",
    metadata,
    Column("one", DIGEST, primary_key=True),
    Column("other", DIGEST, primary_key=True),
    Column("similarity", Double, nullable=False),
    Column("kind", String(10), nullable=False),
    sqlite_with_rowid=False,
)
