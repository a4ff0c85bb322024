"""Near-duplicates in the database: articles found by their prints, likenesses kept, originals concluded from them.

`prints` are small samples of a text's shingles (whole numbers below 2**38) that two texts have in
common where one tells the other; what they are made of, and whether two texts are alike, is not
decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, or_, select

from storage.db.statements import CompiledStatement, insert_statement
from storage.db.tables import articles, revisions, signature_bands, signatures, texts
from storage.db.tables.articles import PUBLISHED_OR_SEEN_AT
from storage.duplicates.bands import (
    UNDATED_KEYS_START,
    band_of_key,
    bucket_keys,
    bucket_keys_between,
    pack_bands,
    time_bucket_at,
    time_bucket_of_key,
    undated_bucket_keys,
    unpack_bands,
)
from storage.duplicates.originals import COPY_WINDOW

COMMON_BAND_ARTICLES = 64
"""Articles of one stretch that share a print, from which on it says nothing: a phrase, or a site's furniture."""
_MAX_CANDIDATES = 60
_MAX_COMMON_CANDIDATES = 8
_MAX_TIME_BUCKETS = 230
"""How far the origin that an article names is looked for: some forty years each way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedArticle:
    """What an article shows, when it was told, whether it names an origin, and when its signature says it was told."""

    digest: str
    published_or_seen_at: datetime
    has_origin: bool
    signature_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateCandidate:
    """An article that shares prints with another."""

    article_id: int
    digest: str
    bands: tuple[int, ...]


def load_signed_article(tx: Connection, article_id: int) -> SignedArticle:
    """What is known of a kept article. It was told when it was published, else when it was first fetched."""
    return SignedArticle(**_SELECT_SIGNED_ARTICLE.one(tx, {"article": article_id})._asdict())


def load_shown_texts(tx: Connection, article_ids: Sequence[int]) -> dict[int, str]:
    """The text that is shown of each article."""
    return {row.id: row.text for row in tx.execute(_SELECT_SHOWN_TEXTS, {"ids": list(article_ids)})}


def find_candidates(
    tx: Connection, article_id: int, told: SignedArticle, marks: Sequence[int]
) -> list[DuplicateCandidate]:
    """Articles with other words that share prints with an article and were told within the window of it.

    Where either names an origin, the window is all time. One article for each text: first the originals
    of those that are copies, then the most prints in common. Prints that very many have lead to a few
    articles at most, and only where they are most of what the article has: it is either one that everybody
    tells, or nothing but a site's furniture.
    """
    if not marks:
        return []
    shared: dict[int, set[int]] = {}
    for row in _SELECT_BY_KEYS.all(tx, {"places": _keys_to_search(tx, told, marks)}):
        shared.setdefault(row.bucket_key, set()).add(row.article_id)
    rare, everybodys = set[tuple[int, int]](), set[tuple[int, int]]()
    for place, ids in shared.items():
        (rare if len(ids) < COMMON_BAND_ARTICLES else everybodys).update((band_of_key(place), one) for one in ids)
    found = _rank_by_shared_bands(rare, article_id, _MAX_CANDIDATES)
    if 2 * len({mark for mark, _ in everybodys}) > len(marks):
        found += [
            one for one in _rank_by_shared_bands(everybodys, article_id, _MAX_COMMON_CANDIDATES) if one not in found
        ]
    if not found:
        return []
    namers = {one for place, ids in shared.items() if place >= UNDATED_KEYS_START for one in ids}
    return _load_candidates(tx, found, told, found if told.has_origin else namers)


def _keys_to_search(tx: Connection, told: SignedArticle, marks: Sequence[int]) -> list[int]:
    """Places near in time, and of those that may be meant at any time; all of them for what names an origin."""
    if not told.has_origin:
        return bucket_keys(
            marks, told.published_or_seen_at - COPY_WINDOW, told.published_or_seen_at + COPY_WINDOW
        ) + undated_bucket_keys(marks)
    here = time_bucket_at(told.published_or_seen_at)
    first, last = (tx.execute(one).scalar() for one in (_SELECT_FIRST_KEY, _SELECT_LAST_DATED_KEY))
    if first is None or last is None:
        return []
    return bucket_keys_between(
        marks,
        max(time_bucket_of_key(first), here - _MAX_TIME_BUCKETS),
        min(time_bucket_of_key(last), here + _MAX_TIME_BUCKETS),
    )


def _rank_by_shared_bands(shared: set[tuple[int, int]], article_id: int, most: int) -> list[int]:
    counts = Counter(one for _, one in shared)
    return sorted((one for one in counts if one != article_id), key=lambda one: (-counts[one], one))[:most]


def _load_candidates(
    tx: Connection, ranked: Sequence[int], told: SignedArticle, anytime: Collection[int]
) -> list[DuplicateCandidate]:
    """What is known of articles that were told within the window, or are among those that may be told at `anytime`."""
    rows = {row.article_id: row for row in _SELECT_SIGNATURES.all(tx, {"ids": ranked})}
    originals = sorted({row.copy_of for row in rows.values()} - {None})
    if missing := [one for one in originals if one not in rows]:
        rows |= {row.article_id: row for row in _SELECT_SIGNATURES.all(tx, {"ids": missing})}
    found: dict[str, DuplicateCandidate] = {}
    for article_id in [*originals, *ranked]:
        row = rows.get(article_id)
        if row is None or row.text_digest == told.digest:
            continue
        if abs(row.published_or_seen_at - told.published_or_seen_at) <= COPY_WINDOW or article_id in anytime:
            one = DuplicateCandidate(article_id=article_id, digest=row.text_digest, bands=unpack_bands(row.bands))
            found.setdefault(row.text_digest, one)
    return list(found.values())


def index_signature(tx: Connection, article_id: int, marks: Sequence[int], told: SignedArticle) -> None:
    """Let an article be found by these prints and no others: when it was told; at any time if it names an origin."""
    remove_signature(tx, article_id)
    _INSERT_SIGNATURE.run(
        tx, {"article_id": article_id, "published_or_seen_at": told.published_or_seen_at, "bands": pack_bands(marks)}
    )
    found_at = bucket_keys(marks, told.published_or_seen_at, told.published_or_seen_at) + (
        undated_bucket_keys(marks) if told.has_origin else []
    )
    if not found_at:
        return
    full = {row.bucket_key for row in _SELECT_FULL_KEYS.all(tx, {"places": found_at})}
    if rows := [{"bucket_key": place, "article_id": article_id} for place in found_at if place not in full]:
        _INSERT_BAND.run_many(tx, rows)


def remove_signature(tx: Connection, article_id: int) -> None:
    """Let an article be found no more."""
    row = _SELECT_SIGNATURE.first(tx, {"article": article_id})
    if row is None:
        return
    marks = unpack_bands(row.bands)
    if found_at := bucket_keys(marks, row.published_or_seen_at, row.published_or_seen_at) + undated_bucket_keys(marks):
        tx.execute(_DELETE_BANDS, {"article": article_id, "places": found_at})
    _DELETE_SIGNATURE.run(tx, {"article": article_id})


def is_signature_current(tx: Connection, article_id: int, told: SignedArticle) -> bool:
    """Whether an article can be found as what is told of it now wants it."""
    if told.signature_time != told.published_or_seen_at or not told.has_origin:
        return told.signature_time == told.published_or_seen_at
    marks = unpack_bands(_SELECT_SIGNATURE.one(tx, {"article": article_id}).bands)
    found_at = undated_bucket_keys(marks)
    return (
        not found_at or tx.execute(_SELECT_ARTICLE_KEY, {"article": article_id, "places": found_at}).first() is not None
    )


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
    select(signature_bands).where(signature_bands.c.bucket_key.in_(bindparam("places", expanding=True)))
)
_SELECT_FULL_KEYS = CompiledStatement(
    select(signature_bands.c.bucket_key)
    .where(signature_bands.c.bucket_key.in_(bindparam("places", expanding=True)))
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
        signature_bands.c.bucket_key.in_(bindparam("places", expanding=True)),
        signature_bands.c.article_id == bindparam("article"),
    )
    .limit(1)
)
_INSERT_SIGNATURE = insert_statement(signatures)
_INSERT_BAND = insert_statement(signature_bands)
_DELETE_BANDS = delete(signature_bands).where(
    signature_bands.c.bucket_key.in_(bindparam("places", expanding=True)),
    signature_bands.c.article_id == bindparam("article"),
)
_DELETE_SIGNATURE = CompiledStatement(delete(signatures).where(signatures.c.article_id == bindparam("article")))
