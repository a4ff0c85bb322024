"""An article's revisions as rows: what began each, and what kind of edit led to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from storage.articles.derive import Step
from storage.articles.text_columns import headlines_of, stated_text, whole_text
from storage.db.tables import revisions, texts
from storage.text.diff import Difference, Edit, difference
from storage.text.headlines import headline_after
from storage.text.wording import wording


def write_revisions(
    tx: Connection, article_id: int, steps: Sequence[Step], held: Collection[int], *, anew: bool = False
) -> None:
    """Bring an article's rows of `revisions` in line with what began them.

    An edit that was judged before, between the same texts, keeps its judgement, unless `anew`.
    """
    stored = tx.execute(_REVISIONS, {"article": article_id}).all()
    judged = {} if anew else {(one.text_id, two.text_id): _judgement(two) for one, two in pairwise(stored)}
    title = steps[0].sighting.headlines[0][1]
    rows = [_row(article_id, 1, steps[0], title, None)]
    for number, (before, step) in enumerate(pairwise(steps), 2):
        old, title = title, headline_after(title, before.sighting.headlines, step.sighting.headlines)
        rows.append(_row(article_id, number, step, title, _edit(tx, (before, old), (step, title), judged, held)))
    if [tuple(row) for row in stored] != [tuple(row[name] for name in _COLUMNS) for row in rows]:
        tx.execute(_DROP, {"article": article_id})
        tx.execute(_INSERT, rows)


def _judgement(row: Any) -> Difference | None:
    """What a stored row says of its edit; None where what is known of the article, not its texts, made it one."""
    if row.kind in ("", Edit.WITHDRAWN, Edit.RESTORED):
        return None
    return Difference(kind=Edit(row.kind), added=row.added, removed=row.removed)


def _edit(
    tx: Connection,
    before: tuple[Step, str],
    after: tuple[Step, str],
    judged: Mapping[tuple[int, int], Difference | None],
    held: Collection[int],
) -> Difference:
    """The edit between two (step, headline)s."""
    (first, old_title), (step, title) = before, after
    one, two = first.sighting, step.sighting
    if one.text_id == two.text_id and step.edit:
        return Difference(kind=step.edit, added=0, removed=0)
    found = judged.get((one.text_id, two.text_id))
    if found is None:
        # Where the page shows the same, it is what its own data says that was edited.
        is_shown = one.wording != two.wording
        old, new = (_wording(tx, each.text_id, held, is_shown=is_shown) for each in (one, two))
        found = difference((old_title, old), (title, new))
    return Difference(kind=step.edit, added=found.added, removed=found.removed) if step.edit else found


def _wording(tx: Connection, text_id: int, held: Collection[int], *, is_shown: bool) -> str:
    row = tx.execute(_TEXT, {"text_id": text_id}).one()
    titles = [words for _, words in headlines_of(row)]
    return wording(whole_text(row) if is_shown else stated_text(row), titles, held)


def _row(article_id: int, number: int, step: Step, title: str, edit: Difference | None) -> dict[str, Any]:
    return {
        "article_id": article_id,
        "number": number,
        "sighting_id": step.sighting.id,
        "text_id": step.sighting.text_id,
        "title": title,
        "fetched_at": step.at,
        "look_id": step.look.id if step.look else None,
        "kind": edit.kind.value if edit else "",
        "added": edit.added if edit else 0,
        "removed": edit.removed if edit else 0,
    }


_COLUMNS = [column.name for column in revisions.columns]
_REVISIONS = select(revisions).where(revisions.c.article_id == bindparam("article")).order_by(revisions.c.number)
_TEXT = select(texts.c.title, texts.c.headlines, texts.c.text, texts.c.dropped, texts.c.variants).where(
    texts.c.id == bindparam("text_id")
)
_DROP = delete(revisions).where(revisions.c.article_id == bindparam("article"))
_INSERT = insert(revisions)
