"""Decide from all articles of a source which changed blocks are template changes, and derive articles again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, literal, or_, select

from storage.articles.store import rederive
from storage.articles.text_columns import whole_text
from storage.db.database import acquire_write_lock
from storage.db.tables import article_checks, articles, changed_blocks, held_blocks, snapshots, texts
from storage.model.crawl import TemplateChangeResult
from storage.text.clean import clean
from storage.text.wording import blocks_by_digest

MIN_ARTICLES = 5
"""Minimum number of articles that gained or lost a block; at least half of those fetched again must have, too."""
_MAX_SHOWN_LENGTH = 200


def apply_template_changes(tx: Connection, source: str, now: datetime) -> TemplateChangeResult:
    """Update the blocks that are held back because many pages of a source gained or lost them at once.

    Articles with such blocks are derived again. A second run changes nothing.
    """
    common = tx.execute(_SELECT_COMMON_BLOCKS, {"source": source}).all()
    wanted = {row.block for row in common if row.article_count * 2 >= _count_refetched(tx, source, row.since)}
    held = set(tx.execute(_SELECT_HELD, {"source": source}).scalars())
    if wanted == held:
        return TemplateChangeResult(held_count=len(held))
    acquire_write_lock(tx)
    affected = sorted(_affected_articles(tx, source, wanted ^ held))
    for block in sorted(held - wanted):
        tx.execute(_DELETE_HELD, {"source": source, "block": block})
    for block in sorted(wanted - held):
        block_text = _block_text(tx, source, block)
        tx.execute(insert(held_blocks), {"source": source, "block": block, "text": block_text, "held_at": now})
    return TemplateChangeResult(
        held_count=len(wanted), rederived=tuple(rederive(tx, article_id) for article_id in affected)
    )


def _count_refetched(tx: Connection, source: str, since: datetime) -> int:
    return int(tx.execute(_COUNT_REFETCHED, {"source": source, "since": since}).scalar_one())


def _affected_articles(tx: Connection, source: str, toggled: set[int]) -> set[int]:
    article_ids: set[int] = set()
    for block in toggled:
        article_ids.update(tx.execute(_SELECT_ARTICLES_WITH_BLOCK, {"source": source, "block": block}).scalars())
    return article_ids


def _block_text(tx: Connection, source: str, block: int) -> str:
    """Return the block's text for display, from an article that has it, or an empty string."""
    for row in tx.execute(_SELECT_TEXTS_WITH_BLOCK, {"source": source, "block": block}):
        if block_text := blocks_by_digest(whole_text(row)).get(block):
            return clean(block_text, _MAX_SHOWN_LENGTH)
    return ""


_SELECT_COMMON_BLOCKS = (
    select(
        changed_blocks.c.block,
        func.count().label("article_count"),
        func.min(changed_blocks.c.changed_at).label("since"),
    )
    .where(changed_blocks.c.source == bindparam("source"))
    .group_by(changed_blocks.c.block)
    .having(func.count() >= literal(MIN_ARTICLES))
)
_later_snapshots = snapshots.alias("later")
# Fetched again since: with a text, or with the answer that the page is unmodified.
_COUNT_REFETCHED = (
    select(func.count())
    .select_from(articles)
    .where(
        exists().where(
            snapshots.c.article_id == articles.c.id,
            snapshots.c.source == bindparam("source"),
            snapshots.c.fetched_at < bindparam("since"),
        ),
        or_(
            exists().where(
                _later_snapshots.c.article_id == articles.c.id, _later_snapshots.c.fetched_at >= bindparam("since")
            ),
            exists().where(
                article_checks.c.article_id == articles.c.id,
                article_checks.c.checked_at >= bindparam("since"),
                article_checks.c.outcome == "unmodified",
            ),
        ),
    )
)
_SELECT_HELD = select(held_blocks.c.block).where(held_blocks.c.source == bindparam("source"))
_DELETE_HELD = delete(held_blocks).where(
    held_blocks.c.source == bindparam("source"), held_blocks.c.block == bindparam("block")
)
_SELECT_ARTICLES_WITH_BLOCK = select(changed_blocks.c.article_id).where(
    changed_blocks.c.source == bindparam("source"), changed_blocks.c.block == bindparam("block")
)
_SELECT_TEXTS_WITH_BLOCK = (
    select(texts.c.text, texts.c.removed_boilerplate)
    .join(changed_blocks, changed_blocks.c.article_id == texts.c.article_id)
    .where(changed_blocks.c.source == bindparam("source"), changed_blocks.c.block == bindparam("block"))
    .order_by(texts.c.id)
    .limit(20)
)
