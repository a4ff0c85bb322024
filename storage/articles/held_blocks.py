"""Blocks that came or went on many of a source's pages at once: a redesign, no edit of any article.

Which blocks each article gained or lost is a fact; which of them are held back follows from all of
a source's articles (`storage.articles.template_changes`). What is held back is no wording.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from storage.articles.derive import Sighting, in_time
from storage.articles.text_columns import headlines_of, stated_text, whole_text
from storage.db.tables import changed_blocks, held_blocks, texts
from storage.text.wording import blocks, tag, wording_digest

MOST_PAIRS = 20
"""Of how many pairs of an article's readings, the latest, the differences are kept."""
MOST_BLOCKS = 400


def held_of(tx: Connection, sources: Collection[str]) -> frozenset[int]:
    """The blocks that are held back at any of these sources."""
    return frozenset(tx.execute(_HELD, {"sources": sorted(sources)}).scalars())


def judge_again(tx: Connection, article_id: int, held: Collection[int]) -> bool:
    """Bring the wording of an article's texts in line with what is held back; whether that made a difference."""
    now = tag(held)
    stale = tx.execute(_STALE, {"article": article_id, "tag": now}).all()
    for row in stale:
        known = [words for _, words in headlines_of(row)]
        shown, stated = (wording_digest(one, known, held) for one in (whole_text(row), stated_text(row)))
        tx.execute(_JUDGE, {"row": row.id, "wording": shown, "stated": stated, "tag": now})
    return bool(stale)


def note_blocks(tx: Connection, article_id: int, sightings: Sequence[Sighting]) -> None:
    """Write down which blocks an article gained and lost between readings that may be compared."""
    found: dict[tuple[str, int], Sighting] = {}
    if len({one.digest for one in sightings}) > 1:
        for earlier, later in islice(_pairs(sightings), MOST_PAIRS):
            for one in _changed(tx, earlier.text_id, later.text_id):
                found[later.source, one] = later
    known = {(row.source, row.block) for row in tx.execute(_NOTED, {"article": article_id})}
    if known == set(found):
        return
    tx.execute(_FORGET, {"article": article_id})
    rows = [
        {"source": source, "block": one, "article_id": article_id, "changed_at": later.fetched_at}
        for (source, one), later in found.items()
    ]
    if rows:
        tx.execute(insert(changed_blocks), rows[:MOST_BLOCKS])


def _pairs(sightings: Sequence[Sighting]) -> Iterator[tuple[Sighting, Sighting]]:
    """Readings of one variant by one extractor that follow each other and differ, the latest first."""
    latest: dict[tuple[int, str], Sighting] = {}
    for later in reversed(in_time(sightings)):
        variant = (later.final, later.twin)
        newer = latest.get(variant)
        if newer and newer.digest != later.digest and newer.extractor == later.extractor:
            yield later, newer
        latest[variant] = later


def _changed(tx: Connection, one: int, other: int) -> set[int]:
    rows = tx.execute(_TEXTS, {"ids": [one, other]}).all()
    before, after = (set(blocks(whole_text(row))) for row in rows) if len(rows) == 2 else (set(), set())
    return before ^ after


_HELD = select(held_blocks.c.block).where(held_blocks.c.source.in_(bindparam("sources", expanding=True)))
_STALE = select(texts.c.id, texts.c.title, texts.c.headlines, texts.c.text, texts.c.dropped, texts.c.variants).where(
    texts.c.article_id == bindparam("article"), texts.c.judged_with != bindparam("tag")
)
_JUDGE = (
    update(texts)
    .where(texts.c.id == bindparam("row"))
    .values(wording=bindparam("wording"), stated=bindparam("stated"), judged_with=bindparam("tag"))
)
_TEXTS = select(texts.c.text, texts.c.dropped).where(texts.c.id.in_(bindparam("ids", expanding=True)))
_NOTED = select(changed_blocks.c.source, changed_blocks.c.block).where(
    changed_blocks.c.article_id == bindparam("article")
)
_FORGET = delete(changed_blocks).where(changed_blocks.c.article_id == bindparam("article"))
