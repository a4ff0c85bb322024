"""Add, move, relabel and remove an article in the index."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from storage.db.key_value import set_value
from storage.db.statements import CompiledStatement
from storage.db.tables import article_topics, articles, revisions, texts
from storage.model.article import Topic
from storage.search import history
from storage.search.analyzer import ANALYZER_VERSION, ANALYZER_VERSION_KEY
from storage.search.index import search_index, shadow
from storage.search.index.base import IndexedArticle
from storage.search.index.field_terms import LabelFields, build_labels
from storage.search.index.row_ids import ROWS_PER_SECOND, row_id_of
from storage.search.index.vocabulary import TitleCounts, record_words

_BATCH_SIZE = 500


def find_free_row_id(tx: Connection, at: datetime) -> int:
    """Return the first free row id for an article published at `at`, after the articles of the same second."""
    floor = row_id_of(at)
    while (last := _SELECT_LAST_ROW_ID.scalar(tx, {"floor": floor, "next": floor + ROWS_PER_SECOND})) is not None:
        if last + 1 < floor + ROWS_PER_SECOND:
            return int(last) + 1
        floor += ROWS_PER_SECOND
    return floor


def build_article_labels(values: dict[str, Any], topics: Iterable[str], *, is_revised: bool) -> str:
    """Build the labels of an article from the columns of its row. `authors` is a sequence of names."""
    flags = (("revised", is_revised), ("withdrawn", values["withdrawn"]), ("truncated", values["truncated"]))
    return build_labels(
        LabelFields(
            source=values["source"],
            language=values["language"],
            url=values["url"],
            authors=values["authors"],
            topics=topics,
            states=[state for state, is_set in flags if is_set],
        )
    )


def load_topic_names(tx: Connection, article_id: int) -> list[str]:
    """Return the names of the topics recorded for an article."""
    return list(tx.execute(_SELECT_TOPICS, {"article": article_id}).scalars())


def add(tx: Connection, row_id: int, entry: IndexedArticle) -> None:
    """Add an article to the index and its words to the vocabulary."""
    entry = replace(entry, prepared_before=entry.prepared)
    search_index(tx.dialect.name).add(tx, row_id, entry)
    shadow.add(tx, row_id, entry)
    record_words(tx, entry.prepared)


def remove_shown(tx: Connection, shown: Row[*tuple[Any, ...]]) -> None:
    """Remove an article from the index. `shown` is its current row: search_row, title, text and labels."""
    entry = entry_from_row(shown)
    search_index(tx.dialect.name).remove(tx, shown.search_row, entry)
    shadow.remove(tx, shown.search_row, entry)


def remove_article(tx: Connection, article_id: int) -> None:
    """Remove an article from the index by its id."""
    remove_shown(
        tx, tx.execute(_SELECT_SHOWN.where(articles.c.id == bindparam("article")), {"article": article_id}).one()
    )


def entry_from_row(shown: Row[*tuple[Any, ...]]) -> IndexedArticle:
    """Return the index entry of an article from its current row."""
    return IndexedArticle(title=shown.title, text=shown.text, labels=shown.labels)


def update_labels(tx: Connection, article_id: int, topics: Sequence[Topic]) -> None:
    """Rebuild the labels of an article from its topics, and index it again if they changed."""
    shown = tx.execute(_SELECT_SHOWN.where(articles.c.id == bindparam("article")), {"article": article_id}).one()
    labels = _build_row_labels(shown, [topic.name for topic in topics])
    if labels == shown.labels:
        return
    remove_shown(tx, shown)
    tx.execute(_UPDATE_LABELS, {"article": article_id, "new_labels": labels})
    add(tx, shown.search_row, IndexedArticle(title=shown.title, text=shown.text, labels=labels))


def rebuild_in_place(tx: Connection, progress: Callable[[int, int], None] | None = None) -> int:
    """Rebuild the search index in one transaction, and return the number of indexed articles.

    Row ids and labels are recomputed from the stored articles. `progress` receives the number of finished articles
    and the total. `storage.search.rebuild` rebuilds the index in short transactions instead.
    """
    total = int(tx.execute(select(func.count()).select_from(articles)).scalar_one())
    search_index(tx.dialect.name).clear(tx)
    shadow.drop_shadow(tx)
    tx.execute(update(articles).values(search_row=-articles.c.id))
    words = TitleCounts()
    done, last = 0, 0
    while rows := load_next_shown(tx, last, _BATCH_SIZE):
        for shown in rows:
            labels, row_id = build_labels_of_row(tx, shown), find_free_row_id(tx, shown.sort_time)
            tx.execute(_UPDATE_ROW_ID, {"article": shown.id, "new_labels": labels, "row_id": row_id})
            entry = IndexedArticle(title=shown.title, text=shown.text, labels=labels)
            entry = replace(entry, prepared_before=entry.prepared)
            search_index(tx.dialect.name).add(tx, row_id, entry)
            words.add(entry.prepared)
            history.remove_past_texts(tx, shown.id)
            history.update_past_texts(tx, shown.id)
        search_index(tx.dialect.name).flush(tx)  # bounds the memory of queued writes
        done, last = done + len(rows), rows[-1].id
        if progress:
            progress(done, total)
    words.write(tx)
    set_value(tx, ANALYZER_VERSION_KEY, str(ANALYZER_VERSION))
    return done


def load_next_shown(tx: Connection, after: int, most: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the current rows of up to `most` articles with ids above `after`, in order of id."""
    return tx.execute(_SELECT_NEXT_SHOWN, {"after": after, "most": most}).all()


def build_labels_of_row(tx: Connection, shown: Row[*tuple[Any, ...]]) -> str:
    """Return the labels that an article should have, from its current row and its recorded topics."""
    return _build_row_labels(shown, load_topic_names(tx, shown.id))


def _build_row_labels(shown: Row[*tuple[Any, ...]], topics: Iterable[str]) -> str:
    values = dict(shown._mapping)
    values["authors"] = json.loads(values["authors"])
    return build_article_labels(values, topics, is_revised=shown.is_revised)


_SELECT_LAST_ROW_ID = CompiledStatement(
    select(func.max(articles.c.search_row)).where(
        articles.c.search_row >= bindparam("floor"), articles.c.search_row < bindparam("next")
    )
)
_SELECT_TOPICS = select(article_topics.c.topic).where(article_topics.c.article_id == bindparam("article"))
_EDIT_REVISIONS = revisions.alias()
_SELECT_SHOWN = (
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
        articles.c.sort_time,
        texts.c.title,
        texts.c.text,
        select(_EDIT_REVISIONS.c.number)
        .where(
            _EDIT_REVISIONS.c.article_id == articles.c.id,
            _EDIT_REVISIONS.c.number > 1,
            _EDIT_REVISIONS.c.kind.not_in(("withdrawn", "restored", "re-extracted")),
        )
        .exists()
        .label("is_revised"),
    )
    .join(revisions, (revisions.c.article_id == articles.c.id) & (revisions.c.number == articles.c.revision))
    .join(texts, texts.c.id == revisions.c.text_id)
)
_SELECT_NEXT_SHOWN = (
    _SELECT_SHOWN.where(articles.c.id > bindparam("after")).order_by(articles.c.id).limit(bindparam("most"))
)
_UPDATE_LABELS = update(articles).where(articles.c.id == bindparam("article")).values(labels=bindparam("new_labels"))
_UPDATE_ROW_ID = (
    update(articles)
    .where(articles.c.id == bindparam("article"))
    .values(labels=bindparam("new_labels"), search_row=bindparam("row_id"))
)
