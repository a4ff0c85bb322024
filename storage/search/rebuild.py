"""The search index made anew beside the one that answers, in short transactions: left at any moment, taken up again."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, func, select, update

from storage.db.database import Database, acquire_write_lock
from storage.db.tables import articles
from storage.search import article_index, history
from storage.search.index import shadow
from storage.search.index.base import IndexedArticle
from storage.search.index.row_ids import ROWS_PER_SECOND, row_id_of

_BATCH_SIZE = 200
"""Articles of a transaction: others write in between."""


def rebuild_index(database: Database, progress: Callable[[int, int], None] | None = None) -> int:
    """Make the index anew from the kept texts, places and labels too; returns how many articles it holds.

    Searches find what the old one finds until the new one takes its place. `progress` is told how many of how many
    are done. An index that was left half made is gone on with.
    """
    with database.write() as tx:
        acquire_write_lock(tx)
        last = shadow.begin_rebuild(tx)
        total, done = _count_articles(tx, last)
    while True:
        with database.write() as tx:
            acquire_write_lock(tx)
            taken = _index_next_batch(tx, shadow.begin_rebuild(tx))
            if not taken:
                return shadow.activate(tx)
            done += taken
        if progress:
            progress(min(done, total), total)


def _count_articles(tx: Connection, last: int) -> tuple[int, int]:
    """How many articles there are, and how many of them up to an id."""
    number = select(func.count()).select_from(articles)
    return int(tx.execute(number).scalar_one()), int(tx.execute(number.where(articles.c.id <= last)).scalar_one())


def _index_next_batch(tx: Connection, last: int) -> int:
    """Give the next articles to the index beside; returns how many those were."""
    rows = article_index.load_next_shown(tx, last, _BATCH_SIZE)
    for shown in rows:
        labels = article_index.build_labels_of_row(tx, shown)
        row, floor = shown.search_row, row_id_of(shown.sort_time)
        if not floor <= row < floor + ROWS_PER_SECOND:
            # The old index is not told: it may be broken, and what it holds at the old place is soon dropped.
            row = article_index.find_free_row_id(tx, shown.sort_time)
            tx.execute(update(articles).where(articles.c.id == shown.id).values(search_row=row))
        shadow.add(tx, row, IndexedArticle(title=shown.title, text=shown.text, labels=labels))
        history.remove_past_texts(tx, shown.id)
        history.update_past_texts(tx, shown.id)
    if rows:
        shadow.save_progress(tx, rows[-1].id)
    return len(rows)
