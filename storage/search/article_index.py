"""An article's place in the search index: put there, moved, relabelled, and all of them made anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from storage.db.key_value import note
from storage.db.statements import Ready
from storage.db.tables import article_topics, articles, revisions, texts
from storage.model.article import Topic
from storage.search import history as past
from storage.search.analyzer import VERSION
from storage.search.index import index_of
from storage.search.index import shadow as beside
from storage.search.index.base import Entry
from storage.search.index.field_terms import Labelled, labels
from storage.search.index.row_ids import TIES, row_of
from storage.search.index.vocabulary import Tally, note_words

_CHUNK = 500


def free_row(tx: Connection, at: datetime) -> int:
    """The first free place of an article that was published at a moment: after those of its second."""
    floor = row_of(at)
    while (last := _LAST_ROW.scalar(tx, {"floor": floor, "next": floor + TIES})) is not None:
        if last + 1 < floor + TIES:
            return int(last) + 1
        floor += TIES
    return floor


def labels_of(values: dict[str, Any], topics: Iterable[str], *, is_revised: bool) -> str:
    """The labels of an article by the columns of its row; `authors` is a sequence of names."""
    known = (("revised", is_revised), ("withdrawn", values["withdrawn"]), ("truncated", values["truncated"]))
    return labels(
        Labelled(
            source=values["source"],
            language=values["language"],
            url=values["url"],
            authors=values["authors"],
            topics=topics,
            states=[state for state, holds in known if holds],
        )
    )


def topic_names(tx: Connection, article_id: int) -> list[str]:
    """The names of the topics that an article is kept with."""
    return list(tx.execute(_TOPICS, {"article": article_id}).scalars())


def put(tx: Connection, row: int, entry: Entry) -> None:
    """Put an article into the index, and its words into the vocabulary."""
    entry = replace(entry, made=entry.prepared)
    index_of(tx.dialect.name).add(tx, row, entry)
    beside.put(tx, row, entry)
    note_words(tx, entry.prepared)


def take(tx: Connection, shown: Row[*tuple[Any, ...]]) -> None:
    """Take an article out of the index by the row that is shown of it: search_row, title, text and labels."""
    entry = entry_of(shown)
    index_of(tx.dialect.name).remove(tx, shown.search_row, entry)
    beside.take(tx, shown.search_row, entry)


def remove(tx: Connection, article_id: int) -> None:
    """Take an article out of the index for good."""
    take(tx, tx.execute(_SHOWN.where(articles.c.id == bindparam("article")), {"article": article_id}).one())


def entry_of(shown: Row[*tuple[Any, ...]]) -> Entry:
    """What the index holds of an article by the row that is shown of it."""
    return Entry(title=shown.title, text=shown.text, labels=shown.labels)


def relabel(tx: Connection, article_id: int, topics: Sequence[Topic]) -> None:
    """Bring an article's labels in line with the topics that it has now."""
    shown = tx.execute(_SHOWN.where(articles.c.id == bindparam("article")), {"article": article_id}).one()
    made = _labels(shown, [topic.name for topic in topics])
    if made == shown.labels:
        return
    take(tx, shown)
    tx.execute(_RELABEL, {"article": article_id, "made": made})
    put(tx, shown.search_row, Entry(title=shown.title, text=shown.text, labels=made))


def reindex(tx: Connection, progress: Callable[[int, int], None] | None = None) -> int:
    """Make the search index anew in one transaction; `storage.search.rebuild` does it beside the one that answers.

    From the kept texts, places and labels too; returns how many articles it holds. `progress` is told how many of
    how many are done.
    """
    total = int(tx.execute(select(func.count()).select_from(articles)).scalar_one())
    index_of(tx.dialect.name).clear(tx)
    beside.abandon(tx)
    tx.execute(update(articles).values(search_row=-articles.c.id))
    words = Tally()
    done, last = 0, 0
    while rows := next_shown(tx, last, _CHUNK):
        for shown in rows:
            made, place = labels_of_shown(tx, shown), free_row(tx, shown.dated)
            tx.execute(_PLACE, {"article": shown.id, "made": made, "place": place})
            entry = Entry(title=shown.title, text=shown.text, labels=made)
            entry = replace(entry, made=entry.prepared)
            index_of(tx.dialect.name).add(tx, place, entry)
            words.add(entry.prepared)
            past.forget(tx, shown.id)
            past.remember(tx, shown.id)
        index_of(tx.dialect.name).settle(tx)  # or all of it would wait in memory
        done, last = done + len(rows), rows[-1].id
        if progress:
            progress(done, total)
    words.write(tx)
    note(tx, "prepare", str(VERSION))
    return done


def next_shown(tx: Connection, after: int, most: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Up to so many articles with ids above one, in order: what is shown of each, and where."""
    return tx.execute(_NEXT, {"after": after, "most": most}).all()


def labels_of_shown(tx: Connection, shown: Row[*tuple[Any, ...]]) -> str:
    """The labels that an article should have, by the row that is shown of it."""
    return _labels(shown, topic_names(tx, shown.id))


def _labels(shown: Row[*tuple[Any, ...]], topics: Iterable[str]) -> str:
    values = dict(shown._mapping)
    values["authors"] = json.loads(values["authors"])
    return labels_of(values, topics, is_revised=shown.is_revised)


_LAST_ROW = Ready(
    select(func.max(articles.c.search_row)).where(
        articles.c.search_row >= bindparam("floor"), articles.c.search_row < bindparam("next")
    )
)
_TOPICS = select(article_topics.c.topic).where(article_topics.c.article_id == bindparam("article"))
_EDITED = revisions.alias()
_SHOWN = (
    select(
        articles.c.id,
        articles.c.search_row,
        articles.c.labels,
        articles.c.source,
        articles.c.language,
        articles.c.url,
        articles.c.authors,
        articles.c.withdrawn,
        articles.c.truncated,
        articles.c.dated,
        texts.c.title,
        texts.c.text,
        select(_EDITED.c.number)
        .where(
            _EDITED.c.article_id == articles.c.id,
            _EDITED.c.number > 1,
            _EDITED.c.kind.not_in(("withdrawn", "restored", "re-extracted")),
        )
        .exists()
        .label("is_revised"),
    )
    .join(revisions, (revisions.c.article_id == articles.c.id) & (revisions.c.number == articles.c.revision))
    .join(texts, texts.c.id == revisions.c.text_id)
)
_NEXT = _SHOWN.where(articles.c.id > bindparam("after")).order_by(articles.c.id).limit(bindparam("most"))
_RELABEL = update(articles).where(articles.c.id == bindparam("article")).values(labels=bindparam("made"))
_PLACE = (
    update(articles)
    .where(articles.c.id == bindparam("article"))
    .values(labels=bindparam("made"), search_row=bindparam("place"))
)
