"""Store similarities and link copies to originals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from storage.db.statements import CompiledStatement
from storage.db.tables import articles, similarities
from storage.db.tables.articles import PUBLISHED_OR_SEEN_AT
from storage.duplicates.originals import DigestPair, DuplicateArticle, Origin, find_originals
from storage.duplicates.signatures import load_signed_article, remove_signature
from storage.identity import text_digest
from storage.model.article import Decision, DecisionKind
from storage.model.similarity import TextSimilarity
from storage.stories.membership import queue_recompute

_MAX_TEXTS = 100
"""Maximum number of connected texts whose articles are linked together."""
_MAX_ARTICLES_PER_TEXT = 50
"""Maximum number of articles of one text among which the original is looked for, the first published first."""
_EMPTY_TEXT_DIGEST = text_digest("")


def unlink_article(tx: Connection, article_id: int) -> None:
    """Remove an article that will be deleted from its group of duplicates; its first copy becomes the original."""
    remove_signature(tx, article_id)
    digest = load_signed_article(tx, article_id).digest
    linked_digests = {digest} | {row.other_text_digest for row in _SELECT_SIMILARITIES.all(tx, {"digests": [digest]})}
    _CLEAR_TEXT_DIGEST.run(tx, {"article": article_id, "digest": _EMPTY_TEXT_DIGEST})
    link_copies(tx, linked_digests - {_EMPTY_TEXT_DIGEST})
    # Copies beyond _MAX_ARTICLES_PER_TEXT still point to the article.
    if remaining_copies := tx.execute(_SELECT_COPIES, {"article": article_id}).scalars().all():
        queue_recompute(tx, remaining_copies)
        tx.execute(_UNLINK_COPIES, {"article": article_id, "reason": _unlinked_reason(0)})
    if tx.execute(_SELECT_ARTICLE_WITH_TEXT, {"digest": digest}).first() is None:
        tx.execute(_DELETE_SIMILARITY, [{"digest": digest, "near": linked} for linked in linked_digests])


def add_similarities(tx: Connection, digest: str, similarities: Mapping[str, TextSimilarity]) -> None:
    """Store the similarities of a text to others, given by their digests. Known pairs stay as they are."""
    rows = [
        {
            "text_digest": first,
            "other_text_digest": second,
            "similarity": similarity.similarity,
            "kind": similarity.kind,
        }
        for other, similarity in similarities.items()
        for first, second in ((digest, other), (other, digest))
    ]
    if rows:
        tx.execute(_INSERT_SIMILARITY[tx.dialect.name], rows)


def link_copies(tx: Connection, digests: Iterable[str]) -> bool:
    """Link each article that shows one of these texts, or a similar one, to its original, with the reason.

    Return whether any of these texts is shown by, or similar to the text of, more than one article.
    """
    done: set[str] = set()
    has_duplicates = False
    for digest in sorted(set(digests)):
        if digest == _EMPTY_TEXT_DIGEST:
            queue_recompute(tx, tx.execute(_SELECT_LINKED, {"digest": digest}).scalars().all())
            tx.execute(_CLEAR_COPY_OF_TEXT, {"digest": digest, "reason": _unlinked_reason(0)})
        elif digest not in done:
            similarities = _load_similarities(tx, digest)
            group = sorted({digest} | {first for first, _ in similarities})
            done |= set(group)
            has_duplicates |= _link_group(tx, group, similarities)
    return has_duplicates


def link_recorded(tx: Connection, decision: Decision) -> Decision:
    """Link the articles that show a text which recording changed; return the decision with its copy status."""
    has_duplicates = link_copies(tx, decision.changed_digests)
    if decision.kind is not DecisionKind.NEW or not has_duplicates:
        return decision
    original_id, reason, copy_count = copy_status(tx, decision.article_id)
    if original_id is not None:
        return replace(decision, kind=DecisionKind.COPY, reason=reason)
    if copy_count:
        reason = f"new address; the original of {copy_count} kept before with the same text"
    return replace(decision, reason=reason)


def copy_status(tx: Connection, article_id: int) -> tuple[int | None, str, int]:
    """Return the id of an article's original (None if it is no copy), its reason and its number of copies."""
    row = _SELECT_COPY_STATUS.one(tx, {"article": article_id})
    return row.copy_of, row.reason, row.copies


def _load_similarities(tx: Connection, digest: str) -> dict[DigestPair, TextSimilarity]:
    """Return the similarities among the texts that are connected with a text, in both directions.

    The texts are searched breadth first; the search stops after _MAX_TEXTS texts.
    """
    similarities: dict[DigestPair, TextSimilarity] = {}
    known, edge = {digest}, [digest]
    while edge and len(known) <= _MAX_TEXTS:
        rows = _SELECT_SIMILARITIES.all(tx, {"digests": edge})
        similarities |= {
            (row.text_digest, row.other_text_digest): TextSimilarity(similarity=row.similarity, kind=row.kind)
            for row in rows
        }
        edge = sorted({row.other_text_digest for row in rows} - known)[:_MAX_TEXTS]
        known |= set(edge)
    return similarities | {(second, first): similarity for (first, second), similarity in similarities.items()}


def _link_group(tx: Connection, digests: Sequence[str], similarities: Mapping[DigestPair, TextSimilarity]) -> bool:
    """Link the articles of connected texts; return whether there are several."""
    rows: dict[str, list[Row[*tuple[Any, ...]]]] = {digest: [] for digest in digests}
    for row in _SELECT_GROUP.all(tx, {"digests": digests}):
        rows[row.text_digest].append(row)
    articles_by_digest = {digest: [_duplicate_article(row) for row in group] for digest, group in rows.items()}
    origins = find_originals(articles_by_digest, similarities)
    for digest, origin in origins.items():
        outdated = [row for row in rows[digest] if row.id != origin.original_id and _is_link_outdated(row, origin)]
        if outdated or len(rows[digest]) == _MAX_ARTICLES_PER_TEXT:
            values = {"digest": digest, "original": origin.original_id, "reason": origin.reason}
            queue_recompute(tx, tx.execute(_SELECT_UNLINKED, values).scalars().all())
            tx.execute(_UPDATE_COPY_OF, values)
    for digest, origin in origins.items():
        former_copies = [row for row in rows[digest] if row.id == origin.original_id and row.copy_of is not None]
        if former_copies:
            queue_recompute(tx, [origin.original_id])
            copies = tx.execute(_COUNT_COPIES, {"article": origin.original_id}).scalar_one()
            tx.execute(_CLEAR_COPY_OF, {"article": origin.original_id, "reason": _unlinked_reason(copies)})
    return sum(map(len, rows.values())) > 1


def _duplicate_article(row: Row[*tuple[Any, ...]]) -> DuplicateArticle:
    return DuplicateArticle(**{name: getattr(row, name) for name in DuplicateArticle.__slots__})


def _is_link_outdated(row: Row[*tuple[Any, ...]], origin: Origin) -> bool:
    return bool(row.copy_of != origin.original_id or row.reason != origin.reason)


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
