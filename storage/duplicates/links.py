"""Store similarities and link copies to originals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from storage.db.statements import CompiledStatement
from storage.db.tables import articles, similarities
from storage.db.tables.articles import PUBLISHED_OR_SEEN_AT
from storage.duplicates.originals import DuplicateArticle, Origin, StoredSimilarity, find_originals
from storage.duplicates.signatures import load_signed_article, remove_signature
from storage.identity import text_digest
from storage.stories.membership import queue_recompute

_MAX_TEXTS = 100
"""Different texts that one conclusion is drawn from."""


_MAX_ARTICLES_PER_TEXT = 50
"""Articles of one text among which the original is looked for, the first published first."""


_EMPTY_TEXT_DIGEST = text_digest("")


def unlink_article(tx: Connection, article_id: int) -> None:
    """Take an article that is to go from among its copies: one of them is their original from then on."""
    remove_signature(tx, article_id)
    digest = load_signed_article(tx, article_id).digest
    near = {digest} | {row.other_text_digest for row in _SELECT_SIMILARITIES.all(tx, {"digests": [digest]})}
    _CLEAR_TEXT_DIGEST.run(tx, {"article": article_id, "digest": _EMPTY_TEXT_DIGEST})
    link_copies(tx, near - {_EMPTY_TEXT_DIGEST})
    if left := tx.execute(_SELECT_COPIES, {"article": article_id}).scalars().all():
        queue_recompute(tx, left)  # more than one conclusion is drawn from
        tx.execute(_UNLINK_COPIES, {"article": article_id, "reason": _unlinked_reason(0)})
    if tx.execute(_SELECT_ARTICLE_WITH_TEXT, {"digest": digest}).first() is None:
        tx.execute(_DELETE_SIMILARITY, [{"digest": digest, "near": one} for one in near])


def add_similarity(tx: Connection, digest: str, found: Iterable[tuple[str, float, str]]) -> None:
    """Keep which other texts a text is like: (digest, similarity, kind) of each."""
    rows = [
        {"text_digest": one, "other_text_digest": other, "similarity": similarity, "kind": kind}
        for theirs, similarity, kind in found
        for one, other in ((digest, theirs), (theirs, digest))
    ]
    if rows:
        tx.execute(_INSERT_SIMILARITY[tx.dialect.name], rows)


def link_copies(tx: Connection, digests: Iterable[str]) -> None:
    """Link every article that shows one of these texts, or one like them, to its original, and say why."""
    done: set[str] = set()
    for digest in sorted(set(digests)):
        if digest == _EMPTY_TEXT_DIGEST:
            queue_recompute(tx, tx.execute(_SELECT_LINKED, {"digest": digest}).scalars().all())
            tx.execute(_CLEAR_COPY_OF_TEXT, {"digest": digest, "reason": _unlinked_reason(0)})
        elif digest not in done:
            alike = _load_similarities(tx, digest)
            group = sorted({digest} | {one for one, _ in alike})
            done |= set(group)
            _link_group(tx, group, alike)


def copy_status(tx: Connection, article_id: int) -> tuple[int | None, str, int]:
    """Whose copy an article is, the reason that it has, and how many copies it has itself."""
    row = _SELECT_COPY_STATUS.one(tx, {"article": article_id})
    return row.copy_of, row.reason, row.copies


def _load_similarities(tx: Connection, digest: str) -> dict[tuple[str, str], StoredSimilarity]:
    """All likenesses between the texts that can be reached from one, nearest first, up to a bound."""
    found: dict[tuple[str, str], StoredSimilarity] = {}
    known, edge = {digest}, [digest]
    while edge and len(known) <= _MAX_TEXTS:
        rows = _SELECT_SIMILARITIES.all(tx, {"digests": edge})
        found |= {
            (row.text_digest, row.other_text_digest): StoredSimilarity(similarity=row.similarity, kind=row.kind)
            for row in rows
        }
        edge = sorted({row.other_text_digest for row in rows} - known)[:_MAX_TEXTS]
        known |= set(edge)
    return found | {(other, one): alike for (one, other), alike in found.items()}


def _link_group(tx: Connection, group: Sequence[str], alike: dict[tuple[str, str], StoredSimilarity]) -> None:
    rows: dict[str, list[Row[*tuple[Any, ...]]]] = {digest: [] for digest in group}
    for row in _SELECT_GROUP.all(tx, {"digests": group}):
        rows[row.text_digest].append(row)
    made = find_originals({digest: [_duplicate_article(row) for row in found] for digest, found in rows.items()}, alike)
    for digest, descent in made.items():
        wrong = [row for row in rows[digest] if row.id != descent.original_id and _is_link_outdated(row, descent)]
        if wrong or len(rows[digest]) == _MAX_ARTICLES_PER_TEXT:
            values = {"digest": digest, "original": descent.original_id, "reason": descent.reason}
            queue_recompute(tx, tx.execute(_SELECT_UNLINKED, values).scalars().all())
            tx.execute(_UPDATE_COPY_OF, values)
    for digest, descent in made.items():
        freed = [row for row in rows[digest] if row.id == descent.original_id and row.copy_of is not None]
        if freed:
            queue_recompute(tx, [descent.original_id])
            copies = tx.execute(_COUNT_COPIES, {"article": descent.original_id}).scalar_one()
            tx.execute(_CLEAR_COPY_OF, {"article": descent.original_id, "reason": _unlinked_reason(copies)})


def _duplicate_article(row: Row[*tuple[Any, ...]]) -> DuplicateArticle:
    return DuplicateArticle(**{name: getattr(row, name) for name in DuplicateArticle.__slots__})


def _is_link_outdated(row: Row[*tuple[Any, ...]], descent: Origin) -> bool:
    return bool(row.copy_of != descent.original_id or row.reason != descent.reason)


def _unlinked_reason(copies: int) -> str:
    return f"the original of {copies} copies" if copies else "no longer the same text as another article"


def _ignore_conflict(statement: Any) -> Any:
    return statement.on_conflict_do_nothing()


_INSERT_SIMILARITY = {
    "sqlite": _ignore_conflict(insert_sqlite(similarities)),
    "postgresql": _ignore_conflict(insert_postgres(similarities)),
}


_CLEAR_TEXT_DIGEST = CompiledStatement(
    update(articles).where(articles.c.id == bindparam("article")).values(text_digest=bindparam("digest"), copy_of=None)
)


_SELECT_ARTICLE_WITH_TEXT = select(articles.c.id).where(articles.c.text_digest == bindparam("digest")).limit(1)


_SELECT_COPIES = select(articles.c.id).where(articles.c.copy_of == bindparam("article"))


_UNLINK_COPIES = (
    update(articles).where(articles.c.copy_of == bindparam("article")).values(copy_of=None, reason=bindparam("reason"))
)


_DELETE_SIMILARITY = delete(similarities).where(
    or_(
        (similarities.c.text_digest == bindparam("digest")) & (similarities.c.other_text_digest == bindparam("near")),
        (similarities.c.text_digest == bindparam("near")) & (similarities.c.other_text_digest == bindparam("digest")),
    )
)


_SELECT_SIMILARITIES = CompiledStatement(
    select(similarities).where(similarities.c.text_digest.in_(bindparam("digests", expanding=True)))
)


_BY_AGE = (articles.c.published.is_(None), articles.c.published, articles.c.url_key, articles.c.id)


_RANKED_ARTICLES = (
    select(
        *[articles.c[name] for name in DuplicateArticle.__slots__ if name != "published_or_seen_at"],
        PUBLISHED_OR_SEEN_AT,
        articles.c.text_digest,
        articles.c.copy_of,
        articles.c.reason,
        func.row_number().over(partition_by=articles.c.text_digest, order_by=_BY_AGE).label("place"),
    )
    .where(articles.c.text_digest.in_(bindparam("digests", expanding=True)))
    .subquery()
)


_SELECT_GROUP = CompiledStatement(
    select(_RANKED_ARTICLES)
    .where(_RANKED_ARTICLES.c.place <= _MAX_ARTICLES_PER_TEXT)
    .order_by(_RANKED_ARTICLES.c.place)
)


_COPY = articles.alias()


_COUNT_COPIES = select(func.count()).select_from(_COPY).where(_COPY.c.copy_of == bindparam("article"))


_SELECT_COPY_STATUS = CompiledStatement(
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


_CLEAR_COPY_OF = (
    update(articles).where(articles.c.id == bindparam("article")).values(copy_of=None, reason=bindparam("reason"))
)


_CLEAR_COPY_OF_TEXT = (
    update(articles)
    .where(articles.c.text_digest == bindparam("digest"), articles.c.copy_of.is_not(None))
    .values(copy_of=None, reason=bindparam("reason"))
)


_SELECT_LINKED = select(articles.c.id).where(
    articles.c.text_digest == bindparam("digest"), articles.c.copy_of.is_not(None)
)


_SELECT_UNLINKED = select(articles.c.id).where(
    articles.c.text_digest == bindparam("digest"),
    articles.c.id != bindparam("original"),
    articles.c.copy_of.is_(None),
)


_UPDATE_COPY_OF = (
    update(articles)
    .where(
        articles.c.text_digest == bindparam("digest"),
        articles.c.id != bindparam("original"),
        articles.c.copy_of.is_distinct_from(bindparam("original"))
        | articles.c.reason.is_distinct_from(bindparam("reason")),
    )
    .values(copy_of=bindparam("original"), reason=bindparam("reason"))
)
