"""The search index made anew beside the one that answers, in short transactions: left at any moment, taken up again."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, func, select, update

from storage.db.database import Database, write_lock
from storage.db.tables import articles
from storage.search import article_index as indexing
from storage.search import history as past
from storage.search.index import shadow as beside
from storage.search.index.base import Entry
from storage.search.index.row_ids import TIES, row_of

_CHUNK = 200
"""Articles of a transaction: others write in between."""


def rebuild(database: Database, progress: Callable[[int, int], None] | None = None) -> int:
    """Make the index anew from the kept texts, places and labels too; returns how many articles it holds.

    Searches find what the old one finds until the new one takes its place. `progress` is told how many of how many
    are done. An index that was left half made is gone on with.
    """
    with database.write() as tx:
        write_lock(tx)
        last = beside.begin(tx)
        total, done = _numbers(tx, last)
    while True:
        with database.write() as tx:
            write_lock(tx)
            taken = _take_in(tx, beside.begin(tx))
            if not taken:
                return beside.swap(tx)
            done += taken
        if progress:
            progress(min(done, total), total)


def _numbers(tx: Connection, last: int) -> tuple[int, int]:
    """How many articles there are, and how many of them up to an id."""
    number = select(func.count()).select_from(articles)
    return int(tx.execute(number).scalar_one()), int(tx.execute(number.where(articles.c.id <= last)).scalar_one())


def _take_in(tx: Connection, last: int) -> int:
    """Give the next articles to the index beside; returns how many those were."""
    rows = indexing.next_shown(tx, last, _CHUNK)
    for shown in rows:
        labels = indexing.labels_of_shown(tx, shown)
        row, floor = shown.search_row, row_of(shown.dated)
        if not floor <= row < floor + TIES:
            # The old index is not told: it may be broken, and what it holds at the old place is soon dropped.
            row = indexing.free_row(tx, shown.dated)
            tx.execute(update(articles).where(articles.c.id == shown.id).values(search_row=row))
        beside.put(tx, row, Entry(title=shown.title, text=shown.text, labels=labels))
        past.forget(tx, shown.id)
        past.remember(tx, shown.id)
    if rows:
        beside.note(tx, rows[-1].id)
    return len(rows)
