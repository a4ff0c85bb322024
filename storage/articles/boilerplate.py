"""What is learned of a source's boilerplate: paragraphs that recur in its latest articles, version by version."""

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
"""How many of a source's latest articles are looked at."""
MIN_ARTICLES = 5
MIN_SHARE = 0.2
"""A paragraph is boilerplate that stands in at least so many of them, and in at least this part."""
_MAX_PARAGRAPHS = 200


def load_boilerplate(tx: Connection, source: str) -> LearnedBoilerplate:
    """The latest version of what is left out of a source's articles; version 0 for nothing."""
    row = tx.execute(_SELECT_LATEST, {"source": source}).first()
    return (
        LearnedBoilerplate(version=row.version, paragraphs=frozenset(array("q", row.paragraphs)))
        if row
        else LearnedBoilerplate()
    )


def learn_boilerplate(
    tx: Connection, source: str, article_id: int, text: str, known: LearnedBoilerplate, now: datetime
) -> LearnedBoilerplate:
    """Look at a new article's whole text beside the source's latest ones; returns what is left out from now on.

    `known` is what was left out until now.
    What was learned stays while any of them has it. Learning an article twice changes nothing.
    """
    found = {digest: one for digest, one in blocks_by_digest(text).items() if is_learnable(one)}
    _record_paragraphs(tx, source, article_id, found)
    rows = [row.paragraphs for row in _SELECT_WINDOW.all(tx, {"source": source})]
    if len(rows) > LEARNING_WINDOW:
        tx.execute(_DELETE_OLD, {"source": source})
        rows = [row.paragraphs for row in _SELECT_WINDOW.all(tx, {"source": source})]
    counts = Counter(digest for row in rows for digest in array("q", row))
    needed = max(MIN_ARTICLES, MIN_SHARE * len(rows))
    wanted = {digest for digest, many in counts.items() if many >= needed}
    wanted |= {digest for digest in known.paragraphs if digest in counts}
    if wanted == known.paragraphs:
        return known
    new = [clean(one, 300) for digest, one in found.items() if digest in wanted - known.paragraphs]
    made = LearnedBoilerplate(version=known.version + 1, paragraphs=frozenset(wanted))
    values = {
        "source": source,
        "version": made.version,
        "paragraphs": _pack_digests(made.paragraphs),
        "learned": json.dumps(new, ensure_ascii=False),
        "learned_at": now,
    }
    tx.execute(insert(source_boilerplate), values)
    return made


def forget_article(tx: Connection, source: str, article_id: int) -> None:
    """An article that proved to be another one is not counted twice."""
    _DELETE_ARTICLE.run(tx, {"source": source, "article": article_id})


def _record_paragraphs(tx: Connection, source: str, article_id: int, found: Iterable[int]) -> None:
    forget_article(tx, source, article_id)
    paragraphs = _pack_digests(list(found)[:_MAX_PARAGRAPHS])
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
_window = recent_paragraphs.alias("others")
_DELETE_OLD = delete(recent_paragraphs).where(
    recent_paragraphs.c.source == bindparam("source"),
    recent_paragraphs.c.article_id.not_in(
        select(_window.c.article_id)
        .where(_window.c.source == bindparam("source"))
        .order_by(_window.c.article_id.desc())
        .limit(LEARNING_WINDOW)
    ),
)
