"""Record the blocks that articles gained or lost, and apply the blocks that are held back as template changes.

`storage.articles.template_changes` decides from all articles of a source which blocks are held back. Held blocks are
ignored when texts are compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from storage.articles.derive import Snapshot, sort_by_time
from storage.articles.text_columns import read_headlines, text_in_page_data, whole_text
from storage.db.tables import changed_blocks, held_blocks, texts
from storage.text.wording import blocks_by_digest, comparable_text_digest, held_blocks_tag

MAX_PAIRS = 20
"""Maximum number of pairs of an article's snapshots, the latest, whose differences are recorded."""
MAX_BLOCKS = 400


def load_held_blocks(tx: Connection, sources: Collection[str]) -> frozenset[int]:
    """Return the digests of the blocks that are held back for any of these sources."""
    return frozenset(tx.execute(_SELECT_HELD, {"sources": sorted(sources)}).scalars())


def rejudge(tx: Connection, article_id: int, held: Collection[int]) -> bool:
    """Recompute the digests of an article's texts if the held blocks changed; return whether any was recomputed."""
    tag = held_blocks_tag(held)
    stale = tx.execute(_SELECT_STALE_TEXTS, {"article": article_id, "tag": tag}).all()
    for row in stale:
        titles = [title for _, title in read_headlines(row)]
        shown = comparable_text_digest(whole_text(row), titles, held)
        in_page_data = comparable_text_digest(text_in_page_data(row), titles, held)
        tx.execute(
            _UPDATE_DIGESTS, {"row": row.id, "comparable_digest": shown, "page_data_digest": in_page_data, "tag": tag}
        )
    return bool(stale)


def record_changed_blocks(tx: Connection, article_id: int, snapshots: Sequence[Snapshot]) -> None:
    """Record which blocks an article gained or lost between comparable snapshots."""
    changed: dict[tuple[str, int], Snapshot] = {}
    if len({snapshot.digest for snapshot in snapshots}) > 1:
        for earlier, later in islice(_differing_pairs(snapshots), MAX_PAIRS):
            for block in _changed_blocks(tx, earlier.text_id, later.text_id):
                changed[later.source, block] = later
    known = {(row.source, row.block) for row in tx.execute(_SELECT_CHANGED_BLOCKS, {"article": article_id})}
    if known == set(changed):
        return
    tx.execute(_DELETE_CHANGED_BLOCKS, {"article": article_id})
    rows = [
        {"source": source, "block": block, "article_id": article_id, "changed_at": later.fetched_at}
        for (source, block), later in changed.items()
    ]
    if rows:
        tx.execute(insert(changed_blocks), rows[:MAX_BLOCKS])


def _differing_pairs(snapshots: Sequence[Snapshot]) -> Iterator[tuple[Snapshot, Snapshot]]:
    """Yield successive, different snapshots of one variant by one extractor, the latest pair first."""
    latest: dict[tuple[int, str], Snapshot] = {}
    for later in reversed(sort_by_time(snapshots)):
        variant = (later.final_alias_id, later.variant_key)
        newer = latest.get(variant)
        if newer and newer.digest != later.digest and newer.extractor == later.extractor:
            yield later, newer
        latest[variant] = later


def _changed_blocks(tx: Connection, text_id: int, other_text_id: int) -> set[int]:
    rows = tx.execute(_SELECT_TEXTS, {"ids": [text_id, other_text_id]}).all()
    before, after = (set(blocks_by_digest(whole_text(row))) for row in rows) if len(rows) == 2 else (set(), set())
    return before ^ after


_SELECT_HELD = select(held_blocks.c.block).where(held_blocks.c.source.in_(bindparam("sources", expanding=True)))
_SELECT_STALE_TEXTS = select(
    texts.c.id,
    texts.c.title,
    texts.c.headlines,
    texts.c.text,
    texts.c.removed_boilerplate,
    texts.c.differs_in_page_data,
).where(texts.c.article_id == bindparam("article"), texts.c.held_blocks_tag != bindparam("tag"))
_UPDATE_DIGESTS = (
    update(texts)
    .where(texts.c.id == bindparam("row"))
    .values(
        comparable_digest=bindparam("comparable_digest"),
        page_data_digest=bindparam("page_data_digest"),
        held_blocks_tag=bindparam("tag"),
    )
)
_SELECT_TEXTS = select(texts.c.text, texts.c.removed_boilerplate).where(
    texts.c.id.in_(bindparam("ids", expanding=True))
)
_SELECT_CHANGED_BLOCKS = select(changed_blocks.c.source, changed_blocks.c.block).where(
    changed_blocks.c.article_id == bindparam("article")
)
_DELETE_CHANGED_BLOCKS = delete(changed_blocks).where(changed_blocks.c.article_id == bindparam("article"))
