"""Store similarities and link copies to originals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from storage.db.statements import Ready
from storage.db.tables import articles, likenesses
from storage.db.tables.articles import TOLD_AT
from storage.duplicates.originals import Alike, Descent, Member, descents
from storage.duplicates.signatures import forget, told
from storage.identity import text_digest
from storage.stories.membership import due

_TELLINGS = 100
"""Different texts that one conclusion is drawn from."""


_MEMBERS = 50
"""Articles of one text among which the original is looked for, the first published first."""


_NO_WORDS = text_digest("")


def leave(tx: Connection, article_id: int) -> None:
    """Take an article that is to go from among its copies: one of them is their original from then on."""
    forget(tx, article_id)
    digest = told(tx, article_id).digest
    near = {digest} | {row.other for row in _LIKE.all(tx, {"digests": [digest]})}
    _LEAVE.run(tx, {"article": article_id, "digest": _NO_WORDS})
    conclude(tx, near - {_NO_WORDS})
    if left := tx.execute(_COPIES_OF, {"article": article_id}).scalars().all():
        due(tx, left)  # more than one conclusion is drawn from
        tx.execute(_UNLINK, {"article": article_id, "reason": _freed(0)})
    if tx.execute(_TELLING, {"digest": digest}).first() is None:
        tx.execute(_UNLIKEN, [{"digest": digest, "near": one} for one in near])


def liken(tx: Connection, digest: str, found: Iterable[tuple[str, float, str]]) -> None:
    """Keep which other texts a text is like: (digest, similarity, kind) of each."""
    rows = [
        {"one": one, "other": other, "similarity": similarity, "kind": kind}
        for theirs, similarity, kind in found
        for one, other in ((digest, theirs), (theirs, digest))
    ]
    if rows:
        tx.execute(_LIKEN[tx.dialect.name], rows)


def conclude(tx: Connection, digests: Iterable[str]) -> None:
    """Link every article that shows one of these texts, or one like them, to its original, and say why."""
    done: set[str] = set()
    for digest in sorted(set(digests)):
        if digest == _NO_WORDS:
            due(tx, tx.execute(_LINKED, {"digest": digest}).scalars().all())
            tx.execute(_FREE_WORDLESS, {"digest": digest, "reason": _freed(0)})
        elif digest not in done:
            alike = _alike(tx, digest)
            group = sorted({digest} | {one for one, _ in alike})
            done |= set(group)
            _conclude(tx, group, alike)


def standing(tx: Connection, article_id: int) -> tuple[int | None, str, int]:
    """Whose copy an article is, the reason that it has, and how many copies it has itself."""
    row = _STANDING.one(tx, {"article": article_id})
    return row.copy_of, row.reason, row.copies


def _alike(tx: Connection, digest: str) -> dict[tuple[str, str], Alike]:
    """All likenesses between the texts that can be reached from one, nearest first, up to a bound."""
    found: dict[tuple[str, str], Alike] = {}
    known, edge = {digest}, [digest]
    while edge and len(known) <= _TELLINGS:
        rows = _LIKE.all(tx, {"digests": edge})
        found |= {(row.one, row.other): Alike(similarity=row.similarity, kind=row.kind) for row in rows}
        edge = sorted({row.other for row in rows} - known)[:_TELLINGS]
        known |= set(edge)
    return found | {(other, one): alike for (one, other), alike in found.items()}


def _conclude(tx: Connection, group: Sequence[str], alike: dict[tuple[str, str], Alike]) -> None:
    rows: dict[str, list[Row[*tuple[Any, ...]]]] = {digest: [] for digest in group}
    for row in _GROUP.all(tx, {"digests": group}):
        rows[row.text_digest].append(row)
    made = descents({digest: [_member(row) for row in found] for digest, found in rows.items()}, alike)
    for digest, descent in made.items():
        wrong = [row for row in rows[digest] if row.id != descent.original and _differs(row, descent)]
        if wrong or len(rows[digest]) == _MEMBERS:
            values = {"digest": digest, "original": descent.original, "reason": descent.reason}
            due(tx, tx.execute(_UNLINKED, values).scalars().all())
            tx.execute(_LINK, values)
    for digest, descent in made.items():
        freed = [row for row in rows[digest] if row.id == descent.original and row.copy_of is not None]
        if freed:
            due(tx, [descent.original])
            copies = tx.execute(_COPIES, {"article": descent.original}).scalar_one()
            tx.execute(_FREE, {"article": descent.original, "reason": _freed(copies)})


def _member(row: Row[*tuple[Any, ...]]) -> Member:
    return Member(**{name: getattr(row, name) for name in Member.__slots__})


def _differs(row: Row[*tuple[Any, ...]], descent: Descent) -> bool:
    return bool(row.copy_of != descent.original or row.reason != descent.reason)


def _freed(copies: int) -> str:
    return f"the original of {copies} copies" if copies else "no longer the same text as another article"


def _once(statement: Any) -> Any:
    return statement.on_conflict_do_nothing()


_LIKEN = {"sqlite": _once(insert_sqlite(likenesses)), "postgresql": _once(insert_postgres(likenesses))}


_LEAVE = Ready(
    update(articles).where(articles.c.id == bindparam("article")).values(text_digest=bindparam("digest"), copy_of=None)
)


_TELLING = select(articles.c.id).where(articles.c.text_digest == bindparam("digest")).limit(1)


_COPIES_OF = select(articles.c.id).where(articles.c.copy_of == bindparam("article"))


_UNLINK = (
    update(articles).where(articles.c.copy_of == bindparam("article")).values(copy_of=None, reason=bindparam("reason"))
)


_UNLIKEN = delete(likenesses).where(
    or_(
        (likenesses.c.one == bindparam("digest")) & (likenesses.c.other == bindparam("near")),
        (likenesses.c.one == bindparam("near")) & (likenesses.c.other == bindparam("digest")),
    )
)


_LIKE = Ready(select(likenesses).where(likenesses.c.one.in_(bindparam("digests", expanding=True))))


_AGE = (articles.c.published.is_(None), articles.c.published, articles.c.key, articles.c.id)


_NUMBERED = (
    select(
        *[articles.c[name] for name in Member.__slots__ if name != "told_at"],
        TOLD_AT,
        articles.c.text_digest,
        articles.c.copy_of,
        articles.c.reason,
        func.row_number().over(partition_by=articles.c.text_digest, order_by=_AGE).label("place"),
    )
    .where(articles.c.text_digest.in_(bindparam("digests", expanding=True)))
    .subquery()
)


_GROUP = Ready(select(_NUMBERED).where(_NUMBERED.c.place <= _MEMBERS).order_by(_NUMBERED.c.place))


_COPY = articles.alias()


_COPIES = select(func.count()).select_from(_COPY).where(_COPY.c.copy_of == bindparam("article"))


_STANDING = Ready(
    select(
        articles.c.copy_of,
        articles.c.reason,
        select(func.count())
        .select_from(_COPY)
        .where(_COPY.c.copy_of == articles.c.id)
        .scalar_subquery()
        .label("copies"),
    ).where(articles.c.id == bindparam("article"))
)


_FREE = update(articles).where(articles.c.id == bindparam("article")).values(copy_of=None, reason=bindparam("reason"))


_FREE_WORDLESS = (
    update(articles)
    .where(articles.c.text_digest == bindparam("digest"), articles.c.copy_of.is_not(None))
    .values(copy_of=None, reason=bindparam("reason"))
)


_LINKED = select(articles.c.id).where(articles.c.text_digest == bindparam("digest"), articles.c.copy_of.is_not(None))


_UNLINKED = select(articles.c.id).where(
    articles.c.text_digest == bindparam("digest"),
    articles.c.id != bindparam("original"),
    articles.c.copy_of.is_(None),
)


_LINK = (
    update(articles)
    .where(
        articles.c.text_digest == bindparam("digest"),
        articles.c.id != bindparam("original"),
        articles.c.copy_of.is_distinct_from(bindparam("original"))
        | articles.c.reason.is_distinct_from(bindparam("reason")),
    )
    .values(copy_of=bindparam("original"), reason=bindparam("reason"))
)
