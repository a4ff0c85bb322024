"""What is learned of a source's boilerplate: paragraphs that recur in its latest articles, version by version."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select

from storage.db.statements import Ready, insertion
from storage.db.tables import paragraph_windows, source_hints
from storage.model.crawl import Learned
from storage.text.clean import clean
from storage.text.wording import blocks, is_learnable

WINDOW = 50
"""How many of a source's latest articles are looked at."""
FEWEST_ARTICLES = 5
SHARE = 0.2
"""A paragraph is boilerplate that stands in at least so many of them, and in at least this part."""
_MOST_PARAGRAPHS = 200


def learned_of(tx: Connection, source: str) -> Learned:
    """The latest version of what is left out of a source's articles; version 0 for nothing."""
    row = tx.execute(_LATEST, {"source": source}).first()
    return Learned(version=row.version, paragraphs=frozenset(array("q", row.paragraphs))) if row else Learned()


def learn(tx: Connection, source: str, article_id: int, text: str, known: Learned, now: datetime) -> Learned:
    """Look at a new article's whole text beside the source's latest ones; returns what is left out from now on.

    `known` is what was left out until now.
    What was learned stays while any of them has it. Learning an article twice changes nothing.
    """
    found = {digest: one for digest, one in blocks(text).items() if is_learnable(one)}
    _note(tx, source, article_id, found)
    rows = [row.paragraphs for row in _WINDOW.all(tx, {"source": source})]
    if len(rows) > WINDOW:
        tx.execute(_PRUNE, {"source": source})
        rows = [row.paragraphs for row in _WINDOW.all(tx, {"source": source})]
    counts = Counter(digest for row in rows for digest in array("q", row))
    needed = max(FEWEST_ARTICLES, SHARE * len(rows))
    wanted = {digest for digest, many in counts.items() if many >= needed}
    wanted |= {digest for digest in known.paragraphs if digest in counts}
    if wanted == known.paragraphs:
        return known
    new = [clean(one, 300) for digest, one in found.items() if digest in wanted - known.paragraphs]
    made = Learned(version=known.version + 1, paragraphs=frozenset(wanted))
    values = {
        "source": source,
        "version": made.version,
        "paragraphs": _packed(made.paragraphs),
        "learned": json.dumps(new, ensure_ascii=False),
        "made_at": now,
    }
    tx.execute(insert(source_hints), values)
    return made


def forget(tx: Connection, source: str, article_id: int) -> None:
    """An article that proved to be another one is not counted twice."""
    _FORGET.run(tx, {"source": source, "article": article_id})


def _note(tx: Connection, source: str, article_id: int, found: Iterable[int]) -> None:
    forget(tx, source, article_id)
    paragraphs = _packed(list(found)[:_MOST_PARAGRAPHS])
    _INSERT_WINDOW.run(tx, {"source": source, "article_id": article_id, "paragraphs": paragraphs})


def _packed(paragraphs: Iterable[int]) -> bytes:
    return array("q", sorted(paragraphs)).tobytes()


_LATEST = (
    select(source_hints.c.version, source_hints.c.paragraphs)
    .where(source_hints.c.source == bindparam("source"))
    .order_by(source_hints.c.version.desc())
    .limit(1)
)
_INSERT_WINDOW = insertion(paragraph_windows)
_WINDOW = Ready(select(paragraph_windows.c.paragraphs).where(paragraph_windows.c.source == bindparam("source")))
_FORGET = Ready(
    delete(paragraph_windows).where(
        paragraph_windows.c.source == bindparam("source"), paragraph_windows.c.article_id == bindparam("article")
    )
)
_others = paragraph_windows.alias("others")
_PRUNE = delete(paragraph_windows).where(
    paragraph_windows.c.source == bindparam("source"),
    paragraph_windows.c.article_id.not_in(
        select(_others.c.article_id)
        .where(_others.c.source == bindparam("source"))
        .order_by(_others.c.article_id.desc())
        .limit(WINDOW)
    ),
)
