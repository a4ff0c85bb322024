"""Learn the boilerplate of a source: paragraphs that recur in its latest articles, in numbered versions."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select

from storage.db.statements import CompiledStatement, insert_statement
from storage.db.tables import recent_paragraphs, source_boilerplate
from storage.model.crawl import LearnedBoilerplate
from storage.text.clean import clean
from storage.text.wording import blocks_by_digest, is_learnable

LEARNING_WINDOW = 50
"""Number of a source's latest articles that are examined."""
MIN_ARTICLES = 5
MIN_SHARE = 0.2
"""Minimum number and share of those articles that hold a paragraph of boilerplate."""
_MAX_PARAGRAPHS = 200


def load_boilerplate(tx: Connection, source: str) -> LearnedBoilerplate:
    """Return the latest known boilerplate of a source; version 0 if none is known."""
    row = tx.execute(_SELECT_LATEST, {"source": source}).first()
    return (
        LearnedBoilerplate(version=row.version, paragraphs=frozenset(array("q", row.paragraphs)))
        if row
        else LearnedBoilerplate()
    )


def learn_boilerplate(
    tx: Connection, source: str, article_id: int, text: str, known: LearnedBoilerplate, now: datetime
) -> LearnedBoilerplate:
    """Learn from the whole text of a new article; return the boilerplate of the source that is known after it.

    `known` is the boilerplate before. A known paragraph stays while any of the latest articles has it. Learning from
    an article twice changes nothing.
    """
    paragraphs = {digest: block for digest, block in blocks_by_digest(text).items() if is_learnable(block)}
    _record_paragraphs(tx, source, article_id, paragraphs)
    rows = [row.paragraphs for row in _SELECT_WINDOW.all(tx, {"source": source})]
    if len(rows) > LEARNING_WINDOW:
        tx.execute(_DELETE_OLD, {"source": source})
        rows = [row.paragraphs for row in _SELECT_WINDOW.all(tx, {"source": source})]
    counts = Counter(digest for row in rows for digest in array("q", row))
    needed = max(MIN_ARTICLES, MIN_SHARE * len(rows))
    wanted = {digest for digest, count in counts.items() if count >= needed}
    wanted |= {digest for digest in known.paragraphs if digest in counts}
    if wanted == known.paragraphs:
        return known
    new = [clean(paragraph, 300) for digest, paragraph in paragraphs.items() if digest in wanted - known.paragraphs]
    learned = LearnedBoilerplate(version=known.version + 1, paragraphs=frozenset(wanted))
    values = {
        "source": source,
        "version": learned.version,
        "paragraphs": _pack_digests(learned.paragraphs),
        "learned": json.dumps(new, ensure_ascii=False),
        "learned_at": now,
    }
    tx.execute(insert(source_boilerplate), values)
    return learned


def forget_article(tx: Connection, source: str, article_id: int) -> None:
    """Forget the paragraphs of an article that was merged into another."""
    _DELETE_ARTICLE.run(tx, {"source": source, "article": article_id})


def _record_paragraphs(tx: Connection, source: str, article_id: int, digests: Iterable[int]) -> None:
    forget_article(tx, source, article_id)
    paragraphs = _pack_digests(list(digests)[:_MAX_PARAGRAPHS])
    _INSERT_WINDOW.run(tx, {"source": source, "article_id": article_id, "paragraphs": paragraphs})


def _pack_digests(paragraphs: Iterable[int]) -> bytes:
    return array("q", sorted(paragraphs)).tobytes()


_SELECT_LATEST = (
    select(source_boilerplate.c.version, source_boilerplate.c.paragraphs)
    .where(source_boilerplate.c.source == bindparam("source"))
    .order_by(source_boilerplate.c.version.desc())
    .limit(1)
)
_INSERT_WINDOW = insert_statement(recent_paragraphs)
_SELECT_WINDOW = CompiledStatement(
    select(recent_paragraphs.c.paragraphs).where(recent_paragraphs.c.source == bindparam("source"))
)
_DELETE_ARTICLE = CompiledStatement(
    delete(recent_paragraphs).where(
        recent_paragraphs.c.source == bindparam("source"), recent_paragraphs.c.article_id == bindparam("article")
    )
)
_window = recent_paragraphs.alias("window")
_DELETE_OLD = delete(recent_paragraphs).where(
    recent_paragraphs.c.source == bindparam("source"),
    recent_paragraphs.c.article_id.not_in(
        select(_window.c.article_id)
        .where(_window.c.source == bindparam("source"))
        .order_by(_window.c.article_id.desc())
        .limit(LEARNING_WINDOW)
    ),
)
