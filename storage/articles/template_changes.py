"""Deciding, from all of a source's articles, which changed blocks are a redesign, and drawing the conclusions anew."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, literal, or_, select

from storage.articles.store import redraw
from storage.articles.text_columns import whole_text
from storage.db.database import write_lock
from storage.db.tables import articles, changed_blocks, held_blocks, looks, sightings, texts
from storage.model.crawl import Settled
from storage.text.clean import clean
from storage.text.wording import blocks

FEWEST = 5
"""In so many articles of a source the same block must have come or gone, and in half of those fetched again since."""
_SHOWN_WORDS = 200


def settle(tx: Connection, source: str, now: datetime) -> Settled:
    """Hold back what came or went on many of a source's pages at once, and no longer what did not.

    Articles that it makes a difference to are judged anew. What it does follows from the facts alone:
    doing it twice changes nothing.
    """
    common = tx.execute(_COMMON, {"source": source}).all()
    wanted = {row.block for row in common if row.many * 2 >= _fetched_again(tx, source, row.since)}
    held = set(tx.execute(_HELD, {"source": source}).scalars())
    if wanted == held:
        return Settled(held=len(held))
    write_lock(tx)
    touched = sorted(_touched(tx, source, wanted ^ held))
    for block in sorted(held - wanted):
        tx.execute(_LET_GO, {"source": source, "block": block})
    for block in sorted(wanted - held):
        words = _words_of(tx, source, block)
        tx.execute(insert(held_blocks), {"source": source, "block": block, "words": words, "held_at": now})
    return Settled(held=len(wanted), redrawn=tuple(redraw(tx, article_id) for article_id in touched))


def _fetched_again(tx: Connection, source: str, since: datetime) -> int:
    return int(tx.execute(_FETCHED_AGAIN, {"source": source, "since": since}).scalar_one())


def _touched(tx: Connection, source: str, toggled: set[int]) -> set[int]:
    found: set[int] = set()
    for block in toggled:
        found.update(tx.execute(_WITH_BLOCK, {"source": source, "block": block}).scalars())
    return found


def _words_of(tx: Connection, source: str, block: int) -> str:
    """The block itself, from a text that has it, so that a person can be told what is held back."""
    for row in tx.execute(_TEXTS_WITH, {"source": source, "block": block}):
        if found := blocks(whole_text(row)).get(block):
            return clean(found, _SHOWN_WORDS)
    return ""


_COMMON = (
    select(changed_blocks.c.block, func.count().label("many"), func.min(changed_blocks.c.changed_at).label("since"))
    .where(changed_blocks.c.source == bindparam("source"))
    .group_by(changed_blocks.c.block)
    .having(func.count() >= literal(FEWEST))
)
_earlier = sightings.alias("earlier")
# Looked at again since: by a fetch that gave a text, or one that said it had not changed.
_FETCHED_AGAIN = (
    select(func.count())
    .select_from(articles)
    .where(
        exists().where(
            sightings.c.article_id == articles.c.id,
            sightings.c.source == bindparam("source"),
            sightings.c.fetched_at < bindparam("since"),
        ),
        or_(
            exists().where(_earlier.c.article_id == articles.c.id, _earlier.c.fetched_at >= bindparam("since")),
            exists().where(
                looks.c.article_id == articles.c.id,
                looks.c.looked_at >= bindparam("since"),
                looks.c.outcome == "unmodified",
            ),
        ),
    )
)
_HELD = select(held_blocks.c.block).where(held_blocks.c.source == bindparam("source"))
_LET_GO = delete(held_blocks).where(
    held_blocks.c.source == bindparam("source"), held_blocks.c.block == bindparam("block")
)
_WITH_BLOCK = select(changed_blocks.c.article_id).where(
    changed_blocks.c.source == bindparam("source"), changed_blocks.c.block == bindparam("block")
)
_TEXTS_WITH = (
    select(texts.c.text, texts.c.dropped)
    .join(changed_blocks, changed_blocks.c.article_id == texts.c.article_id)
    .where(changed_blocks.c.source == bindparam("source"), changed_blocks.c.block == bindparam("block"))
    .order_by(texts.c.id)
    .limit(20)
)
