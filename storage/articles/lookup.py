"""Find the id of an article by a URL or by the id of an article that was merged into it."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from storage.db.statements import CompiledStatement
from storage.db.tables import aliases, merged_articles


def article_at(tx: Connection, digest: str) -> int | None:
    """Return the id of the article that was fetched at the URL with a key's digest."""
    row = _BY_DIGEST.first(tx, {"digest": digest})
    return None if row is None else int(row.article_id)


def kept_id(tx: Connection, article_id: int) -> int:
    """Return the id itself, or that of the article that it was merged into."""
    merged_into = tx.execute(_MERGED_INTO, {"article": article_id}).scalar()
    return article_id if merged_into is None else int(merged_into)


_BY_DIGEST = CompiledStatement(select(aliases.c.article_id).where(aliases.c.url_digest == bindparam("digest")))
_MERGED_INTO = select(merged_articles.c.article_id).where(merged_articles.c.id == bindparam("article"))
