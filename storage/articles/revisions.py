"""Write the revisions of an article, with the kind of edit that led to each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from storage.articles.derive import RevisionStart
from storage.articles.text_columns import read_headlines, text_in_page_data, whole_text
from storage.db.tables import revisions, texts
from storage.text.diff import EditKind, TextDifference, compare_texts
from storage.text.headlines import choose_headline
from storage.text.wording import comparable_text


def write_revisions(
    tx: Connection,
    article_id: int,
    starts: Sequence[RevisionStart],
    held_blocks: Collection[int],
    *,
    rejudged: bool = False,
) -> None:
    """Write an article's rows of `revisions` from the starts of its revisions.

    A stored edit between the same texts keeps its kind, unless the texts were `rejudged`.
    """
    stored = tx.execute(_SELECT_REVISIONS, {"article": article_id}).all()
    judged = {} if rejudged else {(old.text_id, new.text_id): _stored_difference(new) for old, new in pairwise(stored)}
    title = starts[0].snapshot.headlines[0][1]
    rows = [_row_values(article_id, 1, starts[0], title, None)]
    for number, (before, step) in enumerate(pairwise(starts), 2):
        old, title = title, choose_headline(title, before.snapshot.headlines, step.snapshot.headlines)
        rows.append(
            _row_values(
                article_id,
                number,
                step,
                title,
                _difference_between(tx, (before, old), (step, title), judged, held_blocks),
            )
        )
    if [tuple(row) for row in stored] != [tuple(row[name] for name in _COLUMNS) for row in rows]:
        tx.execute(_DELETE_REVISIONS, {"article": article_id})
        tx.execute(_INSERT_REVISION, rows)


def _stored_difference(row: Any) -> TextDifference | None:
    """Return the stored edit of a row; None if it does not follow from a comparison of texts."""
    if row.kind in ("", EditKind.WITHDRAWN, EditKind.RESTORED):
        return None
    return TextDifference(kind=EditKind(row.kind), added=row.added, removed=row.removed)


def _difference_between(
    tx: Connection,
    before: tuple[RevisionStart, str],
    after: tuple[RevisionStart, str],
    judged: Mapping[tuple[int, int], TextDifference | None],
    held: Collection[int],
) -> TextDifference:
    """Return the edit between two (revision start, headline) pairs."""
    (first, old_title), (step, title) = before, after
    earlier, later = first.snapshot, step.snapshot
    if earlier.text_id == later.text_id and step.edit:
        return TextDifference(kind=step.edit, added=0, removed=0)
    difference = judged.get((earlier.text_id, later.text_id))
    if difference is None:
        # If the page shows the same text, its data was edited.
        is_shown = earlier.comparable_digest != later.comparable_digest
        old, new = (_comparable_text(tx, snapshot.text_id, held, is_shown=is_shown) for snapshot in (earlier, later))
        difference = compare_texts((old_title, old), (title, new))
    return (
        TextDifference(kind=step.edit, added=difference.added, removed=difference.removed) if step.edit else difference
    )


def _comparable_text(tx: Connection, text_id: int, held: Collection[int], *, is_shown: bool) -> str:
    row = tx.execute(_SELECT_TEXT, {"text_id": text_id}).one()
    titles = [title for _, title in read_headlines(row)]
    return comparable_text(whole_text(row) if is_shown else text_in_page_data(row), titles, held)


def _row_values(
    article_id: int, number: int, step: RevisionStart, title: str, edit: TextDifference | None
) -> dict[str, Any]:
    return {
        "article_id": article_id,
        "number": number,
        "snapshot_id": step.snapshot.id,
        "text_id": step.snapshot.text_id,
        "title": title,
        "fetched_at": step.at,
        "check_id": step.check.id if step.check else None,
        "kind": edit.kind.value if edit else "",
        "added": edit.added if edit else 0,
        "removed": edit.removed if edit else 0,
    }


_COLUMNS = [column.name for column in revisions.columns]
_SELECT_REVISIONS = select(revisions).where(revisions.c.article_id == bindparam("article")).order_by(revisions.c.number)
_SELECT_TEXT = select(
    texts.c.title, texts.c.headlines, texts.c.text, texts.c.removed_boilerplate, texts.c.differs_in_page_data
).where(texts.c.id == bindparam("text_id"))
_DELETE_REVISIONS = delete(revisions).where(revisions.c.article_id == bindparam("article"))
_INSERT_REVISION = insert(revisions)
