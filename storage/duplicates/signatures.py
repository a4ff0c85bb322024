"""Index the signatures of articles, and find the articles that share bands with another.

Bands are small samples of a text's shingles (integers below 2**38), of which similar texts share some. The caller
computes them and decides whether two texts are similar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, or_, select

from storage.db.statements import CompiledStatement, insert_statement
from storage.db.tables import articles, revisions, signature_bands, signatures, texts
from storage.db.tables.articles import PUBLISHED_OR_SEEN_AT
from storage.duplicates.bands import (
    TIME_BUCKETS,
    UNDATED_KEYS_START,
    bucket_keys,
    pack_bands,
    undated_bucket_keys,
    unpack_bands,
)
from storage.duplicates.originals import COPY_WINDOW

COMMON_BAND_ARTICLES = 64
"""Number of articles of a time bucket that share a band from which it is common: a phrase or boilerplate."""
_MAX_CANDIDATES = 60
_MAX_COMMON_CANDIDATES = 8
_MAX_TIME_BUCKETS = 230
"""Time buckets in each direction, some forty years, in which the origin that an article credits is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedArticle:
    """Text digest and publication time of an article, whether it credits an origin, and the time of its signature.

    `signature_time` is None if no signature is indexed.
    """

    digest: str
    published_or_seen_at: datetime
    has_origin: bool
    signature_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateCandidate:
    """An article that shares bands with another."""

    article_id: int
    digest: str
    bands: tuple[int, ...]


def load_signed_article(tx: Connection, article_id: int) -> SignedArticle:
    return SignedArticle(**_SELECT_SIGNED_ARTICLE.one(tx, {"article": article_id})._asdict())


def load_shown_texts(tx: Connection, article_ids: Sequence[int]) -> dict[int, str]:
    """Return the shown text of each article by its id."""
    return {row.id: row.text for row in tx.execute(_SELECT_SHOWN_TEXTS, {"ids": list(article_ids)})}


def find_candidates(
    tx: Connection, article_id: int, signed: SignedArticle, bands: Sequence[int]
) -> list[DuplicateCandidate]:
    """Return articles with another text that share bands with an article and were published near it in time.

    If either credits an origin, the time does not matter. There is one article per text: originals of copies first,
    then by the number of shared bands. Common bands yield few articles, and only if they are most of the article's
    bands: then the text is either widely copied or nothing but the boilerplate of a site.
    """
    if not bands:
        return []
    ids_by_key: dict[int, set[int]] = {}
    for row in _SELECT_BY_KEYS.all(tx, {"keys": _keys_to_search(tx, signed, bands)}):
        ids_by_key.setdefault(row.bucket_key, set()).add(row.article_id)
    ranked = _rank_candidates(ids_by_key, article_id, len(bands))
    if not ranked:
        return []
    undated = {other_id for key, ids in ids_by_key.items() if key >= UNDATED_KEYS_START for other_id in ids}
    return _load_candidates(tx, ranked, signed, ranked if signed.has_origin else undated)


def _keys_to_search(tx: Connection, signed: SignedArticle, bands: Sequence[int]) -> list[int]:
    """Return the keys near in time and those found at any time; all dated keys if the article credits an origin."""
    at = signed.published_or_seen_at
    if not signed.has_origin:
        return bucket_keys(bands, at - COPY_WINDOW, at + COPY_WINDOW) + undated_bucket_keys(bands)
    first, last = (tx.execute(statement).scalar() for statement in (_SELECT_FIRST_KEY, _SELECT_LAST_DATED_KEY))
    if first is None or last is None:
        return []
    bucket = TIME_BUCKETS.bucket_at(at)
    return TIME_BUCKETS.keys_between(
        bands,
        max(TIME_BUCKETS.bucket_of(first), bucket - _MAX_TIME_BUCKETS),
        min(TIME_BUCKETS.bucket_of(last), bucket + _MAX_TIME_BUCKETS),
    )


def _rank_candidates(ids_by_key: Mapping[int, Collection[int]], article_id: int, band_count: int) -> list[int]:
    """Return the ids of other articles by the number of shared bands, those that share rare bands first."""
    rare, common = set[tuple[int, int]](), set[tuple[int, int]]()
    for key, ids in ids_by_key.items():
        shared = rare if len(ids) < COMMON_BAND_ARTICLES else common
        shared.update((TIME_BUCKETS.value_of(key), other_id) for other_id in ids if other_id != article_id)
    common_bands = {TIME_BUCKETS.value_of(key) for key, ids in ids_by_key.items() if len(ids) >= COMMON_BAND_ARTICLES}
    ranked = _rank_by_shared_bands(rare, _MAX_CANDIDATES)
    if 2 * len(common_bands) > band_count:
        ranked += _rank_by_shared_bands(common, _MAX_COMMON_CANDIDATES)
    return list(dict.fromkeys(ranked))


def _rank_by_shared_bands(shared: Iterable[tuple[int, int]], limit: int) -> list[int]:
    """Return the ids that occur in the most pairs of (band, id), the lower id first among equals."""
    counts = Counter(article_id for _, article_id in shared)
    return sorted(counts, key=lambda article_id: (-counts[article_id], article_id))[:limit]


def _load_candidates(
    tx: Connection, ranked: Sequence[int], signed: SignedArticle, anytime: Collection[int]
) -> list[DuplicateCandidate]:
    """Return the candidates that were published within COPY_WINDOW or are among `anytime`, originals first."""
    rows = {row.article_id: row for row in _SELECT_SIGNATURES.all(tx, {"ids": ranked})}
    original_ids = sorted({row.copy_of for row in rows.values()} - {None})
    if missing := [original_id for original_id in original_ids if original_id not in rows]:
        rows |= {row.article_id: row for row in _SELECT_SIGNATURES.all(tx, {"ids": missing})}
    candidates: dict[str, DuplicateCandidate] = {}
    for article_id in [*original_ids, *ranked]:
        row = rows.get(article_id)
        if row is None or row.text_digest == signed.digest or row.text_digest in candidates:
            continue
        if abs(row.published_or_seen_at - signed.published_or_seen_at) <= COPY_WINDOW or article_id in anytime:
            candidates[row.text_digest] = DuplicateCandidate(
                article_id=article_id, digest=row.text_digest, bands=unpack_bands(row.bands)
            )
    return list(candidates.values())


def index_signature(tx: Connection, article_id: int, bands: Sequence[int], signed: SignedArticle) -> None:
    """Replace the indexed bands of an article; it is found near its time, or at any time if it credits an origin."""
    if signed.signature_time is not None:
        remove_signature(tx, article_id)
    at = signed.published_or_seen_at
    _INSERT_SIGNATURE.run(tx, {"article_id": article_id, "published_or_seen_at": at, "bands": pack_bands(bands)})
    keys = bucket_keys(bands, at, at) + (undated_bucket_keys(bands) if signed.has_origin else [])
    if not keys:
        return
    full_keys = {row.bucket_key for row in _SELECT_FULL_KEYS.all(tx, {"keys": keys})}
    if rows := [{"bucket_key": key, "article_id": article_id} for key in keys if key not in full_keys]:
        _INSERT_BAND.run_many(tx, rows)


def remove_signature(tx: Connection, article_id: int) -> None:
    """Remove the signature and the indexed bands of an article."""
    row = _SELECT_SIGNATURE.first(tx, {"article": article_id})
    if row is None:
        return
    bands = unpack_bands(row.bands)
    if keys := bucket_keys(bands, row.published_or_seen_at, row.published_or_seen_at) + undated_bucket_keys(bands):
        tx.execute(_DELETE_BANDS, {"article": article_id, "keys": keys})
    _DELETE_SIGNATURE.run(tx, {"article": article_id})


def is_signature_current(tx: Connection, article_id: int, signed: SignedArticle) -> bool:
    """Return whether the indexed signature matches the article's time and its credit of an origin."""
    if signed.signature_time != signed.published_or_seen_at or not signed.has_origin:
        return signed.signature_time == signed.published_or_seen_at
    keys = undated_bucket_keys(unpack_bands(_SELECT_SIGNATURE.one(tx, {"article": article_id}).bands))
    return not keys or tx.execute(_SELECT_ARTICLE_KEY, {"article": article_id, "keys": keys}).first() is not None


_SELECT_SIGNED_ARTICLE = CompiledStatement(
    select(
        articles.c.text_digest.label("digest"),
        PUBLISHED_OR_SEEN_AT,
        or_(articles.c.credit != "", articles.c.original_url != "").label("has_origin"),
        signatures.c.published_or_seen_at.label("signature_time"),
    )
    .outerjoin(signatures, signatures.c.article_id == articles.c.id)
    .where(articles.c.id == bindparam("article"))
)
_SELECT_SHOWN_TEXTS = (
    select(articles.c.id, texts.c.text)
    .join(revisions, (revisions.c.article_id == articles.c.id) & (revisions.c.number == articles.c.revision))
    .join(texts, texts.c.id == revisions.c.text_id)
    .where(articles.c.id.in_(bindparam("ids", expanding=True)))
)
_SELECT_BY_KEYS = CompiledStatement(
    select(signature_bands).where(signature_bands.c.bucket_key.in_(bindparam("keys", expanding=True)))
)
_SELECT_FULL_KEYS = CompiledStatement(
    select(signature_bands.c.bucket_key)
    .where(signature_bands.c.bucket_key.in_(bindparam("keys", expanding=True)))
    .group_by(signature_bands.c.bucket_key)
    .having(func.count() >= COMMON_BAND_ARTICLES)
)
_SELECT_SIGNATURES = CompiledStatement(
    select(signatures, articles.c.text_digest, articles.c.copy_of)
    .join(articles, articles.c.id == signatures.c.article_id)
    .where(signatures.c.article_id.in_(bindparam("ids", expanding=True)))
)
_SELECT_SIGNATURE = CompiledStatement(select(signatures).where(signatures.c.article_id == bindparam("article")))
_SELECT_FIRST_KEY = select(signature_bands.c.bucket_key).order_by(signature_bands.c.bucket_key).limit(1)
_SELECT_LAST_DATED_KEY = (
    select(signature_bands.c.bucket_key)
    .where(signature_bands.c.bucket_key < UNDATED_KEYS_START)
    .order_by(signature_bands.c.bucket_key.desc())
    .limit(1)
)
_SELECT_ARTICLE_KEY = (
    select(signature_bands.c.bucket_key)
    .where(
        signature_bands.c.bucket_key.in_(bindparam("keys", expanding=True)),
        signature_bands.c.article_id == bindparam("article"),
    )
    .limit(1)
)
_INSERT_SIGNATURE = insert_statement(signatures)
_INSERT_BAND = insert_statement(signature_bands)
_DELETE_BANDS = delete(signature_bands).where(
    signature_bands.c.bucket_key.in_(bindparam("keys", expanding=True)),
    signature_bands.c.article_id == bindparam("article"),
)
_DELETE_SIGNATURE = CompiledStatement(delete(signatures).where(signatures.c.article_id == bindparam("article")))
