"""Rebuild the search index in a shadow index, resumable."""

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
"""Number of articles per transaction. Other writers proceed between transactions."""


def rebuild_index(database: Database, progress: Callable[[int, int], None] | None = None) -> int:
    """Rebuild the index, row ids and labels from the stored articles, and return the number of indexed articles.

    Searches use the old index until the new one replaces it. `progress` receives the number of finished articles and
    the total. An interrupted rebuild continues where it stopped.
    """
    with database.write() as tx:
        acquire_write_lock(tx)
        last = shadow.begin_rebuild(tx)
        total, done = _count_articles(tx, last)
    while True:
        with database.write() as tx:
            acquire_write_lock(tx)
            indexed = _index_next_batch(tx, shadow.begin_rebuild(tx))
            if not indexed:
                return shadow.activate(tx)
            done += indexed
        if progress:
            progress(min(done, total), total)


def _count_articles(tx: Connection, last: int) -> tuple[int, int]:
    """Count all articles, and the articles with ids up to `last`."""
    count = select(func.count()).select_from(articles)
    return int(tx.execute(count).scalar_one()), int(tx.execute(count.where(articles.c.id <= last)).scalar_one())


def _index_next_batch(tx: Connection, last: int) -> int:
    """Add the next batch of articles to the shadow index, and return its size."""
    rows = article_index.load_next_shown(tx, last, _BATCH_SIZE)
    for shown in rows:
        labels = article_index.build_labels_of_row(tx, shown)
        row_id, floor = shown.search_row, row_id_of(shown.sort_time)
        if not floor <= row_id < floor + ROWS_PER_SECOND:
            # The old index keeps its entry: it may be damaged, and it is dropped when the rebuild ends.
            row_id = article_index.find_free_row_id(tx, shown.sort_time)
            tx.execute(update(articles).where(articles.c.id == shown.id).values(search_row=row_id))
        shadow.add(tx, row_id, IndexedArticle(title=shown.title, text=shown.text, labels=labels))
        history.remove_past_texts(tx, shown.id)
        history.update_past_texts(tx, shown.id)
    if rows:
        shadow.save_progress(tx, rows[-1].id)
    return len(rows)
