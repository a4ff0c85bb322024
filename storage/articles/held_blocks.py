"""Blocks that came or went on many of a source's pages at once: a redesign, no edit of any article.

Which blocks each article gained or lost is a fact; which of them are held back follows from all of
a source's articles (`storage.articles.template_changes`). What is held back is no wording.
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
"""Of how many pairs of an article's readings, the latest, the differences are kept."""
MAX_BLOCKS = 400


def load_held_blocks(tx: Connection, sources: Collection[str]) -> frozenset[int]:
    """The blocks that are held back at any of these sources."""
    return frozenset(tx.execute(_SELECT_HELD, {"sources": sorted(sources)}).scalars())


def rejudge(tx: Connection, article_id: int, held: Collection[int]) -> bool:
    """Bring the wording of an article's texts in line with what is held back; whether that made a difference."""
    now = held_blocks_tag(held)
    stale = tx.execute(_SELECT_STALE_TEXTS, {"article": article_id, "tag": now}).all()
    for row in stale:
        known = [words for _, words in read_headlines(row)]
        shown, stated = (comparable_text_digest(one, known, held) for one in (whole_text(row), text_in_page_data(row)))
        tx.execute(_UPDATE_DIGESTS, {"row": row.id, "comparable_digest": shown, "page_data_digest": stated, "tag": now})
    return bool(stale)


def record_changed_blocks(tx: Connection, article_id: int, sightings: Sequence[Snapshot]) -> None:
    """Write down which blocks an article gained and lost between readings that may be compared."""
    found: dict[tuple[str, int], Snapshot] = {}
    if len({one.digest for one in sightings}) > 1:
        for earlier, later in islice(_differing_pairs(sightings), MAX_PAIRS):
            for one in _changed_blocks(tx, earlier.text_id, later.text_id):
                found[later.source, one] = later
    known = {(row.source, row.block) for row in tx.execute(_SELECT_CHANGED_BLOCKS, {"article": article_id})}
    if known == set(found):
        return
    tx.execute(_DELETE_CHANGED_BLOCKS, {"article": article_id})
    rows = [
        {"source": source, "block": one, "article_id": article_id, "changed_at": later.fetched_at}
        for (source, one), later in found.items()
    ]
    if rows:
        tx.execute(insert(changed_blocks), rows[:MAX_BLOCKS])


def _differing_pairs(sightings: Sequence[Snapshot]) -> Iterator[tuple[Snapshot, Snapshot]]:
    """Readings of one variant by one extractor that follow each other and differ, the latest first."""
    latest: dict[tuple[int, str], Snapshot] = {}
    for later in reversed(sort_by_time(sightings)):
        variant = (later.final_alias_id, later.variant_key)
        newer = latest.get(variant)
        if newer and newer.digest != later.digest and newer.extractor == later.extractor:
            yield later, newer
        latest[variant] = later


def _changed_blocks(tx: Connection, one: int, other: int) -> set[int]:
    rows = tx.execute(_SELECT_TEXTS, {"ids": [one, other]}).all()
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
